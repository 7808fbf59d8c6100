#include "apps/exit_codes.hpp"

namespace troupe {

ExitCode exit_code(Errc code) {
  switch (code) {
    case Errc::not_found:
    case Errc::forgotten:
      return ExitCode::not_found;
    case Errc::invalid_argument:
    case Errc::already_exists:
    case Errc::denied:
    case Errc::unsupported:
    case Errc::too_large:
    case Errc::stale:
      return ExitCode::refused;
    case Errc::unavailable:
    case Errc::out_of_memory:
    case Errc::disk_full:
    case Errc::read_only:
      return ExitCode::try_again;
    case Errc::timeout:
      return ExitCode::timeout;
    case Errc::locked:
      return ExitCode::locked;
    case Errc::cancelled:
      return ExitCode::interrupted;
    case Errc::corrupt:
    case Errc::device_lost:
    case Errc::io_error:
    case Errc::internal:
      return ExitCode::broken;
  }
  return ExitCode::broken;
}

ExitCode exit_code(JobState state) {
  return state == JobState::succeeded ? ExitCode::ok : ExitCode::job_failed;
}

}  // namespace troupe
