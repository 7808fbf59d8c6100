// Makes CAF know every message type this process may meet.
#pragma once

namespace troupe::cluster {

/// To be called before the first actor system is made; calls after the first
/// do nothing. Safe to call from every thread.
void init_messages();

}  // namespace troupe::cluster
