// libFuzzer's target for the safetensors reader: ./dev fuzz.
#include <cstddef>
#include <cstdint>

#include "tests/fuzz/safetensors_property.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  troupe::read_any_safetensors({reinterpret_cast<const char*>(data), size});
  return 0;
}
