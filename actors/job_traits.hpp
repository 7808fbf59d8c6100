// What many jobs have in common beside their lane: model, retry policy and
// what a lost attempt means. Stored once, counted, dropped with its last job.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/job.hpp"

namespace troupe {

struct JobTraits {
  std::string model;
  std::uint64_t model_hash = 0;
  RetryPolicy retry;
  OnLost on_lost = OnLost::retry;
  std::uint64_t jobs = 0;
};

class TraitsTable {
 public:
  std::uint32_t acquire(const JobSpec& spec);
  void release(std::uint32_t traits);
  const JobTraits& operator[](std::uint32_t traits) const {
    return traits_[traits];
  }

 private:
  std::vector<JobTraits> traits_;
  std::vector<std::uint32_t> free_;
  std::unordered_map<std::uint64_t, std::uint32_t> by_hash_;
};

}  // namespace troupe
