// What came of one question of a chat, and how people and scripts are told.
// Pure.
#pragma once

#include <optional>
#include <string>

#include "apps/exit_codes.hpp"
#include "codec/json.hpp"
#include "core/api.hpp"

namespace troupe {

struct ChatAnswer {
  JobId job;         // None: it was not accepted.
  std::string text;  // All of it; of a cut one what was shown of it.
  Json result;       // Where there is an end: the job's own.
  bool cut = false;
  std::optional<Error> error;  // There is no answer.
  ExitCode code = ExitCode::ok;
};

/// Of a job that has ended. `whole`: its result, all of it; `shown`: what
/// people have seen of it.
ChatAnswer answer_of(const JobView& job, const std::string& whole,
                     const std::string& shown);
/// There is none.
ChatAnswer no_answer(JobId job, const Error& error, ExitCode code);

/// {"job","text","finish_reason","usage","timing"}; of a cut one the first
/// three, with "cancelled". {"job","error"} where there is none.
Json answer_json(const ChatAnswer& answer);

/// "42 tokens, 31/s, the first after 120 ms"; empty where nothing is known.
std::string amounts_text(const Json& result);

/// Whether what was sent is too long for the model, or for a job.
bool is_too_long(const Error& error);

/// The error with what to do next where even the question alone is too long:
/// fewer tokens of the answer where that helps, else a shorter question.
Error advised(Error error);

}  // namespace troupe
