#include "actors/errors.hpp"

#include <caf/exit_reason.hpp>
#include <caf/message.hpp>
#include <caf/sec.hpp>

#include <string>

namespace troupe {
namespace {

std::string of_sec(caf::sec code) {
  switch (code) {
    case caf::sec::cannot_connect_to_node:
      return "the connection cannot be made";
    case caf::sec::disconnect_during_handshake:
    case caf::sec::connection_closed:
    case caf::sec::socket_disconnected:
      return "the connection was closed";
    case caf::sec::connection_timeout:
      return "the connection was silent for too long";
    case caf::sec::no_route_to_receiving_node:
    case caf::sec::remote_linking_failed:
      return "the connection is lost";
    case caf::sec::no_actor_published_at_port:
    case caf::sec::unexpected_actor_messaging_interface:
    case caf::sec::incompatible_versions:
    case caf::sec::incompatible_application_ids:
    case caf::sec::malformed_basp_message:
      return "what answers there is no troupe node";
    case caf::sec::request_receiver_down:
    case caf::sec::broken_promise:
      return "the part that was asked ended before it answered";
    case caf::sec::runtime_error:
      return "it met an error that nothing provides for";
    default:
      return "it failed inside (code " +
             std::to_string(static_cast<int>(code)) + ")";
  }
}

std::string of_exit(caf::exit_reason reason) {
  switch (reason) {
    case caf::exit_reason::user_shutdown:
      return "it was told to stop";
    case caf::exit_reason::kill:
      return "it was ended";
    case caf::exit_reason::remote_link_unreachable:
      return "the connection is lost";
    default:
      return "it ended without a reason";
  }
}

/// Nothing of CAF's own way to write it; what an exception says stays.
std::string in_words(const caf::error& e) {
  if (!e) return "it ended without a reason";
  if (e.category() == caf::type_id_v<caf::exit_reason>)
    return of_exit(static_cast<caf::exit_reason>(e.code()));
  if (e.category() != caf::type_id_v<caf::sec>) return "it failed inside";
  auto text = of_sec(static_cast<caf::sec>(e.code()));
  const auto& context = e.context();
  for (std::size_t i = 0; i < context.size(); ++i)
    if (context.match_element<std::string>(i))
      text += ": " + context.get_as<std::string>(i);
  return text;
}

}  // namespace

caf::error to_caf(const Error& e) {
  return caf::error{e.code, caf::make_message(e)};
}

Error from_caf(const caf::error& e) {
  if (e.category() == caf::type_id_v<Errc>) {
    const auto& context = e.context();
    if (context.match_elements<Error>()) return context.get_as<Error>(0);
    const auto code = static_cast<Errc>(e.code());
    return {code, std::string(to_string(code))};
  }
  if (e == caf::sec::request_timeout)
    return {Errc::timeout, "no answer in time; the outcome is unknown"};
  return {Errc::unavailable, in_words(e)};
}

}  // namespace troupe
