// Runs the tests of models where there is a device; where there is none says
// why and ends with the code that ctest takes for skipped.
#include <gtest/gtest.h>

#include <iostream>

#include "kernels/cuda_context.hpp"

int main(int argc, char** argv) {
  constexpr int kSkipped = 77;
  ::testing::InitGoogleTest(&argc, argv);
  if (::testing::GTEST_FLAG(list_tests)) return RUN_ALL_TESTS();
  if (const auto opened = troupe::OpenCudaDevice::open(0, 0); !opened) {
    std::cout << "skipped: " << opened.error().message << '\n';
    return kSkipped;
  }
  return RUN_ALL_TESTS();
}
