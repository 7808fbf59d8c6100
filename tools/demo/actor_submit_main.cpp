// How a CAF program hands jobs to a node: an actor of its own system stands
// for the node, and submits are messages to it.
//
//   troupe-demo-submit DATA_FOLDER < JOBS     one JSON object a line
//
// Prints the id of each job; fails when one was not accepted.
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/init_global_meta_objects.hpp>
#include <caf/scoped_actor.hpp>

#include <chrono>
#include <iostream>
#include <string>

#include "actors/errors.hpp"
#include "apps/job_options.hpp"
#include "client/client_actor.hpp"
#include "kinds/kinds.hpp"

namespace {

using namespace troupe;

bool read_jobs(std::istream& in, SubmitRequest& request) {
  for (std::string line; std::getline(in, line);) {
    auto job = job_from_json(line, all_kinds());
    if (!job) {
      std::cerr << "troupe-demo-submit: " << job.error().message << "\n";
      return false;
    }
    request.jobs.push_back(*std::move(job));
  }
  return true;
}

bool print(const SubmitReply& reply) {
  bool good = true;
  for (const auto& answer : reply.answers) {
    if (answer.error) {
      std::cerr << "troupe-demo-submit: " << answer.error->message << "\n";
      good = false;
    } else {
      std::cout << to_string(answer.id) << "\n";
    }
  }
  return good;
}

int submit(caf::actor_system& sys, const char* data) {
  SubmitRequest request;
  if (!read_jobs(std::cin, request)) return 1;
  auto node = client::spawn_client(sys, {.data = data});
  if (!node) {
    std::cerr << "troupe-demo-submit: " << node.error().message << "\n";
    return 1;
  }
  caf::scoped_actor self{sys};
  bool good = false;
  self->request(*node, std::chrono::seconds(30), submit_atom_v, request)
      .receive([&](const SubmitReply& reply) { good = print(reply); },
               [&](const caf::error& error) {
                 std::cerr << "troupe-demo-submit: " << from_caf(error).message
                           << "\n";
               });
  return good ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: troupe-demo-submit DATA_FOLDER < JOBS\n";
    return 2;
  }
  caf::init_global_meta_objects<caf::id_block::troupe>();
  caf::core::init_global_meta_objects();
  caf::actor_system_config config;
  caf::actor_system sys{config};
  return submit(sys, argv[1]);
}
