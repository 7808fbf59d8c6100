// Asks the model of a chat: each question is a job, whose text is shown as it
// comes. Ctrl-C cancels the job, and a second one leaves it to its end.
#pragma once

#include "apps/chat_answer.hpp"
#include "apps/command_line.hpp"
#include "apps/interrupt.hpp"
#include "apps/job_node.hpp"
#include "apps/job_options.hpp"
#include "apps/job_watch.hpp"
#include "apps/text_stream.hpp"

namespace troupe {

class ChatTurns {
 public:
  /// `call` outlives it.
  explicit ChatTurns(Invocation& call);

  /// Once, before all else; brings a node where none is there. Anything but
  /// `ok` was told and ends the chat.
  ExitCode connect();

  /// The answer stands on standard output when this returns, but where JSON is
  /// asked for: then nothing does.
  ChatAnswer ask(const JobOptions& question);

  /// Ctrl-C was pressed again while a job was being cancelled.
  bool left() const { return left_; }
  const InterruptWatch& interrupts() const { return interrupts_; }

 private:
  ChatAnswer end(JobId job);
  void show(JobWatch& watch, const PullReply& batch);
  void print(const std::string& text);
  void obey_interrupts(JobId job);
  void clear_bar();

  Invocation& call_;
  const Terminal& terminal_;
  InterruptWatch interrupts_;
  JobNode node_;
  client::Client* client_ = nullptr;
  TextStream text_;          // Of the question at hand.
  int obeyed_ = 0;           // Interrupts so far.
  bool cancelling_ = false;  // The job at hand.
  bool left_ = false;
  bool bar_shown_ = false;
};

}  // namespace troupe
