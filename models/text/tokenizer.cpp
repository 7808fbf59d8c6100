#include "models/text/tokenizer.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "models/missing_file.hpp"
#include "models/text/byte_alphabet.hpp"
#include "models/text/detokenizer.hpp"
#include "models/text/pretokenizer.hpp"
#include "models/text/unicode.hpp"
#include "models/text/utf8.hpp"
#include "platform/file.hpp"
#include "platform/regular_file.hpp"

namespace troupe {
namespace {

// REQUIRES: text is UTF-8, checked before.
std::u32string code_points(std::string_view text) {
  auto read = to_code_points(text);
  TROUPE_ASSERT(read);
  return std::move(*read);
}

AddedTokens those(const std::vector<AddedToken>& added, bool normalized) {
  std::vector<AddedTokens::Entry> entries;
  for (const auto& token : added)
    if (token.normalized == normalized)
      entries.push_back({normalized ? to_utf8(nfc(code_points(token.content)))
                                    : token.content,
                         token.id});
  return AddedTokens{std::move(entries)};
}

// Calls `token` with each added token and `between` with what lies between.
template <class Token, class Between>
void split(std::string_view text, const AddedTokens& added, Token token,
           Between between) {
  std::size_t from = 0;
  while (const auto found = added.find(text, from)) {
    if (found->begin > from) between(text.substr(from, found->begin - from));
    token(found->id);
    from = found->end;
  }
  if (from < text.size()) between(text.substr(from));
}

}  // namespace

Result<Tokenizer> Tokenizer::load(const std::filesystem::path& dir) {
  const auto path = dir / "tokenizer.json";
  auto json = platform::read_regular(path, kMaxTokenizerFileBytes);
  if (!json) return missing_model_file(path, json.error());
  auto tokenizer = parse(*json, path.string());
  if (tokenizer || tokenizer.error().code != Errc::corrupt) return tokenizer;
  auto why = tokenizer.error();
  why.message += fetch_again(path);
  return why;
}

Result<Tokenizer> Tokenizer::parse(std::string_view json,
                                   std::string_view file) {
  auto read = parse_tokenizer_file(json, file);
  if (!read) return read.error();
  auto pairs = BytePairs::make(*read, file);
  if (!pairs) return pairs.error();
  return Tokenizer{*read, std::move(*pairs)};
}

Tokenizer::Tokenizer(const TokenizerFile& file, BytePairs pairs)
    : pairs_{std::move(pairs)},
      raw_{those(file.added, false)},
      normalized_{those(file.added, true)},
      bytes_(file.tokens),
      special_(file.tokens),
      added_{file.added} {
  for (const auto& [token, id] : file.vocabulary)
    bytes_[static_cast<std::size_t>(id)] = bytes_of_token(token);
  for (const auto& token : file.added) {
    bytes_[static_cast<std::size_t>(token.id)] = bytes_of_token(token.content);
    special_[static_cast<std::size_t>(token.id)] = token.special;
  }
}

Result<std::vector<TokenId>> Tokenizer::encode(std::string_view text) const {
  if (auto checked = to_code_points(text); !checked) return checked.error();
  std::vector<TokenId> ids;
  split(
      text, raw_, [&](TokenId id) { ids.push_back(id); },
      [&](std::string_view between) { encode_plain(between, ids); });
  return ids;
}

void Tokenizer::encode_plain(std::string_view text,
                             std::vector<TokenId>& ids) const {
  const auto normal = nfc(code_points(text));
  if (normalized_.empty()) return encode_normalized(normal, ids);
  split(
      to_utf8(normal), normalized_, [&](TokenId id) { ids.push_back(id); },
      [&](std::string_view between) {
        encode_normalized(code_points(between), ids);
      });
}

void Tokenizer::encode_normalized(std::u32string_view text,
                                  std::vector<TokenId>& ids) const {
  while (!text.empty()) {
    const auto piece = text.substr(0, first_piece(text));
    pairs_.encode(to_utf8(piece), ids);
    text.remove_prefix(piece.size());
  }
}

Result<std::string> Tokenizer::decode(std::span<const TokenId> ids,
                                      SpecialTokens special) const {
  Detokenizer detokenizer{*this, special};
  std::string text;
  for (const auto id : ids) {
    if (!has(id))
      return Error{Errc::invalid_argument, "id " + std::to_string(id) +
                                               " is no token; ids are 0 to " +
                                               std::to_string(size() - 1)};
    text += detokenizer.push(id);
  }
  return text + detokenizer.finish();
}

std::optional<TokenId> Tokenizer::find_added(std::string_view content) const {
  const auto found = std::ranges::find(added_, content, &AddedToken::content);
  if (found == added_.end()) return std::nullopt;
  return found->id;
}

Status mask_padding(const Tokenizer& tokenizer, std::span<float> logits) {
  if (logits.size() < tokenizer.size())
    return Error{Errc::invalid_argument,
                 "the model has " + std::to_string(logits.size()) +
                     " rows and the tokenizer " +
                     std::to_string(tokenizer.size()) +
                     " tokens: they do not belong together"};
  std::ranges::fill(logits.subspan(tokenizer.size()),
                    -std::numeric_limits<float>::infinity());
  return ok();
}

}  // namespace troupe
