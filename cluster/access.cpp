#include "cluster/access.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace troupe::cluster {
namespace {

struct Rule {
  std::string_view frame_type;
  Role least;
};

constexpr std::array kRules{
    Rule{"show", Role::viewer},       Rule{"list", Role::viewer},
    Rule{"pull", Role::viewer},       Rule{"explain", Role::viewer},
    Rule{"status", Role::viewer},     Rule{"download.chunk", Role::viewer},
    Rule{"submit", Role::user},       Rule{"cancel", Role::user},
    Rule{"upload.begin", Role::user}, Rule{"upload.chunk", Role::user},
    Rule{"control", Role::admin},     Rule{"backup", Role::admin},
    Rule{"worker.hello", Role::node}, Rule{"worker.exchange", Role::node},
};

/// Higher may more; a node is no client, and no client is a node.
int rank(Role role) {
  switch (role) {
    case Role::viewer:
      return 1;
    case Role::user:
      return 2;
    case Role::admin:
      return 3;
    case Role::node:
      return 0;
  }
  return 0;
}

std::string tenant_of(const Principal& principal, std::string asked) {
  return sees_all(principal) ? asked : principal.tenant;
}

}  // namespace

Status may_send(Role role, std::string_view frame_type) {
  const auto rule = std::ranges::find(kRules, frame_type, &Rule::frame_type);
  if (rule == kRules.end())
    return Error{Errc::unsupported,
                 "this node does not know frames of type \"" +
                     std::string(frame_type.substr(0, 64)) +
                     "\"; it may be older than the client"};
  const bool may = rule->least == Role::node || role == Role::node
                       ? role == rule->least
                       : rank(role) >= rank(rule->least);
  if (!may)
    return Error{Errc::denied, "\"" + std::string(frame_type) +
                                   "\" needs the role " +
                                   std::string(to_string(rule->least)) +
                                   "; this certificate has the role " +
                                   std::string(to_string(role))};
  return ok();
}

bool sees_all(const Principal& principal) {
  return principal.role == Role::admin;
}

void stamp(const Principal& principal, SubmitRequest& request) {
  for (auto& job : request.jobs) {
    job.tenant = principal.tenant;
    job.submitted_by = principal.name;
  }
}

void stamp(const Principal& principal, ListRequest& request) {
  request.tenant = tenant_of(principal, std::move(request.tenant));
}

void stamp(const Principal& principal, PullRequest& request) {
  request.tenant = tenant_of(principal, std::move(request.tenant));
}

void stamp(const Principal& principal, CancelRequest& request) {
  request.by = principal.name;
  request.tenant = tenant_of(principal, {});
}

void stamp(const Principal& principal, ControlRequest& request) {
  request.by = principal.name;
}

void stamp(const Principal& principal, ExplainRequest& request) {
  request.tenant = tenant_of(principal, {});
}

std::vector<std::string> models_to_hide(const Principal& principal,
                                        const SubmitRequest& request) {
  std::vector<std::string> models;
  if (principal.role == Role::admin) return models;
  for (const auto& job : request.jobs) models.push_back(job.model);
  return models;
}

void hide_folders(const std::vector<std::string>& models, SubmitReply& reply) {
  constexpr auto kUnknown =
      "cannot be used: there is no model of that name here; name one of the "
      "node's own, not a folder";
  for (std::size_t i = 0; i < std::min(models.size(), reply.answers.size());
       ++i) {
    auto& error = reply.answers[i].error;
    if (!error || !models[i].starts_with('/')) continue;
    bool hidden = false;
    for (auto& fault : error->faults) {
      if (fault.path != "model" || !fault.message.starts_with("cannot be used"))
        continue;
      fault.message = kUnknown;
      hidden = true;
    }
    if (hidden) error->message = faults_text(error->faults);
  }
}

void hide_others(const Principal& principal, ShowReply& reply) {
  if (sees_all(principal)) return;
  for (auto& answer : reply.answers) {
    if (!answer.job || answer.job->spec.tenant == principal.tenant) continue;
    answer.job.reset();
    answer.error = unknown_job(answer.id);
  }
}

}  // namespace troupe::cluster
