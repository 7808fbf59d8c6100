#include "codec/json_path.hpp"

#include <cstddef>
#include <stdexcept>
#include <vector>

#include "codec/json.hpp"

namespace troupe {
namespace {

// One object or array that is open.
struct Level {
  bool is_array = false;
  std::string key = {};   // Of an object: the newest.
  std::size_t index = 0;  // Of an array: items that are whole.
};

std::string path_to(const std::vector<Level>& levels) {
  std::string path;
  for (const auto& level : levels) {
    if (level.is_array)
      path += "[" + std::to_string(level.index) + "]";
    else if (!level.key.empty())
      path += (path.empty() ? "" : ".") + level.key;
  }
  return path;
}

}  // namespace

std::string path_of_break(std::string_view text) {
  using Event = Json::parse_event_t;
  std::vector<Level> levels;
  const auto item_ended = [&] {
    if (levels.empty()) return;
    ++levels.back().index;
    levels.back().key.clear();
  };
  const auto watch = [&](int depth, Event event, Json& value) {
    if (depth > kMaxJsonDepth) throw std::length_error("nested too deep");
    if (event == Event::object_start || event == Event::array_start)
      levels.push_back({.is_array = event == Event::array_start});
    if (event == Event::key) levels.back().key = value.get<std::string>();
    if (event == Event::object_end || event == Event::array_end) {
      levels.pop_back();
      item_ended();
    }
    if (event == Event::value) item_ended();
    return true;
  };
  try {
    const auto whole = Json::parse(text, watch);
    return whole.is_discarded() ? path_to(levels) : std::string{};
  } catch (const std::exception&) {
    return path_to(levels);
  }
}

}  // namespace troupe
