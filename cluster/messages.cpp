#include "cluster/messages.hpp"

#include <caf/init_global_meta_objects.hpp>
#include <caf/io/middleman.hpp>

#include <mutex>

#include "actors/protocol.hpp"

namespace troupe::cluster {

void init_messages() {
  static std::once_flag once;
  std::call_once(once, [] {
    // The highest numbers first: the table is made once, not grown twice.
    caf::init_global_meta_objects<caf::id_block::troupe>();
    caf::io::middleman::init_global_meta_objects();
    caf::core::init_global_meta_objects();
  });
}

}  // namespace troupe::cluster
