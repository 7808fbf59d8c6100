#include "apps/fetching.hpp"

#include "apps/submitting.hpp"
#include "core/api.hpp"

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
  for (std::uint64_t at = 0; at < (*reader)->size_bytes();) {
    auto bytes = (*reader)->read(at, kMaxChunkBytes);
    if (!bytes) return bytes.error();
    if (bytes->empty()) break;
    out << *bytes;
    at += bytes->size();
    if (!out) return Error{Errc::io_error, "the output takes no more"};
  }
  out.flush();
  return ok();
}

}  // namespace troupe
