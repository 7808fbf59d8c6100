#include "models/text/tokenizer_file.hpp"

#include <algorithm>
#include <cctype>

#include "codec/unique_json.hpp"
#include "models/text/pretokenizer.hpp"

namespace troupe {
namespace {

// Collects what differs from the form that is read.
class FormCheck {
 public:
  /// The member at `path` (keys and indices between dots) is `wanted`, or
  /// missing where null is wanted.
  void expect(const UniqueJson& root, const std::string& path,
              const std::vector<UniqueJson>& wanted) {
    static const UniqueJson kNull;
    const auto* at = &root;
    for (std::size_t begin = 0; begin <= path.size() && at != &kNull;) {
      const auto end = std::min(path.find('.', begin), path.size());
      const auto name = path.substr(begin, end - begin);
      if (at->is_object() && at->contains(name))
        at = &at->at(name);
      else if (at->is_array() && std::isdigit(name[0]) &&
               std::stoul(name) < at->size())
        at = &at->at(std::stoul(name));
      else
        at = &kNull;
      begin = end + 1;
    }
    if (std::ranges::find(wanted, *at) != wanted.end()) return;
    std::string allowed;
    for (const auto& value : wanted)
      allowed += (allowed.empty() ? "" : " or ") + shown(value);
    faults_.push_back({path, "is " + shown(*at) + "; read is " + allowed});
  }

  Status result(std::string_view file) const {
    if (faults_.empty()) return ok();
    const auto& first = faults_.front();
    auto message = std::string(file) +
                   ": is no tokenizer of the Qwen2 form: " + first.path + " " +
                   first.message;
    if (faults_.size() > 1)
      message += " (and " + std::to_string(faults_.size() - 1) + " more)";
    return Error{Errc::unsupported, message, faults_};
  }

 private:
  static std::string shown(const UniqueJson& value) {
    constexpr std::size_t kShownBytes = 120;
    auto text = value.dump(-1, ' ', true, UniqueJson::error_handler_t::replace);
    if (text.size() > kShownBytes) text = text.substr(0, kShownBytes) + "...";
    return text;
  }

  std::vector<Fault> faults_;
};

Status check_form(const UniqueJson& root, std::string_view file) {
  const UniqueJson none;
  FormCheck form;
  form.expect(root, "normalizer.type", {"NFC"});
  const std::string split = "pre_tokenizer.pretokenizers.0.";
  const std::string bytes = "pre_tokenizer.pretokenizers.1.";
  form.expect(root, "pre_tokenizer.type", {"Sequence"});
  form.expect(root, split + "type", {"Split"});
  form.expect(root, split + "pattern.Regex", {std::string(kQwen2Pattern)});
  form.expect(root, split + "behavior", {"Isolated"});
  form.expect(root, split + "invert", {false});
  form.expect(root, bytes + "type", {"ByteLevel"});
  form.expect(root, bytes + "add_prefix_space", {false});
  form.expect(root, bytes + "use_regex", {false});
  form.expect(root, "pre_tokenizer.pretokenizers.2", {none});
  form.expect(root, "post_processor.type", {"ByteLevel", none});
  form.expect(root, "decoder.type", {"ByteLevel"});
  form.expect(root, "model.type", {"BPE"});
  form.expect(root, "model.dropout", {none});
  form.expect(root, "model.unk_token", {none});
  form.expect(root, "model.continuing_subword_prefix", {"", none});
  form.expect(root, "model.end_of_word_suffix", {"", none});
  form.expect(root, "model.fuse_unk", {false, none});
  form.expect(root, "model.byte_fallback", {false, none});
  form.expect(root, "model.ignore_merges", {false, none});
  return form.result(file);
}

class FileReader {
 public:
  explicit FileReader(std::string_view file) : file_{file} {}

  Status vocabulary(const UniqueJson& model);
  Status merges(const UniqueJson& model);
  Status added(const UniqueJson& root);
  Status ids();
  TokenizerFile take() { return std::move(read_); }

 private:
  Error fault(const std::string& why) const {
    return {Errc::corrupt, file_ + ": " + why};
  }
  // An id that can be one: a whole number in [0, kMaxTokens).
  static bool is_id(const UniqueJson& value) {
    return value.is_number_unsigned() &&
           value.get<std::uint64_t>() < kMaxTokens;
  }
  Status one_added(const UniqueJson& row, const std::string& path);

