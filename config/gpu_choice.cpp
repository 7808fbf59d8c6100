#include "config/gpu_choice.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/result.hpp"

namespace troupe {
namespace {

constexpr std::uint32_t kMaxOrdinal = 255;

std::optional<GpuChoice> parse(std::string_view text) {
  GpuChoice choice;
  if (text == "auto") return choice;
  choice.all = false;
  if (text == "none") return choice;
  for (;;) {
    const auto comma = std::min(text.find(','), text.size());
    std::uint32_t ordinal = 0;
    const auto read =
        std::from_chars(text.data(), text.data() + comma, ordinal);
    if (read.ec != std::errc{} || read.ptr != text.data() + comma ||
        ordinal > kMaxOrdinal || choice.takes(ordinal))
      return std::nullopt;
    choice.ordinals.push_back(ordinal);
    if (comma == text.size()) return choice;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace

bool GpuChoice::takes(std::uint32_t ordinal) const {
  return all || std::ranges::find(ordinals, ordinal) != ordinals.end();
}

GpuChoice gpu_choice(std::string_view text) {
  auto choice = parse(text);
  TROUPE_ASSERT(choice);
  return *std::move(choice);
}

std::string gpu_choice_fault(std::string_view text) {
  if (parse(text)) return {};
  return "'" + std::string(text) +
         "' names no GPUs; allowed: auto (those that are there), none, or "
         "numbers without blanks such as 0,2, each once";
}

}  // namespace troupe
