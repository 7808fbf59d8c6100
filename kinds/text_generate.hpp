// The kind `text.generate`: a text that goes on with a prompt, or answers
// messages. Its parameters: core/text_params.hpp.
#pragma once

#include "core/kind.hpp"

namespace troupe {

const Kind& text_generate_kind();

}  // namespace troupe
