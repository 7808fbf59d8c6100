// follow_all DATA READY: follows everything that happens on a node, live
// events too, until it is ended. Creates READY once it follows.
#include <cstdio>
#include <fstream>

#include "client/client.hpp"

int main(int argc, char** argv) {
  using namespace troupe;
  if (argc != 3) return 2;
  auto client = client::Client::connect({.data = argv[1]});
  if (!client) {
    std::fprintf(stderr, "follow_all: %s\n", client.error().message.c_str());
    return 1;
  }
  auto follower = (*client)->follow({.from_now = true, .live = true});
  if (!follower) {
    std::fprintf(stderr, "follow_all: %s\n", follower.error().message.c_str());
    return 1;
  }
  std::ofstream{argv[2]} << "follows\n";
  while ((*follower)->next(1'000)) {
  }
  return 0;
}
