#include "codec/json_keys.hpp"

#include <algorithm>
#include <set>

#include "codec/json.hpp"

namespace troupe {
namespace {

constexpr std::size_t kMaxPaths = 64;

/// Follows the text and remembers the keys of the objects it is in.
class KeyWatch : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return value(); }
  bool boolean(bool) override { return value(); }
  bool number_integer(number_integer_t) override { return value(); }
  bool number_unsigned(number_unsigned_t) override { return value(); }
  bool number_float(number_float_t, const string_t&) override {
    return value();
  }
  bool string(string_t&) override { return value(); }
  bool binary(binary_t&) override { return value(); }
  bool start_object(std::size_t) override { return enter(false); }
  bool start_array(std::size_t) override { return enter(true); }
  bool end_object() override { return leave(); }
  bool end_array() override { return leave(); }
  bool key(string_t& name) override {
    auto& inside = inside_.back();
    inside.key = name;
    if (!inside.keys.insert(name).second) note(path());
    return true;
  }
  bool parse_error(std::size_t, const std::string&,
                   const nlohmann::detail::exception&) override {
    repeated.clear();
    return false;
  }

  std::vector<std::string> repeated;

 private:
  struct Inside {
    bool is_array = false;
    std::size_t index = 0;
    std::string key;
    std::set<std::string> keys;
  };

  bool enter(bool is_array) {
    if (inside_.size() >= kMaxJsonDepth) return false;
    inside_.emplace_back().is_array = is_array;
    return true;
  }
  bool leave() {
    inside_.pop_back();
    return value();
  }
  /// One is over: the next of an array has the next index.
  bool value() {
    if (!inside_.empty()) ++inside_.back().index;
    return true;
  }

  std::string path() const {
    std::string text;
    for (const auto& at : inside_) {
      if (at.is_array)
        text += "[" + std::to_string(at.index) + "]";
      else
        text += (text.empty() ? "" : ".") + at.key;
    }
    return text;
  }
  void note(std::string path) {
    if (repeated.size() < kMaxPaths &&
        std::ranges::find(repeated, path) == repeated.end())
      repeated.push_back(std::move(path));
  }

  std::vector<Inside> inside_;
};

}  // namespace

std::vector<std::string> repeated_keys(std::string_view text) {
  KeyWatch watch;
  Json::sax_parse(text, &watch);
  return std::move(watch.repeated);
}

std::vector<Fault> repeated_key_faults(std::string_view text,
                                       const std::string& prefix) {
  std::vector<Fault> faults;
  for (const auto& path : repeated_keys(text))
    faults.push_back({prefix + path, "is given twice; keep one of them"});
  return faults;
}

}  // namespace troupe
