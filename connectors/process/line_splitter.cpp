#include "connectors/process/line_splitter.hpp"

#include <algorithm>
#include <utility>

#include "connectors/process/utf8.hpp"

namespace troupe {

void LineSplitter::push(std::string_view bytes, const Emit& emit) {
  while (!bytes.empty()) {
    if (std::exchange(after_return_, false) && bytes.front() == '\n') {
      bytes.remove_prefix(1);
      continue;
    }
    const auto end = bytes.find_first_of("\r\n");
    add(bytes.substr(0, end));
    if (end == std::string_view::npos) return;
    after_return_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    end_line(emit);
  }
}

void LineSplitter::finish(const Emit& emit) {
  if (!line_.empty()) end_line(emit);
  after_return_ = false;
}

void LineSplitter::add(std::string_view bytes) {
  const auto fits = std::min(bytes.size(), kMaxLineBytes - line_.size());
  line_ += bytes.substr(0, fits);
  cut_bytes_ += bytes.size() - fits;
}

void LineSplitter::end_line(const Emit& emit) {
  auto text = to_valid_utf8(line_);
  // The cut may have split a character; its rest must not show as damage.
  if (cut_bytes_ > 0) {
    while (text.ends_with("\uFFFD")) text.resize(text.size() - 3);
    text += " [cut: " + std::to_string(cut_bytes_) + " more bytes]";
  }
  line_.clear();
  cut_bytes_ = 0;
  emit(std::move(text));
}

}  // namespace troupe
