#include "models/text/byte_pairs.hpp"

#include <queue>
#include <string>
#include <tuple>

#include "models/text/byte_alphabet.hpp"
#include "models/text/utf8.hpp"

namespace troupe {
namespace {

std::uint64_t key(TokenId left, TokenId right) {
  return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 |
         static_cast<std::uint32_t>(right);
}

constexpr std::int32_t kNone = -1;

// A token of the piece, in a list; taken by its left neighbour: id kNone.
struct Symbol {
  TokenId id = 0;
  std::int32_t previous = kNone;
  std::int32_t next = kNone;
};

// A merge that applied at `at` when it was queued, and gives `id`.
struct Candidate {
  std::int32_t rank = 0;
  std::int32_t at = 0;
  TokenId id = 0;
  bool operator>(const Candidate& other) const {
    return std::tie(rank, at) > std::tie(other.rank, other.at);
  }
};

}  // namespace

Result<BytePairs> BytePairs::make(const TokenizerFile& tokenizer,
                                  std::string_view file) {
  const auto fault = [&](const std::string& why) {
    return Error{Errc::corrupt, std::string(file) + ": " + why};
  };
  const auto& vocabulary = tokenizer.vocabulary;
  BytePairs pairs;
  for (std::size_t byte = 0; byte < pairs.byte_ids_.size(); ++byte) {
    std::string letter;
    append_utf8(letter, letter_of_byte(static_cast<std::uint8_t>(byte)));
    const auto found = vocabulary.find(letter);
    if (found == vocabulary.end())
      return fault("model.vocab has no token for the byte " +
                   std::to_string(byte) + " ('" + letter + "')");
    pairs.byte_ids_[byte] = found->second;
  }
  pairs.merges_.reserve(tokenizer.merges.size());
  for (const auto& [left, right] : tokenizer.merges) {
    const auto rank = static_cast<std::int32_t>(pairs.merges_.size());
    const auto at = "model.merges[" + std::to_string(rank) + "]";
    for (const auto& token : {left, right, left + right})
      if (!vocabulary.contains(token))
        return fault(at + ": '" + token + "' is not in model.vocab");
    const auto [row, fresh] =
        pairs.merges_.emplace(key(vocabulary.at(left), vocabulary.at(right)),
                              Merge{rank, vocabulary.at(left + right)});
    if (!fresh) return fault(at + " is there twice");
  }
  return pairs;
}

const BytePairs::Merge* BytePairs::find(TokenId left, TokenId right) const {
  const auto found = merges_.find(key(left, right));
  return found == merges_.end() ? nullptr : &found->second;
}

void BytePairs::encode(std::string_view piece,
                       std::vector<TokenId>& ids) const {
  const auto size = static_cast<std::int32_t>(piece.size());
  std::vector<Symbol> symbols(piece.size());
  const auto symbol = [&](std::int32_t at) -> Symbol& {
    return symbols[static_cast<std::size_t>(at)];
  };
  for (std::int32_t i = 0; i < size; ++i)
    symbol(i) = {byte_ids_[static_cast<unsigned char>(
                     piece[static_cast<std::size_t>(i)])],
                 i - 1, i + 1 < size ? i + 1 : kNone};
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  const auto consider = [&](std::int32_t at) {
    if (at == kNone || symbol(at).next == kNone) return;
    if (const auto* merge = find(symbol(at).id, symbol(symbol(at).next).id))
      queue.push({merge->rank, at, merge->id});
  };
  for (std::int32_t i = 0; i < size; ++i) consider(i);
  while (!queue.empty()) {
    const auto best = queue.top();
    queue.pop();
    auto& left = symbol(best.at);
    if (left.id == kNone || left.next == kNone) continue;
    auto& right = symbol(left.next);
    // What was queued may have changed since; as in `tokenizers`, what it
    // would give decides whether it still stands.
    const auto* merge = find(left.id, right.id);
    if (!merge || merge->id != best.id) continue;
    left.id = best.id;
    left.next = right.next;
    right.id = kNone;
    if (left.next != kNone) symbol(left.next).previous = best.at;
    consider(left.previous);
    consider(best.at);
  }
  for (std::int32_t i = 0; i < size; ++i)
    if (symbol(i).id != kNone) ids.push_back(symbol(i).id);
}

}  // namespace troupe
