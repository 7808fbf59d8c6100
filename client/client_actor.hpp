// The client library for CAF programs: the same requests as messages, answers
// as responses, events forwarded with credit. The program calls
// caf::init_global_meta_objects<caf::id_block::troupe>() before it makes its
// actor system; troupe's type ids leave room for a block of its own.
#pragma once

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>
#include <caf/typed_actor.hpp>

#include "actors/protocol.hpp"
#include "client/options.hpp"
#include "core/result.hpp"

namespace troupe::client {

/// Requests are answered within Options::timeout_ms; errors are caf::errors
/// of category Errc (see actors/errors.hpp). Ids that are missing in a
/// SubmitRequest are made.
using ClientActor = caf::typed_actor<
    // One answer per job; submits of all senders share frames.
    caf::result<SubmitReply>(submit_atom, SubmitRequest),
    caf::result<ShowReply>(show_atom, ShowRequest),
    caf::result<ListReply>(list_atom, ListRequest),
    caf::result<CancelReply>(cancel_atom, CancelRequest),
    caf::result<ExplainReply>(explain_atom, ExplainRequest),
    caf::result<ControlReply>(control_atom, ControlRequest),
    caf::result<NodeStatus>(status_atom),
    // Follows from where the request says: the listener gets (pull_atom,
    // PullReply), the next one when it has answered the last one. Ends with
    // the listener, with the job's end, or with an error, of which the
    // listener hears as (ended_atom, Error).
    caf::result<void>(pull_atom, PullRequest, caf::actor)>;

/// Connects (blocking: not to be called in a handler). The actor ends when
/// nobody holds it, or by an exit message; its connection ends with it.
/// Errors: those of Client::connect().
Result<ClientActor> spawn_client(caf::actor_system& sys, Options options);

}  // namespace troupe::client
