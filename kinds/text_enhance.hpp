// The kind `text.enhance`: a short prompt for a picture or a video, made fuller
// by a text model. Its parameters: core/text_params.hpp.
#pragma once

#include "core/kind.hpp"

namespace troupe {

inline constexpr std::int64_t kEnhanceTokens = 256;

const Kind& text_enhance_kind();

}  // namespace troupe
