// Submits one job to the node of this machine, follows it and says how it
// ended: submit DATA_FOLDER KIND PARAMS, as in
//
//   submit ~/.local/share/troupe process.run '{"argv":["echo","hello"]}'
#include <troupe/client.hpp>

#include <cstdio>
#include <string>

namespace {

int report(const troupe::Error& error) {
  std::fprintf(stderr, "submit: %s\n", error.message.c_str());
  for (const auto& fault : error.faults)
    std::fprintf(stderr, "  %s: %s\n", fault.path.c_str(),
                 fault.message.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: submit DATA_FOLDER KIND PARAMS\n");
    return 2;
  }
  auto client = troupe::client::Client::connect({.data = argv[1]});
  if (!client) return report(client.error());

  troupe::JobSpec spec;
  spec.kind = argv[2];
  spec.params = argv[3];
  auto answer = (*client)->submit(spec);
  if (!answer) return report(answer.error());
  if (answer->error) return report(*answer->error);
  std::printf("job %s\n", to_string(answer->id).c_str());

  auto follower = (*client)->follow({.job = answer->id, .live = true});
  if (!follower) return report(follower.error());
  while (!(*follower)->finished()) {
    auto batch = (*follower)->next(30'000);
    if (!batch) return report(batch.error());
    for (const auto& event : batch->live)
      if (event.log) std::printf("%s\n", event.log->text.c_str());
  }

  auto job = (*client)->show(answer->id);
  if (!job) return report(job.error());
  const std::string state{troupe::to_string(job->state)};
  std::printf("state %s\n", state.c_str());
  if (job->failure) std::printf("failure %s\n", job->failure->message.c_str());
  for (const auto& artifact : job->artifacts)
    std::printf("artifact %s sha256 %s\n", artifact.name.c_str(),
                artifact.sha256.c_str());
  return job->state == troupe::JobState::succeeded ? 0 : 1;
}
