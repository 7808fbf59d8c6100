#include "platform/trial_write.hpp"

#include "platform/file.hpp"

namespace troupe::platform {

Status try_to_write(const std::filesystem::path& dir) {
  auto file = AtomicFile::create(dir);
  if (!file) return file.error();
  auto done = file->write("whether this can be written\n");
  if (done) done = sync_file(file->fd());
  if (!done)
    done.error().message =
        file->temporary().string() + ": " + done.error().message;
  return done;
}

}  // namespace troupe::platform
