// Whether what a chat would send has room in its model, found out before it is
// sent: counted by the model's own files where these are at hand, and by what
// was refused before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>

#include "apps/conversation.hpp"
#include "models/model.hpp"
#include "models/text/chat_template.hpp"
#include "models/text/tokenizer.hpp"

namespace troupe {

class ChatRoom {
 public:
  /// Empty: the model is not here (a client elsewhere).
  explicit ChatRoom(const std::filesystem::path& folder = {});

  /// Whether all that is sent has room before an answer of so many tokens; 0:
  /// of as many as a job gets that does not say, but a quarter of the model's
  /// room at most. What cannot be known has room.
  bool has(const Conversation& talk, std::int64_t answer_tokens);

  /// Why the question that waits has none, though it is sent alone; nothing:
  /// it has, or that cannot be known. `answer_tokens` as above, but all that
  /// is left is enough where nobody says it. Errc: too_large.
  std::optional<Error> refusal(const Conversation& talk,
                               std::int64_t answer_tokens);

  /// What its node would say of the model and of what is asked of it.
  Status fits(const JobSpec& spec) const;

  /// It was told that what is sent has none.
  void refused(const Conversation& talk);

 private:
  std::optional<std::size_t> count(const std::string& text);
  /// Tokens of all that is sent, where they can be counted.
  std::optional<std::size_t> count(const Conversation& talk);

  std::filesystem::path folder_;
  std::optional<Result<RequestLimits>> limits_;
  std::int64_t positions_ = 0;  // 0: not known.
  std::optional<ChatTemplate> template_;
  std::optional<Tokenizer> tokenizer_;  // Read when there is much to count.
  std::size_t refused_bytes_ = std::numeric_limits<std::size_t>::max();
};

/// Of an answer, as the chat's options have it; 0: they do not say.
std::int64_t answer_tokens(const ChatOptions& chat);

}  // namespace troupe
