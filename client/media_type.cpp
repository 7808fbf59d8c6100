#include "client/media_type.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace troupe::client {
namespace {

struct Known {
  std::string_view ending;
  std::string_view type;
};

constexpr std::array kKnown{
    Known{"txt", "text/plain"},        Known{"log", "text/plain"},
    Known{"md", "text/markdown"},      Known{"csv", "text/csv"},
    Known{"json", "application/json"}, Known{"toml", "application/toml"},
    Known{"zip", "application/zip"},   Known{"png", "image/png"},
    Known{"jpg", "image/jpeg"},        Known{"jpeg", "image/jpeg"},
    Known{"webp", "image/webp"},       Known{"gif", "image/gif"},
    Known{"mp4", "video/mp4"},         Known{"mkv", "video/x-matroska"},
    Known{"webm", "video/webm"},       Known{"mov", "video/quicktime"},
    Known{"wav", "audio/wav"},         Known{"mp3", "audio/mpeg"},
    Known{"flac", "audio/flac"},       Known{"ogg", "audio/ogg"},
};

bool same_letters(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) {
                      return std::tolower(x) == std::tolower(y);
                    });
}

}  // namespace

std::string_view media_type_of(std::string_view file_name) {
  const auto dot = file_name.rfind('.');
  if (dot != std::string_view::npos)
    for (const auto& known : kKnown)
      if (same_letters(known.ending, file_name.substr(dot + 1)))
        return known.type;
  return "application/octet-stream";
}

}  // namespace troupe::client
