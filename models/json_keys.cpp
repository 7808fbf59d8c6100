#include "models/json_keys.hpp"

#include <algorithm>
#include <limits>

#include "models/missing_file.hpp"
#include "platform/file.hpp"
#include "platform/regular_file.hpp"

namespace troupe {
namespace {

constexpr std::uint64_t kMaxJsonFileBytes = 1u << 20;
constexpr std::size_t kShownBytes = 80;

std::string shown(const UniqueJson& value) {
  auto text = value.dump(-1, ' ', true, UniqueJson::error_handler_t::replace);
  if (text.size() > kShownBytes) text = text.substr(0, kShownBytes) + "...";
  return text;
}

std::string number_text(double value) {
  return UniqueJson(value).dump();
}

bool whole_within(const UniqueJson& value, std::int64_t min, std::int64_t max) {
  if (!value.is_number_integer()) return false;
  // Beyond int64 it is unsigned.
  if (value.is_number_unsigned() &&
      value.get<std::uint64_t>() >
          static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    return false;
  const auto whole = value.get<std::int64_t>();
  return whole >= min && whole <= max;
}

}  // namespace

const UniqueJson* JsonKeys::find(std::string_view path) const {
  const auto* at = root_;
  while (at != nullptr) {
    const auto dot = std::min(path.find('.'), path.size());
    const auto member = at->is_object()
                            ? at->find(std::string(path.substr(0, dot)))
                            : at->end();
    at = member == at->end() || member->is_null() ? nullptr : &*member;
    if (dot == path.size()) return at;
    path.remove_prefix(dot + 1);
  }
  return nullptr;
}

void JsonKeys::fault(const std::string& path, const std::string& message) {
  faults_.push_back({path, message});
}

void JsonKeys::unsupported(const std::string& path, const std::string& known) {
  const auto* value = find(path);
  fault(path, "is " + (value == nullptr ? "missing" : shown(*value)) +
                  "; supported is " + known);
  unsupported_ = true;
}

template <class T>
std::optional<T> JsonKeys::missing(const std::string& path,
                                   std::optional<T> absent) {
  if (!absent) fault(path, "is missing");
  return absent;
}

std::optional<std::int64_t> JsonKeys::whole(
    const std::string& path, std::int64_t min, std::int64_t max,
    std::optional<std::int64_t> absent) {
  const auto* value = find(path);
  if (value == nullptr) return missing(path, absent);
  if (whole_within(*value, min, max)) return value->get<std::int64_t>();
  fault(path, "is " + shown(*value) + "; allowed are whole numbers from " +
                  std::to_string(min) + " to " + std::to_string(max));
  return {};
}

std::optional<double> JsonKeys::number(const std::string& path, double min,
                                       double max,
                                       std::optional<double> absent) {
  const auto* value = find(path);
  if (value == nullptr) return missing(path, absent);
  if (value->is_number()) {
    const auto number = value->get<double>();
    if (number >= min && number <= max) return number;
  }
  fault(path, "is " + shown(*value) + "; allowed are numbers from " +
                  number_text(min) + " to " + number_text(max));
  return {};
}

std::optional<bool> JsonKeys::flag(const std::string& path,
                                   std::optional<bool> absent) {
  const auto* value = find(path);
  if (value == nullptr) return missing(path, absent);
  if (value->is_boolean()) return value->get<bool>();
  fault(path, "is " + shown(*value) + "; allowed are true and false");
  return {};
}

std::optional<std::string> JsonKeys::text(const std::string& path,
                                          std::optional<std::string> absent) {
  const auto* value = find(path);
  if (value == nullptr) return missing(path, std::move(absent));
  if (value->is_string()) return value->get<std::string>();
  fault(path, "is " + shown(*value) + "; it must be a text");
  return {};
}

std::vector<std::int32_t> JsonKeys::ids(const std::string& path,
                                        std::int32_t max) {
  std::vector<std::int32_t> ids;
  const auto* value = find(path);
  if (value == nullptr) return ids;
  const auto take = [&](const UniqueJson& id) {
    if (!whole_within(id, 0, max)) return false;
    ids.push_back(id.get<std::int32_t>());
    return true;
  };
  bool good = true;
  if (value->is_array())
    for (const auto& id : *value) good = good && take(id);
  else
    good = take(*value);
  if (good) return ids;
  fault(path, "is " + shown(*value) +
                  "; allowed are a token's id or an array of them, each from "
                  "0 to " +
                  std::to_string(max));
  return {};
}

Status JsonKeys::result(std::string_view file) const {
  if (faults_.empty()) return ok();
  return Error{unsupported_ ? Errc::unsupported : Errc::corrupt,
               std::string(file) + ": " + faults_text(faults_), faults_};
}

Result<UniqueJson> read_json_object(const std::string& path) {
  auto text = platform::read_regular(path, kMaxJsonFileBytes);
  if (!text) return text.error();
  auto json = parse_unique_json(*text);
  if (!json)
    return Error{Errc::corrupt,
                 path + ": " + json.error().message + fetch_again(path)};
  if (!json->is_object())
    return Error{Errc::corrupt,
                 path + ": is no JSON object" + fetch_again(path)};
  return json;
}

}  // namespace troupe
