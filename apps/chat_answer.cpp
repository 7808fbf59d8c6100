#include "apps/chat_answer.hpp"

#include <algorithm>
#include <cmath>

#include "apps/render/amounts.hpp"
#include "apps/render/json.hpp"

namespace troupe {
namespace {

/// Engines name the code of their error as the reason.
Errc code_of(const Failure& failure) {
  const auto code = enum_named(failure.reason, kLastErrc);
  if (code) return *code;
  switch (failure.klass) {
    case FailureClass::invalid:
      return Errc::invalid_argument;
    case FailureClass::transient:
      return Errc::device_lost;
    case FailureClass::resource:
      return Errc::out_of_memory;
    case FailureClass::model:
      return Errc::corrupt;
    case FailureClass::timeout:
      return Errc::timeout;
    default:
      return Errc::internal;
  }
}

std::string text_member(const Json& result, const char* name) {
  return result.is_object() && result.contains(name) && result[name].is_string()
             ? result[name].get<std::string>()
             : std::string{};
}

/// A number under `object`/`name`; nothing where there is none.
std::optional<double> number_in(const Json& result, const char* object,
                                const char* name) {
  if (!result.is_object() || !result.contains(object)) return {};
  const auto& in = result[object];
  if (!in.is_object() || !in.contains(name) || !in[name].is_number()) return {};
  return in[name].get<double>();
}

std::string whole_number(double value) {
  return std::to_string(std::llround(value));
}

}  // namespace

ChatAnswer answer_of(const JobView& job, const std::string& whole,
                     const std::string& shown) {
  ChatAnswer answer{.job = job.spec.id};
  if (job.state == JobState::succeeded) {
    if (auto result = parse_json(whole)) answer.result = *std::move(result);
    answer.text = text_member(answer.result, "text");
    return answer;
  }
  if (job.state == JobState::cancelled) {
    answer.text = shown;
    answer.cut = true;
    return answer;
  }
  const auto failure = job.failure.value_or(
      Failure{FailureClass::transient,
              {},
              "the job " + std::string(to_string(job.state)),
              {}});
  return no_answer(job.spec.id, {code_of(failure), failure.message},
                   ExitCode::job_failed);
}

ChatAnswer no_answer(JobId job, const Error& error, ExitCode code) {
  return {.job = job, .error = error, .code = code};
}

Json answer_json(const ChatAnswer& answer) {
  Json json = Json::object();
  if (answer.job) json["job"] = to_string(answer.job);
  if (answer.error) {
    json["error"] = render::error(*answer.error);
    return json;
  }
  json["text"] = answer.text;
  json["finish_reason"] =
      answer.cut ? "cancelled" : text_member(answer.result, "finish_reason");
  for (const auto* name : {"usage", "timing"})
    if (answer.result.is_object() && answer.result.contains(name))
      json[name] = answer.result[name];
  return json;
}

std::string amounts_text(const Json& result) {
  const auto tokens = number_in(result, "usage", "completion_tokens");
  if (!tokens) return {};
  auto text = whole_number(*tokens) + (*tokens == 1 ? " token" : " tokens");
  if (const auto rate = number_in(result, "timing", "tokens_per_s");
      rate && *rate > 0)
    text += ", " + render::number(*rate) + "/s";
  if (const auto first = number_in(result, "timing", "first_token_ms"))
    text += ", the first after " + whole_number(*first) + " ms";
  if (text_member(result, "finish_reason") == "length")
    text += "; ended by its limit of tokens";
  return text;
}

bool is_too_long(const Error& error) {
  if (error.code == Errc::too_large) return true;
  if (error.code != Errc::invalid_argument) return false;
  // An engine says it in its message alone.
  if (error.message.find("this model has room for") != error.message.npos)
    return true;
  return std::ranges::any_of(error.faults, [](const Fault& fault) {
    return (fault.path == "params" || fault.path == "params.messages") &&
           fault.message.find("at most") != fault.message.npos;
  });
}

Error advised(Error error) {
  if (!is_too_long(error)) return error;
  // The answer's length is at fault where a shorter one would have room.
  const bool by_answer =
      error.message.find("max_tokens is ") != error.message.npos;
  error.message =
      by_answer
          ? "question and answer are too long together: " + error.message +
                "; ask for fewer tokens with --max-tokens, or shorten the "
                "question"
          : "the question is too long by itself: " + error.message +
                "; shorten it (the system text counts, too)";
  return error;
}

}  // namespace troupe
