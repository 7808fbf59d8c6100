// What was said in one chat, and what is asked of the model next. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "apps/job_options.hpp"

namespace troupe {

/// What a chat is begun with.
struct ChatOptions {
  std::string model;
  std::string device;
  std::string system;               // Empty: the model's own.
  std::vector<std::string> params;  // NAME=VALUE
  std::string temperature;
  std::string max_tokens;  // Empty: the kind's own.
};

/// Parameters that the chat fills in itself, a system text that is no UTF-8.
/// What else is wrong the job's own checks say.
std::vector<Fault> chat_faults(const ChatOptions& chat);
/// Without the parameters that chat_faults() names.
ChatOptions without_ours(ChatOptions chat);

/// Questions and answers in turn, and at most one question without an answer.
class Conversation {
 public:
  struct Message {
    std::string role;
    std::string content;
  };
  struct Said {
    Message message;
    bool cut = false;  // An answer that was ended before its end.
  };

  explicit Conversation(std::string system = {}) : system_{std::move(system)} {}

  void ask(std::string question);
  /// REQUIRES: a question waits for it.
  void answer(std::string text, bool cut = false);
  /// The question that waits gets no answer: as if it had not been asked, but
  /// for ask_again(); what was left out for it is sent again. REQUIRES: there
  /// is one.
  void withdraw();
  /// The last question once more, in the place of its answer. False: nothing
  /// was asked yet. REQUIRES: no question waits.
  bool ask_again();
  /// Leaves the oldest turns out of what is sent, a quarter of it or more: one
  /// that was just short enough would be too long with the next question, and
  /// each time its beginning moves the model reads all of it anew. False: the
  /// question stands alone. REQUIRES: a question waits.
  bool leave_out_oldest();
  /// A new one, with the same system text.
  void clear();

  const std::string& system() const { return system_; }
  void set_system(std::string text) { system_ = std::move(text); }
  const std::vector<Said>& said() const { return said_; }
  /// What a job is sent of it.
  std::span<const Said> sent() const;
  /// How often the last question was asked again.
  std::uint64_t repeats() const { return repeats_; }

 private:
  std::string system_;
  std::vector<Said> said_;
  std::size_t left_out_ = 0;         // So many of them, from the oldest on,
  std::size_t left_out_before_ = 0;  // and before the question that waits.
  std::string question_;             // The last one.
  bool waits_ = false;               // It stands last, without an answer.
  bool answered_ = false;
  std::uint64_t repeats_ = 0;
};

/// The job that answers the question that waits. One that is asked again has
/// another seed, where one was given.
JobOptions turn_options(const ChatOptions& chat, const Conversation& talk);

/// {"model","system","messages":[{"role","content","cut":true}]}; `system` and
/// `cut` only where there are.
Json conversation_json(const Conversation& talk, const std::string& model);

}  // namespace troupe
