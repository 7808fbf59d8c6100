// What must occur over all seeds. The lists are the enums themselves: a new
// state, code or class is missed until it occurs, or is said here not to.
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/job.hpp"
#include "tests/simulation/simulation.hpp"

namespace troupe::simulation {

namespace {

constexpr std::string_view kFaults[] = {
    "kill_scheduler",      "kill_job_history",
    "kill_event_hub",      "kill_history_reader",
    "kill_memory_manager", "kill_sim0",
    "kill_sim1",           "disk_full",
    "disk_io_error",       "disk_read_only",
    "node_crash",          "second_node",
    "damaged_store",       "executor_refuses",
    "end_said_twice",      "late_end",
    "end_after_fence",     "executor_dies",
    "stop_ignored",        "order_pause",
    "order_resume",        "order_drain"};

/// Why nobody can meet this code inside one simulated node; null: must occur.
const char* why_never(Errc code) {
  switch (code) {
    case Errc::invalid_argument:
    case Errc::not_found:
    case Errc::already_exists:
    case Errc::unavailable:
    case Errc::corrupt:
    case Errc::device_lost:
    case Errc::forgotten:
    case Errc::disk_full:
    case Errc::read_only:
    case Errc::io_error:
    case Errc::locked:
    case Errc::too_large:
    case Errc::timeout:
      return nullptr;
    case Errc::out_of_memory:
      return "the ledger's reply is yes or no, and a device that loads models "
             "is not simulated: tests/actors/{ledger,device_jobs}_test.cpp";
    case Errc::cancelled:
      return "only a client library that closes says so: tests/client";
    case Errc::denied:
      return "only the border says so: tests/cluster";
    case Errc::unsupported:
      return "only the border and devices say so: tests/cluster";
    case Errc::stale:
      return "a late end is refused with it, but ends are not answered: the "
             "fault late_end must occur, and the oracle sees that none counts";
    case Errc::internal:
      return "a defect of ours; the supervisor says so when it gives up, and "
             "here it never may: tests/actors/supervisor_test.cpp";
  }
  return nullptr;
}

/// Likewise for a move that the log allows.
const char* why_never(JobState from, JobState to) {
  if (from == JobState::queued && to == JobState::failed)
    return "what is queued has all it depends on, and lacks but room and time: "
           "no decision fails it; the log allows it to a later head";
  return nullptr;
}

/// Expected to occur, or not to.
void judge(const Coverage& coverage, const std::string& what, bool may_occur,
           std::vector<std::string>& wrong) {
  if (coverage.contains(what) == may_occur) return;
  wrong.push_back(what +
                  (may_occur ? " never happened" : " happened, it never may"));
}

void judge_moves(const Coverage& coverage, std::vector<std::string>& wrong) {
  for (int a = 1; a <= static_cast<int>(kLastJobState); ++a)
    for (int b = 1; b <= static_cast<int>(kLastJobState); ++b) {
      const auto from = static_cast<JobState>(a), to = static_cast<JobState>(b);
      judge(coverage,
            "move:" + std::string(to_string(from)) + ">" +
                std::string(to_string(to)),
            can_move(from, to) && why_never(from, to) == nullptr, wrong);
    }
}

}  // namespace

std::vector<std::string> wrong_with(const Coverage& coverage) {
  std::vector<std::string> wrong;
  judge_moves(coverage, wrong);
  for (const std::string_view fault : kFaults)
    judge(coverage, "fault:" + std::string(fault), true, wrong);
  for (const auto& [what, times] : coverage)
    if (what.starts_with("fault:") &&
        std::ranges::find(kFaults, what.substr(6)) == std::end(kFaults))
      wrong.push_back(what + " is not on the list");
  for (int n = 1; n <= static_cast<int>(kLastErrc); ++n) {
    const auto code = static_cast<Errc>(n);
    judge(coverage, "errc:" + std::string(to_string(code)),
          why_never(code) == nullptr, wrong);
  }
  for (int n = 1; n <= static_cast<int>(FailureClass::dependency); ++n)
    judge(coverage,
          "class:" + std::string(to_string(static_cast<FailureClass>(n))), true,
          wrong);
  return wrong;
}

}  // namespace troupe::simulation
