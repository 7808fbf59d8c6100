#include "apps/fetching.hpp"

#include <ostream>
#include <sstream>
#include <string_view>

#include "apps/submitting.hpp"

namespace troupe {

Status fetch_artifact(client::Client& client, const Terminal& terminal,
                      const std::string& sha256, const std::string& name,
                      const std::filesystem::path& to) {
  std::error_code failed;
  if (to.has_parent_path())
    std::filesystem::create_directories(to.parent_path(), failed);
  if (failed)
    return Error{Errc::io_error, "make the folder " +
                                     to.parent_path().string() + ": " +
                                     failed.message()};
  auto reader = client.open(sha256);
  if (!reader) return reader.error();
  TransferBar bar{terminal, name};
  client::DownloadOptions options;
  options.progress = [&bar](std::uint64_t done, std::uint64_t total) {
    bar(done, total);
  };
  return (*reader)->download(to, options);
}

Status print_artifact(client::Client& client, const std::string& sha256,
                      std::ostream& out) {
  auto reader = client.open(sha256);
  if (!reader) return reader.error();
  auto done = (*reader)->stream([&out](std::string_view bytes) -> Status {
    out << bytes;
    if (!out) return Error{Errc::io_error, "the output takes no more"};
    return ok();
  });
  out.flush();
  if (done && !out) return Error{Errc::io_error, "the output takes no more"};
  return done;
}

Result<std::string> whole_result(client::Client& client, const JobView& job) {
  const auto json = parse_json(job.result.empty() ? "{}" : job.result);
  const auto whole = json && json->is_object() && json->contains("whole")
                         ? (*json)["whole"]
                         : Json{};
  for (const auto& file : job.artifacts) {
    if (!whole.is_string() || whole != file.name) continue;
    std::ostringstream bytes;
    if (auto got = print_artifact(client, file.sha256, bytes); !got)
      return got.error();
    return bytes.str();
  }
  return job.result;
}

}  // namespace troupe
