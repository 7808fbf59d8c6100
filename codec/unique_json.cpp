#include "codec/unique_json.hpp"

#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "codec/json.hpp"

namespace troupe {
namespace {

class TreeBuilder final : public nlohmann::json_sax<UniqueJson> {
 public:
  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t&) override {
    return put(value);
  }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t&) override { return fail("bytes are no JSON"); }
  bool start_object(std::size_t) override { return open(UniqueJson::object()); }
  bool start_array(std::size_t) override { return open(UniqueJson::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    const auto [at, fresh] =
        open_.back()->get_ref<UniqueJson::object_t&>().emplace(name, nullptr);
    if (!fresh) return fail("'" + name.substr(0, 80) + "' is there twice");
    member_ = &at->second;
    return true;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    return fail("is no JSON at byte " + std::to_string(position));
  }

  UniqueJson take() { return std::move(root_); }
  const std::string& why() const { return why_; }

 private:
  bool fail(std::string why) {
    why_ = "json: " + std::move(why);
    return false;
  }
  UniqueJson* place(UniqueJson value) {
    auto* at = &root_;
    if (!open_.empty() && open_.back()->is_array())
      at = &open_.back()->emplace_back();
    else if (!open_.empty())
      at = member_;
    *at = std::move(value);
    return at;
  }
  bool put(UniqueJson value) {
    place(std::move(value));
    return true;
  }
  bool open(UniqueJson empty) {
    if (open_.size() >= static_cast<std::size_t>(kMaxJsonDepth))
      return fail("nested too deep");
    open_.push_back(place(std::move(empty)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  UniqueJson root_;
  UniqueJson* member_ = nullptr;   // Where the value of the last key goes.
  std::vector<UniqueJson*> open_;  // The containers around the next value.
  std::string why_;
};

}  // namespace

Result<UniqueJson> parse_unique_json(std::string_view text) {
  TreeBuilder builder;
  try {
    if (!UniqueJson::sax_parse(text, &builder))
      return Error{Errc::invalid_argument, builder.why()};
    return builder.take();
  } catch (const std::exception& e) {
    return Error{Errc::invalid_argument, std::string("json: ") + e.what()};
  }
}

}  // namespace troupe
