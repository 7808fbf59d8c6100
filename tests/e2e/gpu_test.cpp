// The node and the CUDA device program: without it, with one that finds
// nothing, hangs or crashes, and with its twin, which has the shim in place of
// CUDA.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "platform/process.hpp"
#include "tests/e2e/program.hpp"
#include "tests/models/text_model.hpp"

namespace troupe::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
namespace fs = std::filesystem;

class GpuTest : public testing::Test {
 protected:
  void SetUp() override { bin_ = place_.install() / "bin"; }
  /// From now on the CUDA device program.
  void install_script(const std::string& script) {
    place_.write("script", "#!/bin/sh\n" + script + "\n");
    fs::rename(place_.path("script"), bin_ / "troupe-device-cuda");
    fs::permissions(bin_ / "troupe-device-cuda", fs::perms::owner_all);
  }
  void install_twin() {
    fs::copy_file(fs::read_symlink("/proc/self/exe").parent_path() /
                      "cuda_twin" / "troupe-device-cuda",
                  bin_ / "troupe-device-cuda");
  }
  Words devices() const {
    Words names;
    const auto status = place_.troupe({"queue", "show", "--json"}).json();
    for (const auto& ledger : status["ledgers"])
      names.push_back(ledger["device"]);
    return names;
  }
  /// What the doctor says of that; empty: nothing.
  std::string doctor(const std::string& what) const {
    const auto json = place_.troupe({"doctor", "--json"}).json();
    for (const auto& finding : json["findings"])
      if (finding["what"] == what)
        return finding["verdict"].get<std::string>() + ": " +
               finding["text"].get<std::string>();
    return {};
  }
  /// The programs that the node has started and that run.
  static Words children(const Process& node) {
    Words programs;
    const auto all = platform::list_processes();
    for (const auto& process : platform::descendants(all, {node.pid()})) {
      std::error_code gone;
      const auto program = fs::read_symlink(
          "/proc/" + std::to_string(process.pid) + "/exe", gone);
      if (!gone) programs.push_back(program.filename());
    }
    return programs;
  }
  void expect_it_works() const {
    const auto ran = place_.troupe({"run", "echo", "-p", "text=hello"});
    EXPECT_EQ(ran.code, 0) << ran.err;
  }

  Workplace place_;
  fs::path bin_;
};

TEST_F(GpuTest, WithoutTheProgramTheNodeHasTheCpuAloneAndSaysNothing) {
  const auto node = place_.node();
  EXPECT_THAT(devices(), ElementsAre("cpu"));
  EXPECT_EQ(node->said(), "");
  expect_it_works();
  EXPECT_THAT(doctor("GPUs"), AllOf(HasSubstr("note: "), HasSubstr("CUDA")));
}

TEST_F(GpuTest, WithoutADriverTheNodeHasTheCpuAloneAndSaysNothing) {
  install_script("echo 'troupe-device-cuda: cuda: no driver' >&2; exit 3");
  const auto node = place_.node();
  EXPECT_THAT(devices(), ElementsAre("cpu"));
  EXPECT_EQ(node->said(), "");
  expect_it_works();
  EXPECT_THAT(doctor("GPUs"),
              AllOf(HasSubstr("note: "), HasSubstr("no driver")));
}

TEST_F(GpuTest, AProgramThatHangsCostsItsTimeAndALine) {
  install_script("exec tail -f /dev/null");
  const auto node = place_.node({"--set", "node.gpu_search_ms=500ms"});
  EXPECT_THAT(node->said(),
              AllOf(HasSubstr("within 500 ms"), HasSubstr("node.gpus")));
  EXPECT_THAT(children(*node), IsEmpty());
  EXPECT_THAT(devices(), ElementsAre("cpu"));
  expect_it_works();
}

TEST_F(GpuTest, AProgramThatCrashesCostsALine) {
  install_script("kill -SEGV $$");
  const auto node = place_.node();
  EXPECT_THAT(node->said(), HasSubstr("SIGSEGV"));
  EXPECT_THAT(devices(), ElementsAre("cpu"));
  expect_it_works();
  EXPECT_THAT(doctor("GPUs"), HasSubstr("bad: "));
}

TEST_F(GpuTest, ALibraryThatIsNotThereIsNamedInALine) {
  install_script(
      "echo 'troupe-device-cuda: error while loading shared libraries: "
      "libcublasLt.so.13: cannot open shared object file' >&2; exit 127");
  const auto node = place_.node();
  EXPECT_THAT(node->said(),
              AllOf(HasSubstr("libcublasLt.so.13"), HasSubstr("install")));
  EXPECT_THAT(devices(), ElementsAre("cpu"));
}

TEST_F(GpuTest, WhatTheProgramFindsIsADeviceOfTheNode) {
  install_twin();
  const auto node = place_.node();
  EXPECT_EQ(node->said(), "");
  EXPECT_THAT(devices(), ElementsAre("cpu", "gpu0"));
  EXPECT_THAT(doctor("GPU 0"), AllOf(HasSubstr("ok: "), HasSubstr("shim-1gb")));
}

TEST_F(GpuTest, AModelWritesOnTheGpuWhatItWritesOnTheCpu) {
  install_twin();
  const TextModelFolder model{place_.path("model")};
  const auto node = place_.node();
  const auto written = [&](const char* device) {
    const auto ran =
        place_.troupe({"run", "text.generate", "--model", model.path(),
                       "--device", device, "-p", "prompt=hello", "-p",
                       "max_tokens=4", "-p", "ignore_eos=true", "--json"});
    EXPECT_EQ(ran.code, 0) << ran.err << node->said();
    return ran.json()["result"]["text"].get<std::string>();
  };
  const auto expected = written("cpu");
  EXPECT_NE(expected, "");
  EXPECT_EQ(written("gpu0"), expected);
  EXPECT_THAT(children(*node), testing::IsSupersetOf({"troupe-device-cuda"}));
}

TEST_F(GpuTest, GpusThatAreNotWantedAreLeftAlone) {
  install_twin();
  {
    const auto node = place_.node({"--set", "node.gpus=none"});
    EXPECT_THAT(devices(), ElementsAre("cpu"));
    EXPECT_EQ(node->said(), "");
    node->signal(SIGTERM);
    EXPECT_EQ(node->finish().code, 0);
  }
  const auto node = place_.node({"--set", "node.gpus=1"});
  EXPECT_THAT(devices(), ElementsAre("cpu"));
  EXPECT_THAT(node->said(), HasSubstr("node.gpus names 1"));
}

}  // namespace
}  // namespace troupe::test
