// troupe jobs explain: why a job waits, or runs where it does.
#include "apps/commands/commands.hpp"
#include "apps/job_ids.hpp"
#include "apps/render/amounts.hpp"
#include "apps/render/json.hpp"
#include "apps/render/table.hpp"

namespace troupe::commands {
namespace {

Json or_null(const std::optional<UnixMs>& time) {
  return time ? Json(*time) : Json(nullptr);
}

Json explain_json(const ExplainReply& reply) {
  Json out = Json::object();
  out["id"] = to_string(reply.job);
  out["state"] = to_string(reply.state);
  out["sentences"] = reply.sentences;
  out["ahead"] = reply.ahead;
  out["expected_start_ms"] = or_null(reply.expected_start_ms);
  out["expected_end_ms"] = or_null(reply.expected_end_ms);
  out["data"] = render::stored(reply.data);
  return out;
}

ExitCode explain(Invocation& call, const std::string& text) {
  auto id = job_id(text);
  if (!id) return call.misused(id.error().message);
  auto client = call.session.client();
  if (!client) return call.fail(client.error());
  auto reply = (*client)->explain(*id);
  if (!reply) return call.fail(reply.error());
  if (call.json) {
    call.print(explain_json(*reply));
    return ExitCode::ok;
  }
  call.out() << to_string(reply->job) << " " << to_string(reply->state) << "\n";
  for (const auto& sentence : reply->sentences)
    call.out() << "  " << render::printable(sentence) << "\n";
  if (reply->expected_start_ms)
    call.out() << "  expected to start "
               << render::local_time(*reply->expected_start_ms) << "\n";
  if (reply->expected_end_ms)
    call.out() << "  expected to end "
               << render::local_time(*reply->expected_end_ms) << "\n";
  return ExitCode::ok;
}

}  // namespace

void add_jobs_explain(CLI::App& jobs, Invocation& call) {
  auto id = std::make_shared<std::string>();
  add_command(jobs, call, "explain",
              "Why a job waits, or why it runs where it does",
              [&call, id] { return explain(call, *id); })
      ->add_option("id", *id, "The job")
      ->type_name("ID")
      ->required();
}

}  // namespace troupe::commands
