#include "apps/model_lines.hpp"

#include <string>
#include <vector>

#include "apps/render/json.hpp"

namespace troupe {
namespace {

struct TextLine {
  std::string text;
};
template <class Inspector>
bool inspect(Inspector& f, TextLine& x) {
  return f.object(x).fields(f.field("text", x.text));
}

struct IdsLine {
  std::vector<TokenId> ids;
  bool skip_special = false;
};
template <class Inspector>
bool inspect(Inspector& f, IdsLine& x) {
  return f.object(x).fields(f.field("ids", x.ids),
                            f.field("skip_special", x.skip_special));
}

Error without(const char* member) {
  return {Errc::invalid_argument,
          "the line has no \"" + std::string(member) + "\""};
}

}  // namespace

Result<Json> tokenize_line(const Tokenizer& tokenizer, const Json& line) {
  const auto read = from_json<TextLine>(line, UnknownFields::refuse);
  if (!read) return read.error();
  if (!line.contains("text")) return without("text");
  auto ids = tokenizer.encode(read->text);
  if (!ids) return ids.error();
  return Json{{"ids", *std::move(ids)}};
}

Result<Json> detokenize_line(const Tokenizer& tokenizer, const Json& line) {
  const auto read = from_json<IdsLine>(line, UnknownFields::refuse);
  if (!read) return read.error();
  if (!line.contains("ids")) return without("ids");
  auto text =
      tokenizer.decode(read->ids, read->skip_special ? SpecialTokens::skip
                                                     : SpecialTokens::keep);
  if (!text) return text.error();
  return Json{{"text", *std::move(text)}};
}

ExitCode model_lines(const Tokenizer& tokenizer,
                     Result<Json> (*one)(const Tokenizer&, const Json&),
                     std::istream& in, std::ostream& out) {
  auto code = ExitCode::ok;
  for (std::string line; std::getline(in, line);) {
    if (line.empty()) continue;
    const auto json = parse_json(line);
    const auto answer = json ? one(tokenizer, *json) : json.error();
    if (!answer) code = ExitCode::usage;
    out << dump_json(answer ? *answer
                            : Json{{"error", render::error(answer.error())}})
        << std::endl;
  }
  return code;
}

}  // namespace troupe
