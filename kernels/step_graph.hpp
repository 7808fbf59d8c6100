// A step's ops recorded once and started again as one, since starting some
// hundred kernels one by one takes longer than what few rows compute. What
// changes between steps must lie in the device's memory.
#pragma once

#include <memory>

#include "core/result.hpp"

namespace troupe {

/// What was recorded. Outlived by the device, and by all memory that its ops
/// use.
class StepGraph {
 public:
  virtual ~StepGraph() = default;

  /// As the ops would start, in their order. Errors: device_lost.
  virtual Status launch() = 0;
};

/// In the Context of a device that can record. One thread's.
class StepGraphs {
 public:
  virtual ~StepGraphs() = default;

  /// From here to end() ops are recorded and do not run. Their plans were made
  /// when they ran before; nothing is allocated, copied in or out, or waited
  /// for. Errors: device_lost.
  virtual Status begin() = 0;
  /// REQUIRES: begin() was good; to be called whatever happened since, too.
  /// Errors: device_lost (something in between cannot be recorded).
  virtual Result<std::unique_ptr<StepGraph>> end() = 0;
};

}  // namespace troupe
