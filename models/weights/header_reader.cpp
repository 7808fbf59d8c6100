#include "models/weights/header_reader.hpp"

#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_set>
#include <utility>

namespace troupe {
namespace {

using Json = nlohmann::json;

struct TypeRow {
  std::string_view name;
  std::uint8_t bytes;
};

// In the order of StoredType.
constexpr std::array<TypeRow, 15> kTypes{{
    {"BOOL", 1},
    {"U8", 1},
    {"I8", 1},
    {"F8_E4M3", 1},
    {"F8_E5M2", 1},
    {"U16", 2},
    {"I16", 2},
    {"F16", 2},
    {"BF16", 2},
    {"U32", 4},
    {"I32", 4},
    {"F32", 4},
    {"U64", 8},
    {"I64", 8},
    {"F64", 8},
}};

const TypeRow& row(StoredType type) {
  return kTypes.at(static_cast<std::size_t>(type) - 1);
}

std::optional<StoredType> parse_type(std::string_view name) {
  for (std::size_t i = 0; i < kTypes.size(); ++i)
    if (kTypes[i].name == name) return static_cast<StoredType>(i + 1);
  return std::nullopt;
}

std::string known_types() {
  std::string names;
  for (const auto& type : kTypes)
    names += (names.empty() ? "" : ", ") + std::string(type.name);
  return names;
}

// Where in the header the next event lies.
enum class Place {
  before,
  top,
  tensor_name_read,  // An object must follow.
  tensor,            // Inside a tensor's object.
  dtype,             // A string must follow.
  shape,             // An array must follow.
  offsets,           // An array must follow.
  in_shape,
  in_offsets,
  metadata_name_read,  // An object must follow.
  metadata,
  after,
};

class HeaderReader final : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("a boolean"); }
  bool number_integer(number_integer_t) override {
    return unexpected("a negative number");
  }
  bool number_float(number_float_t, const string_t&) override {
    return unexpected("a fraction");
  }
  bool binary(binary_t&) override { return unexpected("bytes"); }
  bool number_unsigned(number_unsigned_t value) override;
  bool string(string_t& value) override;
  bool start_object(std::size_t) override;
  bool key(string_t& name) override;
  bool end_object() override;
  bool start_array(std::size_t) override;
  bool end_array() override;
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    return fail(Errc::corrupt, "is no JSON at byte " + std::to_string(position),
                "the header");
  }

  Error error(std::string_view file) const {
    return {code_, std::string(file) + ": " + why_};
  }
  std::vector<StoredTensor> take() { return std::move(tensors_); }

 private:
  bool fail(Errc code, const std::string& why, std::string what = {}) {
    if (what.empty())
      what = place_ == Place::metadata ? "__metadata__"
             : in_tensor_              ? "tensor " + quoted_name(tensor_.name)
                                       : "the header";
    code_ = code;
    why_ = what + " " + why;
    return false;
  }
  bool unexpected(std::string_view what) {
    return fail(Errc::corrupt, "holds " + std::string(what) + where());
  }
  std::string where() const;
  bool field(const string_t& name);
  bool tensor_name(const string_t& name);
  bool finish_tensor();

  Place place_ = Place::before;
  bool in_tensor_ = false;  // tensor_ is being read.
  StoredTensor tensor_;
  bool has_type_ = false;
  bool has_shape_ = false;
  std::vector<std::uint64_t> offsets_;
  bool has_offsets_ = false;
  std::unordered_set<std::string> names_;
  std::unordered_set<std::string> metadata_;
  std::vector<StoredTensor> tensors_;
  Errc code_ = Errc::corrupt;
  std::string why_ = "the header is empty";
};

std::string HeaderReader::where() const {
  switch (place_) {
    case Place::dtype:
      return " where its dtype, a string, must be";
    case Place::shape:
    case Place::in_shape:
      return " in its shape, which must be an array of whole numbers";
    case Place::offsets:
    case Place::in_offsets:
      return " in its data_offsets, which must be two whole numbers";
    case Place::metadata:
      return " where only strings may be";
    default:
      return " where an object must be";
  }
}

bool HeaderReader::number_unsigned(number_unsigned_t value) {
  if (place_ == Place::in_offsets) {
    if (offsets_.size() == 2)
      return fail(Errc::corrupt, "has more than two data_offsets");
    offsets_.push_back(value);
    return true;
  }
  if (place_ != Place::in_shape) return unexpected("a number");
  if (tensor_.shape.size() == kMaxTensorRank)
    return fail(
        Errc::corrupt,
        "has more than " + std::to_string(kMaxTensorRank) + " dimensions");
  if (value > std::uint64_t{std::numeric_limits<std::int64_t>::max()})
    return fail(Errc::corrupt, "has a shape too large to count");
  tensor_.shape.push_back(static_cast<std::int64_t>(value));
  return true;
}

