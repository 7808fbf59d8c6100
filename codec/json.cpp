#include "codec/json.hpp"

#include <algorithm>
#include <exception>
#include <stdexcept>

namespace troupe {

bool JsonReader::only_known(std::initializer_list<std::string_view> names) {
  if (unknown_ == UnknownFields::skip) return true;
  for (const auto& [name, item] : in_->items()) {
    if (std::ranges::find(names, name) != names.end()) continue;
    std::string known;
    for (const auto each : names)
      known += (known.empty() ? "" : ", ") + std::string(each);
    at(name);
    return fail("is not known here; known are " + known);
  }
  return true;
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
