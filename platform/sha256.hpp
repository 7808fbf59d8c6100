// SHA-256 of bytes that arrive in pieces: the name of an artifact.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace troupe::platform {

/// One digest; not thread-safe.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(std::string_view bytes);
  /// 64 lower-case hexadecimal digits. REQUIRES: called once, after the last
  /// update.
  std::string finish_hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256_hex(std::string_view bytes);

/// Reads the file once, in pieces. Errors: not_found, denied, io_error.
Result<std::string> sha256_file(const std::filesystem::path& path);

}  // namespace troupe::platform
