// Who may ask for what, and the stamps that make a request speak for its
// sender only. Pure: no actors, no files.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/api.hpp"
#include "core/result.hpp"

namespace troupe::cluster {

/// Ok when `role` may send frames of this type.
/// Errors: denied; unsupported for a type nobody knows, by name.
Status may_send(Role role, std::string_view frame_type);

/// True for the roles that see and order the jobs of every tenant.
bool sees_all(const Principal& principal);

/// Tenant and principal come from the certificate, whatever the client wrote.
void stamp(const Principal& principal, SubmitRequest& request);
void stamp(const Principal& principal, ListRequest& request);
void stamp(const Principal& principal, PullRequest& request);
void stamp(const Principal& principal, CancelRequest& request);
void stamp(const Principal& principal, ControlRequest& request);
void stamp(const Principal& principal, ExplainRequest& request);

/// What the model of each of these jobs is called; nothing for who may know
/// what folders the node has.
std::vector<std::string> models_to_hide(const Principal& principal,
                                        const SubmitRequest& request);

/// Why a folder named by its path cannot be used as a model tells what is on
/// the node's disk: for `models`, those of models_to_hide(), all that is said
/// is that there is none.
void hide_folders(const std::vector<std::string>& models, SubmitReply& reply);

/// Jobs of other tenants become `denied` for who may not see them.
void hide_others(const Principal& principal, ShowReply& reply);

}  // namespace troupe::cluster
