#include "cluster/long_result.hpp"

#include "codec/json.hpp"
#include "platform/file.hpp"

namespace troupe::cluster {
namespace {

Result<ArtifactRef> stored(const std::string& result, ArtifactAccess& files,
                           const std::filesystem::path& scratch) {
  const auto path = scratch / kResultFile;
  const auto written = write_with_room(files, [&]() -> Status {
    if (auto made = platform::make_dirs(scratch); !made) return made;
    auto file = platform::open_write(path);
    if (!file) return file.error();
    return platform::write_all(file->get(), result);
  });
  if (!written) {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
    return written.error();
  }
  auto ref = files.save(path, std::string(kResultFile), "application/json");
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  return ref;
}

}  // namespace

std::string shortened_result(const std::string& result) {
  Json few = Json::object();
  const auto all = parse_json(result);
  if (all && all->is_object())
    for (const auto& [name, value] : all->items())
      if (dump_json(value).size() <= kMaxMemberBytes) few[name] = value;
  few["whole"] = kResultFile;
  return dump_json(few);
}

void keep_long_result(JobEnd& end, ArtifactAccess& files,
                      const std::filesystem::path& scratch) {
  if (end.result.size() <= kMaxResultBytes) return;
  auto ref = stored(end.result, files, scratch);
  if (ref) {
    end.artifacts.push_back(*std::move(ref));
    end.result = shortened_result(end.result);
    return;
  }
  end = {.state = JobState::failed};
  end.failure = Failure{FailureClass::transient,
                        std::string(to_string(ref.error().code)),
                        "its result could not be kept: " + ref.error().message,
                        {}};
}

}  // namespace troupe::cluster
