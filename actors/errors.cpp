#include "actors/errors.hpp"

#include <caf/message.hpp>
#include <caf/sec.hpp>

namespace troupe {

caf::error to_caf(const Error& e) {
  return caf::error{e.code, caf::make_message(e)};
}

Error from_caf(const caf::error& e) {
  if (e.category() == caf::type_id_v<Errc>) {
    const auto& context = e.context();
    if (context.match_elements<Error>()) return context.get_as<Error>(0);
    return {static_cast<Errc>(e.code()), caf::to_string(e)};
  }
  if (e == caf::sec::request_timeout)
    return {Errc::timeout, "no answer in time; the outcome is unknown"};
  return {Errc::unavailable, caf::to_string(e)};
}

}  // namespace troupe