  std::string file_;
  TokenizerFile read_;
};

Status FileReader::vocabulary(const UniqueJson& model) {
  if (!model.contains("vocab") || !model.at("vocab").is_object())
    return fault("lacks the object 'model.vocab'");
  const auto& rows = model.at("vocab");
  read_.vocabulary.reserve(rows.size());
  for (const auto& [token, id] : rows.items()) {
    if (!is_id(id))
      return fault("model.vocab: '" + token + "' has no id below " +
                   std::to_string(kMaxTokens));
    read_.vocabulary.emplace(token, id.get<TokenId>());
  }
  return ok();
}

Status FileReader::merges(const UniqueJson& model) {
  if (!model.contains("merges") || !model.at("merges").is_array())
    return fault("lacks the array 'model.merges'");
  const auto& rows = model.at("merges");
  read_.merges.reserve(rows.size());
  for (const auto& row : rows) {
    const auto at = "model.merges[" + std::to_string(read_.merges.size()) + "]";
    if (row.is_string() && rows[0].is_string()) {
      const auto& text = row.get_ref<const std::string&>();
      const auto space = text.find(' ');
      if (space == text.npos || text.find(' ', space + 1) != text.npos)
        return fault(at + " is not two tokens with a space between");
      read_.merges.emplace_back(text.substr(0, space), text.substr(space + 1));
    } else if (row.is_array() && rows[0].is_array() && row.size() == 2 &&
               row[0].is_string() && row[1].is_string()) {
      read_.merges.emplace_back(row[0].get<std::string>(),
                                row[1].get<std::string>());
    } else {
      return fault(at +
                   " is neither a string nor a pair of strings, as the "
                   "first one is");
    }
  }
  return ok();
}

Status FileReader::one_added(const UniqueJson& row, const std::string& path) {
  if (!row.is_object() || !row.contains("id") || !is_id(row.at("id")) ||
      !row.contains("content") || !row.at("content").is_string())
    return fault(path + " lacks an id or a content");
  AddedToken token{.id = row.at("id").get<TokenId>(),
                   .content = row.at("content").get<std::string>()};
  if (token.content.empty()) return fault(path + " has an empty content");
  const auto flag = [&](const char* name) {
    return row.contains(name) && row.at(name) == UniqueJson(true);
  };
  for (const auto* name : {"single_word", "lstrip", "rstrip"})
    if (flag(name))
      return Error{Errc::unsupported, file_ + ": " + path + " ('" +
                                          token.content + "') sets '" + name +
                                          "', which is not read"};
  token.normalized = flag("normalized");
  token.special = flag("special");
  if (const auto known = read_.vocabulary.find(token.content);
      known != read_.vocabulary.end() && known->second != token.id)
    return fault(path + " ('" + token.content + "') has another id in " +
                 "model.vocab");
  read_.added.push_back(std::move(token));
  return ok();
}

Status FileReader::added(const UniqueJson& root) {
  if (!root.contains("added_tokens")) return ok();
  const auto& rows = root.at("added_tokens");
  if (!rows.is_array()) return fault("'added_tokens' is no array");
  for (const auto& row : rows) {
    const auto path =
        "added_tokens[" + std::to_string(read_.added.size()) + "]";
    if (auto good = one_added(row, path); !good) return good;
  }
  return ok();
}

// Every id once, and none left out: rows beyond them are padding.
Status FileReader::ids() {
  std::unordered_map<TokenId, std::string_view> owners;
  const auto claim = [&](TokenId id, std::string_view token) {
    const auto [owner, fresh] = owners.emplace(id, token);
    return fresh || owner->second == token;
  };
  for (const auto& [token, id] : read_.vocabulary)
    if (!claim(id, token))
      return fault("id " + std::to_string(id) + " is two tokens'");
  std::unordered_map<std::string_view, TokenId> contents;
  for (const auto& token : read_.added) {
    if (!claim(token.id, token.content))
      return fault("id " + std::to_string(token.id) + " is two tokens'");
    if (!contents.emplace(token.content, token.id).second)
      return fault("the added token '" + token.content + "' is there twice");
  }
  for (std::size_t id = 0; id < owners.size(); ++id)
    if (!owners.contains(static_cast<TokenId>(id)))
      return fault("no token has the id " + std::to_string(id) +
                   ", though higher ones are there");
  read_.tokens = owners.size();
  return ok();
}

}  // namespace

Result<TokenizerFile> parse_tokenizer_file(std::string_view json,
                                           std::string_view file) {
  if (json.size() > kMaxTokenizerFileBytes)
    return Error{Errc::too_large, std::string(file) + ": holds over " +
                                      std::to_string(kMaxTokenizerFileBytes) +
                                      " bytes"};
  const auto root = parse_unique_json(json);
  if (!root)
    return Error{Errc::corrupt,
                 std::string(file) + ": " + root.error().message};
  if (auto good = check_form(*root, file); !good) return good.error();
  FileReader reader{file};
  const auto& model = root->at("model");
  if (auto good = reader.vocabulary(model); !good) return good.error();
  if (auto good = reader.merges(model); !good) return good.error();
  if (auto good = reader.added(*root); !good) return good.error();
  if (auto good = reader.ids(); !good) return good.error();
  return reader.take();
}

}  // namespace troupe
