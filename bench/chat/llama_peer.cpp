#include "bench/chat/llama_peer.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <stdexcept>

namespace troupe::bench {

LlamaPeer::LlamaPeer(const std::string& python,
                     const std::filesystem::path& gguf, int threads,
                     Clock clock) {
  int in[2], out[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0)
    throw std::runtime_error("no pipes for the peer");
  const auto count = std::to_string(threads);
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("cannot fork the peer");
  if (pid_ == 0) {
    ::dup2(in[0], STDIN_FILENO);
    ::dup2(out[1], STDOUT_FILENO);
    ::execlp(python.c_str(), python.c_str(), "bench/chat/peer.py", gguf.c_str(),
             count.c_str(), clock == Clock::cpu ? "cpu" : "wall", nullptr);
    ::_exit(127);
  }
  ::close(in[0]);
  ::close(out[1]);
  to_ = ::fdopen(in[1], "w");
  from_ = ::fdopen(out[0], "r");
  if (read_line() != "ready") throw std::runtime_error("the peer is not ready");
}

LlamaPeer::~LlamaPeer() {
  std::fclose(to_);  // It ends with its input.
  std::fclose(from_);
  ::waitpid(pid_, nullptr, 0);
}

std::string LlamaPeer::read_line() {
  std::array<char, 256> line{};
  if (std::fgets(line.data(), line.size(), from_) == nullptr)
    throw std::runtime_error("the peer ended");
  std::string text = line.data();
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

double LlamaPeer::ask(const std::string& task) {
  std::fputs((task + "\n").c_str(), to_);
  std::fflush(to_);
  return std::stod(read_line());
}

double LlamaPeer::decode(int sequences, int prompt, int steps) {
  return sequences * steps /
         ask("decode " + std::to_string(sequences) + " " +
             std::to_string(prompt) + " " + std::to_string(steps));
}

double LlamaPeer::prefill(int tokens) {
  return tokens / ask("prefill " + std::to_string(tokens));
}

std::vector<float> LlamaPeer::logits(const std::vector<TokenId>& ids) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("troupe-bench-logits." + std::to_string(::getpid()));
  std::string task = "logits " + path.string();
  for (const auto id : ids) task += " " + std::to_string(id);
  ask(task);
  std::vector<float> all(std::filesystem::file_size(path) / sizeof(float));
  std::ifstream{path, std::ios::binary}.read(
      reinterpret_cast<char*>(all.data()),
      static_cast<std::streamsize>(all.size() * sizeof(float)));
  std::filesystem::remove(path);
  return all;
}

}  // namespace troupe::bench
