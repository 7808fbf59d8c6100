// The other side: llama.cpp, driven by peer.py in a process of its own.
#pragma once

#include <sys/types.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "bench/chat/ours.hpp"

namespace troupe::bench {

class LlamaPeer {
 public:
  /// Throws std::runtime_error when it does not start; `python` knows
  /// llama_cpp.
  LlamaPeer(const std::string& python, const std::filesystem::path& gguf,
            int threads, Clock clock);
  ~LlamaPeer();
  LlamaPeer(const LlamaPeer&) = delete;
  LlamaPeer& operator=(const LlamaPeer&) = delete;

  /// Tokens a second, as OurModel's.
  double decode(int sequences, int prompt, int steps);
  double prefill(int tokens);
  /// As our_logits().
  std::vector<float> logits(const std::vector<TokenId>& ids);

 private:
  double ask(const std::string& task);
  std::string read_line();

  pid_t pid_ = -1;
  std::FILE* to_ = nullptr;
  std::FILE* from_ = nullptr;
};

}  // namespace troupe::bench