bool HeaderReader::string(string_t& value) {
  if (place_ == Place::metadata) return true;
  if (place_ != Place::dtype) return unexpected("a string");
  const auto type = parse_type(value);
  if (!type)
    return fail(Errc::unsupported, "has the unknown dtype " +
                                       quoted_name(value) + "; known are " +
                                       known_types());
  tensor_.type = *type;
  place_ = Place::tensor;
  return true;
}

bool HeaderReader::start_object(std::size_t) {
  switch (place_) {
    case Place::before:
      place_ = Place::top;
      return true;
    case Place::tensor_name_read:
      place_ = Place::tensor;
      return true;
    case Place::metadata_name_read:
      place_ = Place::metadata;
      return true;
    default:
      return unexpected("an object");
  }
}

bool HeaderReader::key(string_t& name) {
  if (place_ == Place::tensor) return field(name);
  if (place_ == Place::metadata) {
    if (metadata_.insert(name).second) return true;
    return fail(Errc::corrupt, "has the key " + quoted_name(name) + " twice");
  }
  return tensor_name(name);
}

bool HeaderReader::tensor_name(const string_t& name) {
  if (name.size() > kMaxTensorNameBytes)
    return fail(Errc::corrupt,
                quoted_name(name) + " has a name of over " +
                    std::to_string(kMaxTensorNameBytes) + " bytes",
                "tensor");
  if (!names_.insert(name).second)
    return fail(Errc::corrupt, "is there twice", "tensor " + quoted_name(name));
  if (name == "__metadata__") {
    place_ = Place::metadata_name_read;
    return true;
  }
  tensor_ = {.name = name};
  in_tensor_ = true;
  has_type_ = has_shape_ = has_offsets_ = false;
  offsets_.clear();
  place_ = Place::tensor_name_read;
  return true;
}

bool HeaderReader::field(const string_t& name) {
  const auto enter = [&](bool& seen, Place next) {
    if (std::exchange(seen, true))
      return fail(Errc::corrupt, "has its " + name + " twice");
    place_ = next;
    return true;
  };
  if (name == "dtype") return enter(has_type_, Place::dtype);
  if (name == "shape") return enter(has_shape_, Place::shape);
  if (name == "data_offsets") return enter(has_offsets_, Place::offsets);
  return fail(Errc::corrupt, "has the unknown field " + quoted_name(name) +
                                 "; known are dtype, shape, data_offsets");
}

bool HeaderReader::end_object() {
  if (place_ == Place::tensor) return finish_tensor();
  place_ = place_ == Place::metadata ? Place::top : Place::after;
  return true;
}

bool HeaderReader::finish_tensor() {
  for (const auto& [seen, name] : {std::pair{has_type_, "dtype"},
                                   {has_shape_, "shape"},
                                   {has_offsets_, "data_offsets"}})
    if (!seen) return fail(Errc::corrupt, "lacks its " + std::string(name));
  if (offsets_.size() != 2)
    return fail(Errc::corrupt, "lacks one of its two data_offsets");
  if (offsets_[0] > offsets_[1])
    return fail(Errc::corrupt, "ends before it begins: data_offsets " +
                                   std::to_string(offsets_[0]) + " and " +
                                   std::to_string(offsets_[1]));
  tensor_.begin = offsets_[0];
  tensor_.end = offsets_[1];
  tensors_.push_back(std::move(tensor_));
  in_tensor_ = false;
  place_ = Place::top;
  return true;
}

bool HeaderReader::start_array(std::size_t) {
  if (place_ == Place::shape)
    place_ = Place::in_shape;
  else if (place_ == Place::offsets)
    place_ = Place::in_offsets;
  else
    return unexpected("an array");
  return true;
}

bool HeaderReader::end_array() {
  place_ = Place::tensor;
  return true;
}

}  // namespace

std::uint64_t element_bytes(StoredType type) {
  return row(type).bytes;
}

std::string_view to_string(StoredType type) {
  return row(type).name;
}

std::string quoted_name(std::string_view name) {
  constexpr std::size_t kShownBytes = 80;
  std::string shown{name.substr(0, kShownBytes)};
  for (auto& c : shown)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return "'" + shown + (name.size() > kShownBytes ? "...'" : "'");
}

Result<std::vector<StoredTensor>> read_safetensors_json(std::string_view header,
                                                        std::string_view file) {
  // The format wants it first; a byte-order mark or spaces are refused.
  if (!header.starts_with('{'))
    return Error{Errc::corrupt,
                 std::string(file) + ": the header does not begin with '{'"};
  HeaderReader reader;
  try {
    if (!Json::sax_parse(header, &reader)) return reader.error(file);
  } catch (const std::exception& e) {
    return Error{Errc::corrupt,
                 std::string(file) + ": the header: " + e.what()};
  }
  return reader.take();
}

}  // namespace troupe
