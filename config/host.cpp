#include "config/host.hpp"

#include <arpa/inet.h>

#include <algorithm>

namespace troupe {
namespace {

using std::string_view;

constexpr std::size_t kMaxNameBytes = 253;
constexpr std::size_t kMaxLabelBytes = 63;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_label(string_view label) {
  return !label.empty() && label.size() <= kMaxLabelBytes &&
         label.front() != '-' && label.back() != '-' &&
         std::ranges::all_of(label, [](char c) {
           return is_digit(c) || (c >= 'a' && c <= 'z') ||
                  (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
         });
}

bool is_name(string_view text) {
  if (text.size() > kMaxNameBytes) return false;
  if (text.ends_with('.')) text.remove_suffix(1);
  for (;;) {
    const auto dot = text.find('.');
    const auto label = text.substr(0, dot);
    if (!is_label(label)) return false;
    // No domain ends in a number: that is an address with a mistake.
    if (dot == text.npos) return !std::ranges::all_of(label, is_digit);
    text.remove_prefix(dot + 1);
  }
}

bool is_address(int family, string_view text) {
  unsigned char bytes[sizeof(in6_addr)];
  return ::inet_pton(family, std::string(text).c_str(), bytes) == 1;
}

/// An IPv6 address may name the interface behind '%'.
bool is_ipv6(string_view text) {
  const auto zone = text.find('%');
  return is_address(AF_INET6, text.substr(0, zone)) &&
         (zone == text.npos || is_label(text.substr(zone + 1)));
}

}  // namespace

bool is_host(string_view text) {
  if (text.find('\0') != text.npos) return false;
  return is_address(AF_INET, text) || is_ipv6(text) || is_name(text);
}

std::optional<HostAndPort> split_port(string_view text) {
  const auto colon = text.rfind(':');
  if (colon == text.npos || colon + 1 == text.size()) return {};
  const HostAndPort parts{text.substr(0, colon), text.substr(colon + 1)};
  if (!is_host(parts.host) || !std::ranges::all_of(parts.port, is_digit))
    return {};
  return parts;
}

std::string host_fault(string_view text) {
  if (is_host(text)) return {};
  const auto quoted = "'" + std::string(text) + "'";
  if (text.starts_with('[') && text.ends_with(']') &&
      is_host(text.substr(1, text.size() - 2)))
    return quoted + " stands in brackets; leave them out: " +
           std::string(text.substr(1, text.size() - 2));
  if (const auto parts = split_port(text))
    return quoted + " has a port in it; the address is " +
           std::string(parts->host) +
           ", and the port is told apart from it: " + std::string(parts->port);
  return quoted +
         " is no address; allowed: an IP address such as 192.168.1.5 or ::1, "
         "or a host name such as render-1.example.org";
}

}  // namespace troupe
