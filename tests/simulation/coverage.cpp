#include <string>
#include <vector>

#include "core/job.hpp"
#include "tests/simulation/simulation.hpp"

namespace troupe::simulation {

namespace {

// Written down, not derived from can_move(): the table is under test too.
// queued>failed is left out: no decision leads there.
constexpr const char* kMoves[] = {
    "blocked>queued",  "blocked>failed",    "blocked>cancelled",
    "blocked>expired", "queued>running",    "queued>cancelled",
    "queued>expired",  "running>queued",    "running>succeeded",
    "running>failed",  "running>cancelled", "running>expired"};

constexpr const char* kFaults[] = {
    "kill_scheduler",      "kill_job_history",    "kill_event_hub",
    "kill_history_reader", "kill_memory_manager", "kill_sim0",
    "kill_sim1",           "disk_full",           "disk_io_error",
    "disk_read_only",      "node_crash",          "second_node",
    "executor_refuses",    "end_said_twice",      "late_end",
    "end_after_fence",     "executor_dies",       "stop_ignored",
    "order_pause",         "order_resume",        "order_drain"};

// What cannot occur inside a node is left out: `cancelled` is the client
// library's own; `unsupported` is the border's; `corrupt` and `stale` are
// met by uploads and by stores that somebody damaged; `device_lost` and
// `internal` are reported as failures of attempts, not to clients.
constexpr Errc kCodes[] = {
    Errc::invalid_argument, Errc::not_found, Errc::already_exists,
    Errc::unavailable,      Errc::forgotten, Errc::disk_full,
    Errc::read_only,        Errc::io_error,  Errc::locked,
    Errc::denied,           Errc::too_large, Errc::timeout};

}  // namespace

std::vector<std::string> missing_from(const Coverage& coverage) {
  std::vector<std::string> wanted;
  for (const char* move : kMoves) wanted.push_back(std::string("move:") + move);
  for (const char* fault : kFaults)
    wanted.push_back(std::string("fault:") + fault);
  for (const Errc code : kCodes)
    wanted.push_back("errc:" + std::string(to_string(code)));
  for (auto klass = FailureClass::invalid; klass <= FailureClass::dependency;
       klass = static_cast<FailureClass>(static_cast<int>(klass) + 1))
    wanted.push_back("class:" + std::string(to_string(klass)));
  std::erase_if(wanted,
                [&](const auto& what) { return coverage.contains(what); });
  return wanted;
}

}  // namespace troupe::simulation
