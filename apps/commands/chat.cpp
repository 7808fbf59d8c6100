// troupe chat: a conversation with a model. At a terminal it has a prompt with
// history and orders that begin with '/'; else each line of standard input is a
// question. Every question is a job.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <utility>

#include "apps/chat_room.hpp"
#include "apps/chat_turns.hpp"
#include "apps/chat_words.hpp"
#include "apps/commands/commands.hpp"
#include "apps/conversation.hpp"
#include "apps/line_input.hpp"
#include "apps/local_files.hpp"
#include "apps/prompt.hpp"
#include "apps/render/json.hpp"
#include "apps/submitting.hpp"
#include "kinds/submit_check.hpp"
#include "platform/file.hpp"

namespace troupe::commands {
namespace {

/// "~/x" as a shell has it: no shell reads what is typed here.
std::filesystem::path typed_path(const std::string& text) {
  const char* home = std::getenv("HOME");
  if (home && text.starts_with("~/"))
    return std::filesystem::path{home} / text.substr(2);
  return text;
}

/// Errors: invalid_argument: no file can be there; those of the disk.
Status save_conversation(const std::filesystem::path& named, const Json& json) {
  const auto file = std::filesystem::absolute(named).lexically_normal();
  auto wrong = folder_fault(file.parent_path());
  if (wrong.empty()) wrong = target_fault(file);
  std::error_code failed;
  const auto there = std::filesystem::status(file, failed);
  if (wrong.empty() && std::filesystem::exists(there) &&
      !std::filesystem::is_regular_file(there))
    wrong = "'" + file.string() + "' is no file";
  if (!wrong.empty()) return Error{Errc::invalid_argument, "/save: " + wrong};
  return platform::write_file_atomically(
      file, json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

/// REQUIRES: the options are good.
class Chat {
 public:
  Chat(Invocation& call, const ChatOptions& options, ChatRoom room)
      : call_{call},
        options_{options},
        terminal_{call.session.terminal},
        at_terminal_{!call.json && terminal_.out_is_terminal &&
                     ::isatty(STDIN_FILENO) == 1},
        talk_{options.system},
        room_{std::move(room)},
        turns_{call} {}

  ExitCode go() {
    if (const auto code = turns_.connect(); code != ExitCode::ok) return code;
    return at_terminal_ ? by_prompt() : by_line();
  }

 private:
  ExitCode by_prompt() {
    const auto data = call_.session.data();
    if (!data) return call_.misused(data.error().message);
    Prompt prompt{
        {data->path / "chat_history",
         [](const std::string& before) { return chat_completions(before); },
         OnInterrupt::leaves},
        turns_.interrupts()};
    note("a chat with " + options_.model +
         "; /help lists the orders, Ctrl-D leaves");
    while (const auto line = prompt.read("> ")) {
      const auto order = read_chat_line(*line);
      if (!order) {
        tell(order.error());
        continue;
      }
      if (order->verb == ChatVerb::quit) break;
      obey(*order);
      if (turns_.left()) return ExitCode::interrupted;
    }
    return ExitCode::ok;
  }

  /// The exit code is that of the first question without an answer.
  ExitCode by_line() {
    LineInput input{STDIN_FILENO};
    const auto& interrupts = turns_.interrupts();
    auto worst = ExitCode::ok;
    while (const auto line =
               input.next([&] { return interrupts.count() > 0; })) {
      const auto question = read_question(*line);
      auto code = ExitCode::ok;
      if (!question) {
        code = ExitCode::usage;
        tell_no_answer(no_answer({}, question.error(), code));
      } else if (question->verb == ChatVerb::ask) {
        talk_.ask(question->text);
        code = answer();
      }
      if (worst == ExitCode::ok) worst = code;
    }
    return interrupts.count() > 0 ? ExitCode::interrupted : worst;
  }

  void obey(const ChatLine& order) {
    switch (order.verb) {
      case ChatVerb::ask:
        talk_.ask(order.text);
        answer();
        break;
      case ChatVerb::retry:
        if (talk_.ask_again())
          answer();
        else
          note("nothing was asked yet; type a question");
        break;
      case ChatVerb::help:
        terminal_.out << chat_help() << std::flush;
        break;
      case ChatVerb::clear:
        talk_.clear();
        told_left_out_ = false;
        note("a new conversation");
        break;
      case ChatVerb::system:
        talk_.set_system(order.text);
        note(order.text.empty() ? "the system text is the model's own"
                                : "the system text is set");
        break;
      case ChatVerb::save:
        save(typed_path(order.text));
        break;
      default:
        break;
    }
  }

  void save(const std::filesystem::path& file) {
    const auto saved =
        save_conversation(file, conversation_json(talk_, options_.model));
    if (saved)
      note("saved " + file.string());
    else
      tell(saved.error());
  }

  /// The question that waits, with as much of what was said before as fits.
  ChatAnswer ask() {
    const auto interrupts = turns_.interrupts().count();
    bool left_out = leave_out_what_has_no_room();
    if (auto why = room_.refusal(talk_, answer_tokens(options_)))
      return no_answer({}, *why, exit_code(why->code));
    auto answer = turns_.ask(turn_options(options_, talk_));
    while (answer.error && is_too_long(*answer.error)) {
      room_.refused(talk_);
      if (turns_.interrupts().count() != interrupts ||
          !talk_.leave_out_oldest())
        break;
      left_out = true;
      leave_out_what_has_no_room();
      answer = turns_.ask(turn_options(options_, talk_));
    }
    if (left_out && !answer.error && !std::exchange(told_left_out_, true))
      note(
          "the conversation has grown too long: from now on its oldest turns "
          "are left out of what the model is told");
    return answer;
  }

  /// Before it is asked: a job that is refused stays in the history. Whether
  /// there was any.
  bool leave_out_what_has_no_room() {
    bool some = false;
    while (!room_.has(talk_, answer_tokens(options_)) &&
           talk_.leave_out_oldest())
      some = true;
    return some;
  }

  /// Of the question that waits.
  ExitCode answer() {
    auto answer = ask();
    if (answer.error || (answer.cut && answer.text.empty()))
      talk_.withdraw();
    else
      talk_.answer(answer.text, answer.cut);
    if (answer.error)
      tell_no_answer(answer);
    else if (call_.json)
      call_.print(answer_json(answer));
    else if (terminal_.draws_bars)
      note(answer.cut ? "cut" : amounts_text(answer.result));
    return answer.code;
  }

  void tell_no_answer(ChatAnswer answer) {
    answer.error = advised(*std::move(answer.error));
    tell(*answer.error);
    if (call_.json) call_.print(answer_json(answer));
  }

  void tell(const Error& error) {
    terminal_.err << error_text(error, "troupe chat") << std::flush;
  }

  /// Beside the conversation, for people alone.
  void note(const std::string& text) {
    if (text.empty()) return;
    const bool dim = terminal_.colour && terminal_.draws_bars;
    terminal_.err << (dim ? "\x1b[2m" : "") << text << (dim ? "\x1b[0m" : "")
                  << "\n"
                  << std::flush;
  }

  Invocation& call_;
  const ChatOptions& options_;
  const Terminal& terminal_;
  const bool at_terminal_;
  Conversation talk_;
  ChatRoom room_;
  bool told_left_out_ = false;  // Of this conversation.
  ChatTurns turns_;
};

/// All that is wrong with the command line; the job that answers a question.
Result<JobSpec> drafted(Invocation& call, const ChatOptions& options,
                        const Conversation& trial) {
  auto faults = chat_faults(options);
  auto draft = draft_of(call, turn_options(without_ours(options), trial));
  if (draft && faults.empty()) return std::move(draft->spec);
  if (!draft && faults.empty()) return draft.error();
  if (!draft && draft.error().faults.empty())
    faults.push_back({"", draft.error().message});
  if (!draft)
    std::ranges::move(draft.error().faults, std::back_inserter(faults));
  return submit_error(std::move(faults));
}

ExitCode chat(Invocation& call, const ChatOptions& options) {
  if (call.session.in_console)
    return call.misused("it reads the lines itself; call it from a shell");
  const auto folder = model_folder_here(call, options.model);
  Conversation trial{without_ours(options).system};
  trial.ask("?");
  const auto spec = drafted(call, options, trial);
  if (!spec) return call.misused(spec.error());
  if (!folder) return call.misused(folder.error());
  // As the node would refuse it, but before it is asked.
  ChatRoom room{*folder};
  if (auto fits = room.fits(*spec); !fits) return call.fail(fits.error());
  if (auto why = room.refusal(trial, answer_tokens(options)))
    return call.fail(advised(*std::move(why)));
  return Chat{call, options, std::move(room)}.go();
}

}  // namespace

void add_chat(CLI::App& root, Invocation& call) {
  auto options = std::make_shared<ChatOptions>();
  auto* command = add_command(
      root, call, "chat",
      "Talk with a model; without a terminal each line of standard input is a "
      "question",
      [&call, options] { return chat(call, *options); });
  const auto add = [&](const std::string& name, std::string& value,
                       const std::string& help, const std::string& type) {
    return command->add_option(name, value, help)->type_name(type);
  };
  add("--model", options->model, "A name of 'troupe models list', or a folder", "MODEL")
      ->required();
  add("--system", options->system, "What the model is told before all else",
      "TEXT");
  add("--max-tokens", options->max_tokens, "Of an answer, at most", "N");
  add("--temperature", options->temperature, "0: the likeliest word", "T");
  command
      ->add_option("-p,--param", options->params,
                   "A parameter of text.generate")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  add("--device", options->device, "Run there and nowhere else", "NAME");
}

}  // namespace troupe::commands
