#include "apps/render/amounts.hpp"

#include <time.h>

#include <array>
#include <cmath>
#include <cstdio>

namespace troupe::render {
namespace {

template <class... T>
std::string print(const char* format, T... values) {
  std::array<char, 96> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, values...);
  return buffer.data();
}

long long ll(std::int64_t value) {
  return static_cast<long long>(value);
}

}  // namespace

std::string duration(std::int64_t ms) {
  if (ms < 0) return "-";
  if (ms < 10'000) return print("%.1f s", static_cast<double>(ms) / 1e3);
  const auto s = ms / 1'000;
  if (s < 60) return print("%lld s", ll(s));
  if (s < 3'600) return print("%lld min %02lld s", ll(s / 60), ll(s % 60));
  if (s < 86'400)
    return print("%lld h %02lld min", ll(s / 3'600), ll(s / 60 % 60));
  return print("%lld d %lld h", ll(s / 86'400), ll(s / 3'600 % 24));
}

std::string clock(std::int64_t ms) {
  if (ms < 0) return "-";
  const auto s = (ms + 999) / 1'000;  // Not over before it is over.
  if (s < 3'600) return print("%lld:%02lld", ll(s / 60), ll(s % 60));
  return print("%lld:%02lld:%02lld", ll(s / 3'600), ll(s / 60 % 60),
               ll(s % 60));
}

std::string bytes(std::uint64_t bytes) {
  if (bytes < 1'024) return std::to_string(bytes) + " B";
  auto value = static_cast<double>(bytes);
  const char* unit = "";
  for (const char* next : {"KiB", "MiB", "GiB", "TiB"}) {
    if (value < 1'023.95) break;
    value /= 1'024;
    unit = next;
  }
  return print("%.1f %s", value, unit);
}

std::string number(double value) {
  if (!std::isfinite(value)) return "-";
  if (std::fabs(value) < 1) return print("%.2f", value);
  if (std::fabs(value) < 10) return print("%.1f", value);
  return print("%.0f", value);
}

std::string utc(UnixMs time) {
  const auto ms = ((time % 1'000) + 1'000) % 1'000;
  const auto seconds = static_cast<time_t>((time - ms) / 1'000);
  tm parts{};
  ::gmtime_r(&seconds, &parts);
  return print("%04d-%02d-%02dT%02d:%02d:%02d.%03lldZ", parts.tm_year + 1'900,
               parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
               parts.tm_sec, ll(ms));
}

std::string local_time(UnixMs time) {
  const auto seconds = static_cast<time_t>(time / 1'000);
  tm parts{};
  ::localtime_r(&seconds, &parts);
  return print("%02d-%02d %02d:%02d:%02d", parts.tm_mon + 1, parts.tm_mday,
               parts.tm_hour, parts.tm_min, parts.tm_sec);
}

}  // namespace troupe::render
