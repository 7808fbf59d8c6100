// What tests/golden/compare_tokenizer.py compares: reads JSON lines, writes one
// answer for each. {"text"} gives {"ids", "pieces"}, pieces being what the
// pattern makes of the normalised text; {"ids"} gives {"keep", "skip"}.
#include <iostream>
#include <string>

#include "codec/json.hpp"
#include "models/text/pretokenizer.hpp"
#include "models/text/tokenizer.hpp"
#include "models/text/unicode.hpp"
#include "models/text/utf8.hpp"

namespace troupe {
namespace {

Json pieces(const std::string& text) {
  auto list = Json::array();
  const auto read = to_code_points(text);
  if (!read) return list;
  const auto normal = nfc(*read);
  for (std::u32string_view rest = normal; !rest.empty();) {
    const auto size = first_piece(rest);
    list.push_back(to_utf8(rest.substr(0, size)));
    rest.remove_prefix(size);
  }
  return list;
}

Json answer(const Tokenizer& tokenizer, const Json& line) {
  Json out = Json::object();
  if (line.contains("text")) {
    const auto text = line.at("text").get<std::string>();
    auto ids = tokenizer.encode(text);
    if (!ids) return Json{{"error", ids.error().message}};
    out["ids"] = *ids;
    out["pieces"] = pieces(text);
    return out;
  }
  const auto ids = line.at("ids").get<std::vector<TokenId>>();
  auto keep = tokenizer.decode(ids, SpecialTokens::keep);
  auto skip = tokenizer.decode(ids, SpecialTokens::skip);
  if (!keep || !skip) return Json{{"error", keep.error().message}};
  out["keep"] = *keep;
  out["skip"] = *skip;
  return out;
}

int run(const char* dir) {
  const auto tokenizer = Tokenizer::load(dir);
  if (!tokenizer) {
    std::cerr << tokenizer.error().message << '\n';
    return 1;
  }
  for (std::string line; std::getline(std::cin, line);) {
    const auto parsed = parse_json(line);
    if (!parsed) {
      std::cerr << parsed.error().message << '\n';
      return 1;
    }
    std::cout << dump_json(answer(*tokenizer, *parsed)) << '\n';
  }
  return 0;
}

}  // namespace
}  // namespace troupe

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: tokenize_lines DIR <LINES\n";
    return 2;
  }
  return troupe::run(argv[1]);
}
