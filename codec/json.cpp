#include "codec/json.hpp"

#include <algorithm>
#include <exception>
#include <stdexcept>

namespace troupe {
namespace {

constexpr std::size_t kMaxFaults = 64;  // Told of one text.
constexpr std::size_t kShownBytes = 80;

}  // namespace

bool JsonReader::only_known(std::initializer_list<std::string_view> names) {
  if (unknown_ == UnknownFields::skip) return true;
  bool good = true;
  for (const auto& [name, item] : in_->items()) {
    if (std::ranges::find(names, name) != names.end()) continue;
    const std::vector<std::string> known(names.begin(), names.end());
    const auto length = path_.size();
    enter(name);
    good = fail(std::string(kUnknownName) + known_names(name, known));
    path_.resize(length);
  }
  return good;
}

std::string JsonReader::not_understood() const {
  if (!in_->is_string()) return "is not a value known here";
  return "'" + in_->get_ref<const std::string&>().substr(0, kShownBytes) +
         "' is not a value known here";
}

bool JsonReader::fail(std::string why) {
  if (faults_.size() < kMaxFaults) faults_.push_back({path_, std::move(why)});
  return false;
}

void JsonReader::enter(std::string_view name) {
  if (!path_.empty() && !name.starts_with('[')) path_ += '.';
  path_ += name;
}

Error JsonReader::error() const {
  if (faults_.empty()) return {Errc::invalid_argument, "is no such value"};
  const auto& first = faults_.front();
  auto message =
      (first.path.empty() ? "the value" : first.path) + " " + first.message;
  if (faults_.size() > 1)
    message += " (and " + std::to_string(faults_.size() - 1) + " more)";
  return {Errc::invalid_argument, std::move(message), faults_};
}

Result<Json> parse_json(std::string_view text) {
  try {
    const auto watch = [](int depth, Json::parse_event_t, Json&) {
      if (depth > kMaxJsonDepth) throw std::length_error("nested too deep");
      return true;
    };
    return Json::parse(text, watch);
  } catch (const Json::parse_error& e) {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: ..."
    std::string_view why = e.what();
    if (const auto end = why.find("] "); end != why.npos)
      why.remove_prefix(end + 2);
    return Error{Errc::invalid_argument, "json: " + std::string(why)};
  } catch (const std::exception& e) {
    return Error{Errc::invalid_argument, std::string("json: ") + e.what()};
  }
}

std::string dump_json(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace troupe
