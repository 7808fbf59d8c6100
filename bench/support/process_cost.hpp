// What processes cost: CPU time and memory, from /proc.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace troupe::bench {

/// CPU seconds of `pid` so far, ended threads included; steps of 10 ms.
double cpu_seconds(pid_t pid);

/// Proportional set size in bytes; 0 when `pid` is gone.
std::uint64_t pss_bytes(pid_t pid);

}  // namespace troupe::bench
