#include "apps/gpus.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/platform/temp_dir.hpp"

namespace troupe {
namespace {

using cluster::ListedDevice;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint64_t kGiB = 1ull << 30;

TEST(GpusTest, AClassIsTheNameWithoutTheMakerAndWithTheMemory) {
  EXPECT_EQ(gpu_class("NVIDIA H100 80GB HBM3", 85'520'809'984), "h100-80gb");
  EXPECT_EQ(gpu_class("NVIDIA H100 PCIe", 85'024'112'640), "h100-pcie-79gb");
  EXPECT_EQ(gpu_class("NVIDIA A100-SXM4-40GB", 42'297'786'368),
            "a100-sxm4-40gb");
  EXPECT_EQ(gpu_class("NVIDIA H200", 150'754'820'096), "h200-140gb");
  EXPECT_EQ(gpu_class("NVIDIA GeForce RTX 4090", 25'393'692'672),
            "geforce-rtx-4090-24gb");
  EXPECT_EQ(gpu_class("", kGiB), "gpu-1gb");
}

TEST(GpusTest, APartOfADeviceIsOfAClassOfItsOwn) {
  EXPECT_EQ(gpu_class("NVIDIA H100 80GB HBM3 MIG 1g.10gb", 10'200'547'328),
            "h100-mig-1g.10gb-10gb");
}

std::vector<ListedDevice> two_devices() {
  return {
      {.ordinal = 0, .name = "NVIDIA L4", .sm = 89, .total_bytes = 23 * kGiB},
      {.ordinal = 2,
       .name = "NVIDIA H200",
       .sm = 90,
       .total_bytes = 100 * kGiB}};
}

TEST(GpusTest, HoppersKernelsAreForHoppersThatAreConfiguredToHaveThem) {
  NodeConfig config;
  const auto gpus = taken_gpus(config, two_devices());
  ASSERT_THAT(gpus, SizeIs(2));
  EXPECT_THAT(serve_arguments(config, gpus[1]), ElementsAre("serve", "2"));
  config.gpu_kernels = "hopper";
  EXPECT_THAT(serve_arguments(config, gpus[0]), ElementsAre("serve", "0"));
  EXPECT_THAT(serve_arguments(config, gpus[1]),
              ElementsAre("serve", "2", "hopper"));
}

TEST(GpusTest, ADeviceHasCudasNumberTheShareOfItsMemoryAndItsSlots) {
  NodeConfig config;
  config.gpu_memory_percent = 50;
  config.gpu_slots = 3;
  const auto gpus = taken_gpus(config, two_devices());
  ASSERT_THAT(gpus, SizeIs(2));
  EXPECT_EQ(gpus[1].info.name, "gpu2");
  EXPECT_EQ(gpus[1].info.klass, "h200-100gb");
  EXPECT_EQ(gpus[1].info.memory_bytes, 50 * kGiB);
  EXPECT_EQ(gpus[1].info.slots, 3u);
  EXPECT_EQ(gpus[1].ordinal, 2u);
  EXPECT_EQ(gpus[1].sm, 90);
  EXPECT_THAT(gpus[1].info.kinds, IsEmpty());
}

TEST(GpusTest, OnlyWhatTheConfigurationNamesIsTaken) {
  NodeConfig config;
  config.gpus = "2";
  const auto gpus = taken_gpus(config, two_devices());
  ASSERT_THAT(gpus, SizeIs(1));
  EXPECT_EQ(gpus[0].info.name, "gpu2");
}

class FindGpusTest : public testing::Test {
 protected:
  /// A device program that does this.
  FoundGpus find(const std::string& script) {
    const auto program = dir / "troupe-device-cuda";
    std::ofstream{program} << "#!/bin/sh\n" << script << "\n";
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    return find_gpus(config, {program, {{"PATH", "/usr/bin:/bin"}}});
  }

  platform::TempDir dir;
  NodeConfig config;
};

constexpr auto kOne =
    R"(echo '{"ordinal":1,"name":"NVIDIA H200","sm":90,"total_bytes":1000}')";

TEST_F(FindGpusTest, WhatIsListedIsFound) {
  const auto found = find(kOne);
  ASSERT_THAT(found.gpus, SizeIs(1));
  EXPECT_EQ(found.gpus[0].info.name, "gpu1");
  EXPECT_EQ(found.why_not, "");
}

TEST_F(FindGpusTest, NoDriverIsToBeExpectedAndSaidInItsWords) {
  const auto found =
      find("echo 'troupe-device-cuda: cuda: no driver' >&2; exit 3");
  EXPECT_THAT(found.gpus, IsEmpty());
  EXPECT_TRUE(found.expected);
  EXPECT_EQ(found.why_not, "troupe-device-cuda: cuda: no driver");
}

TEST_F(FindGpusTest, NoDriverIsAFaultWhereGpusAreNamed) {
  config.gpus = "0";
  EXPECT_FALSE(find("exit 3").expected);
}

TEST_F(FindGpusTest, ANamedGpuThatIsNotThereIsSaidAndTheOthersAreTaken) {
  config.gpus = "1,5";
  const auto found = find(kOne);
  EXPECT_THAT(found.gpus, SizeIs(1));
  EXPECT_FALSE(found.expected);
  EXPECT_THAT(found.why_not, AllOf(HasSubstr("names 5"), HasSubstr("lists 1")));
}

TEST_F(FindGpusTest, AMissingLibraryIsNamedWithWhatToDo) {
  const auto found = find(
      "echo 'troupe-device-cuda: error while loading shared libraries: "
      "libcublasLt.so.13: cannot open shared object file' >&2; exit 127");
  EXPECT_FALSE(found.expected);
  EXPECT_THAT(found.why_not,
              AllOf(HasSubstr("libcublasLt.so.13"), HasSubstr("install"),
                    HasSubstr("node.gpus")));
}

TEST_F(FindGpusTest, NoneDoesNotEvenStartTheProgram) {
  config.gpus = "none";
  const auto found = find("echo x > " + (dir / "ran").string());
  EXPECT_TRUE(found.expected);
  EXPECT_FALSE(std::filesystem::exists(dir / "ran"));
}

TEST_F(FindGpusTest, ABuildWithoutTheProgramHasNone) {
  const auto found = find_gpus(config, {dir / "nowhere", {}});
  EXPECT_THAT(found.gpus, IsEmpty());
  EXPECT_TRUE(found.expected);
  EXPECT_THAT(found.why_not, HasSubstr("is not there"));
}

TEST_F(FindGpusTest, ABuildWithoutTheProgramIsAFaultWhereGpusAreNamed) {
  config.gpus = "0";
  EXPECT_FALSE(find_gpus(config, {dir / "nowhere", {}}).expected);
}

}  // namespace
}  // namespace troupe
