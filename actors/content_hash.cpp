// content_hash of schedule.hpp: one number for what a client chose.
#include <cstring>

#include "actors/schedule.hpp"

namespace troupe {
namespace {

class Hasher {
 public:
  void add(std::uint64_t word) {
    state_ = (state_ ^ word) * 0x9fb21c651e98df25ull;
    state_ ^= state_ >> 29;
  }
  void add(const std::string& text) {
    add(std::uint64_t{text.size()});
    std::size_t i = 0;
    for (; i + 8 <= text.size(); i += 8) {
      std::uint64_t word;
      std::memcpy(&word, text.data() + i, 8);
      add(word);
    }
    std::uint64_t tail = 0;
    std::memcpy(&tail, text.data() + i, text.size() - i);
    add(tail);
  }
  void add(JobId id) {
    add(id.hi);
    add(id.lo);
  }
  template <class T>
  void add(const std::optional<T>& x) {
    add(std::uint64_t{x.has_value()});
    if constexpr (std::is_arithmetic_v<T>) {
      if (x) add(static_cast<std::uint64_t>(*x));
    } else {
      if (x) add(*x);
    }
  }
  template <class T>
  void add(const std::vector<T>& list) {
    add(std::uint64_t{list.size()});
    for (const T& x : list) add(x);
  }
  void add(const InputRef& x) {
    add(x.name), add(x.sha256), add(x.job), add(x.output);
  }
  void add(const Binding& x) { add(x.path), add(x.job), add(x.pointer); }

  std::uint64_t get() const { return state_ ^ state_ >> 32; }

 private:
  std::uint64_t state_ = 0x243f6a8885a308d3ull;
};

}  // namespace

std::uint64_t content_hash(const JobSpec& spec) {
  Hasher h;
  h.add(spec.id);
  h.add(spec.kind);
  h.add(spec.model);
  h.add(spec.params);
  h.add(static_cast<std::uint64_t>(spec.priority));
  h.add(spec.tenant);
  h.add(spec.tags);
  h.add(spec.parent);
  h.add(spec.depends_on);
  h.add(spec.inputs);
  h.add(spec.bindings);
  h.add(spec.not_before_ms);
  h.add(spec.deadline_ms);
  h.add(spec.timeout_ms);
  h.add(std::uint64_t{spec.retry.max_attempts});
  h.add(static_cast<std::uint64_t>(spec.retry.backoff_ms));
  h.add(static_cast<std::uint64_t>(spec.retry.max_backoff_ms));
  h.add(std::uint64_t{spec.retry.on_command_failure});
  h.add(static_cast<std::uint64_t>(spec.on_lost));
  h.add(spec.memory_bytes);
  h.add(spec.device);
  return h.get();
}

}  // namespace troupe
