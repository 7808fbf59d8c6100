// A base for actors that work in the network's own thread: no hop between them
// and the wire. For connections' ends that do little per message and never
// block; everything else in the process that uses the network waits for them.
#pragma once

#include <caf/actor_system.hpp>
#include <caf/io/middleman.hpp>
#include <caf/io/network/multiplexer.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/resumable.hpp>

#include <utility>

namespace troupe::cluster {

/// `Base`: an event-based actor class. REQUIRES: the actor has ended before
/// its actor system is destroyed.
template <class Base>
class OnNetworkThread : public Base {
 public:
  using Base::Base;
  using Base::enqueue;

  bool enqueue(caf::mailbox_element_ptr message,
               caf::execution_unit*) override {
    return Base::enqueue(std::move(message),
                         &this->home_system().middleman().backend());
  }
  caf::resumable::subtype_t subtype() const override {
    return caf::resumable::io_actor;
  }
};

}  // namespace troupe::cluster
