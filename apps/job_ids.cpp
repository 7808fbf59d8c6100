#include "apps/job_ids.hpp"

namespace troupe {

Result<JobId> job_id(const std::string& text) {
  if (auto id = parse_job_id(text)) return *id;
  return Error{Errc::invalid_argument,
               "'" + text +
                   "' is no job id: those have 26 letters and digits, as "
                   "`troupe jobs list` shows them"};
}

Result<std::vector<JobId>> job_ids(const std::vector<std::string>& texts) {
  std::vector<JobId> ids;
  for (const auto& text : texts) {
    auto id = job_id(text);
    if (!id) return id.error();
    ids.push_back(*id);
  }
  return ids;
}

}  // namespace troupe
