#include "actors/durations.hpp"

namespace troupe {
namespace {

void add(auto& cell, SteadyMs ms) {
  if (cell.n < 5) ++cell.n;
  cell.mean_ms += (static_cast<double>(ms) - cell.mean_ms) / cell.n;
}

}  // namespace

std::uint64_t Durations::key(std::uint32_t kind, std::uint64_t model,
                             std::uint32_t klass) {
  const std::uint64_t x = (model ^ kind) * 0x9e3779b97f4a7c15ull ^ klass;
  return x * 0xd6e8feb86659fd93ull;
}

void Durations::saw(std::uint32_t kind, std::uint64_t model,
                    std::uint32_t klass, SteadyMs ms) {
  add(kinds_[kind], ms);
  const std::uint64_t k = key(kind, model, klass);
  if (const auto at = cells_.find(k); at != cells_.end())
    add(at->second, ms);
  else if (cells_.size() < kMaxCells)
    add(cells_[k], ms);
}

std::optional<double> Durations::mean_ms(std::uint32_t kind,
                                         std::uint64_t model,
                                         std::uint32_t klass) const {
  const auto at = cells_.find(key(kind, model, klass));
  return at != cells_.end() ? std::optional{at->second.mean_ms} : mean_ms(kind);
}

std::optional<double> Durations::mean_ms(std::uint32_t kind) const {
  const auto at = kinds_.find(kind);
  if (at == kinds_.end()) return std::nullopt;
  return at->second.mean_ms;
}

}  // namespace troupe
