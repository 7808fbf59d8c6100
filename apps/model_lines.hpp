// `models tokenize` and `detokenize`: one JSON object a line in, one a line
// out, in the same order.
#pragma once

#include <istream>
#include <ostream>

#include "apps/exit_codes.hpp"
#include "codec/json.hpp"
#include "models/text/tokenizer.hpp"

namespace troupe {

/// {"text":"hi"} to {"ids":[...]}. Errors: invalid_argument.
Result<Json> tokenize_line(const Tokenizer& tokenizer, const Json& line);

/// {"ids":[...]} to {"text":"hi"}, special tokens included; with
/// "skip_special": true without them. Errors: invalid_argument.
Result<Json> detokenize_line(const Tokenizer& tokenizer, const Json& line);

/// A line that cannot be read is answered by {"error":{...}}; the exit code is
/// `usage` then. Each answer is flushed at once. Empty lines are passed over.
ExitCode model_lines(const Tokenizer& tokenizer,
                     Result<Json> (*one)(const Tokenizer&, const Json&),
                     std::istream& in, std::ostream& out);

}  // namespace troupe
