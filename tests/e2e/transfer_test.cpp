// Large files into the node and back, with the transfer broken off half-way.
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>

#include "core/clock.hpp"
#include "platform/sha256.hpp"
#include "tests/e2e/program.hpp"
#include "tests/platform/eventually.hpp"

namespace troupe::test {
namespace {

namespace fs = std::filesystem;
using platform::eventually;

constexpr std::uint64_t kBytes = 200'000'000;
constexpr std::uint64_t kSome = 10'000'000;  // Arrived before the break.

class TransferTest : public testing::Test {
 protected:
  void SetUp() override {
    node_ = place_.node();
    auto random = seeded_random(1);
    std::ofstream file{film(), std::ios::binary};
    std::string block(1 << 20, '\0');
    for (std::uint64_t left = kBytes; left > 0;) {
      for (std::size_t i = 0; i + 8 <= block.size(); i += 8) {
        const auto word = random->next();
        std::copy_n(reinterpret_cast<const char*>(&word), 8, &block[i]);
      }
      const auto count = std::min<std::uint64_t>(left, block.size());
      file.write(block.data(), static_cast<std::streamsize>(count));
      left -= count;
    }
    file.close();
    hash_ = *platform::sha256_file(film());
  }
  void TearDown() override {
    node_->signal(SIGTERM);
    EXPECT_EQ(node_->finish().code, 0);
  }

  fs::path film() const { return place_.path("film.bin"); }
  fs::path uploaded_part() const {
    return place_.data() / "artifacts" / "uploads" / (hash_ + ".part");
  }
  Words put() const { return {"artifacts", "put", "--json", film().string()}; }
  Words get() const {
    return {"artifacts", "get", hash_, "-o", place_.path("back.bin").string()};
  }
  static std::uint64_t size(const fs::path& file) {
    std::error_code missing;
    const auto bytes = fs::file_size(file, missing);
    return missing ? 0 : bytes;
  }
  /// Lets `process` go on until `part` has grown by a good deal, then kills
  /// it. What had arrived by then.
  static std::uint64_t break_off(Process& process, const fs::path& part) {
    EXPECT_TRUE(eventually([&] { return size(part) > kSome; }));
    process.signal(SIGKILL);
    process.finish();
    const auto arrived = size(part);
    EXPECT_GT(arrived, kSome);
    EXPECT_LT(arrived, kBytes) << "it was too late to break it off";
    return arrived;
  }
  /// The smallest size that `part` has while `process` runs and it is there.
  static std::uint64_t least_size(Process& process, const fs::path& part) {
    std::uint64_t least = kBytes;
    EXPECT_TRUE(eventually([&] {
      if (const auto now = size(part); now > 0) least = std::min(least, now);
      return !process.is_running() || fs::exists(part) == false;
    }));
    return least;
  }

  Workplace place_;
  std::unique_ptr<Process> node_;
  std::string hash_;
};

TEST_F(TransferTest, GoesInAndOutAndOnWhereItWasBrokenOff) {
  auto first = place_.start(put());
  const auto uploaded = break_off(*first, uploaded_part());
  auto second = place_.start(put());
  EXPECT_GE(least_size(*second, uploaded_part()), uploaded) << "began anew";
  const auto stored = second->finish();
  ASSERT_EQ(stored.code, 0) << stored.err;
  EXPECT_EQ(stored.json()["sha256"], hash_);
  EXPECT_EQ(stored.json()["bytes"], kBytes);

  const auto part = place_.path("back.bin.part");
  auto third = place_.start(get());
  const auto fetched = break_off(*third, part);
  auto fourth = place_.start(get());
  EXPECT_GE(least_size(*fourth, part), fetched) << "began anew";
  const auto back = fourth->finish();
  ASSERT_EQ(back.code, 0) << back.err;
  EXPECT_EQ(*platform::sha256_file(place_.path("back.bin")), hash_);
  EXPECT_FALSE(fs::exists(part));
}

TEST_F(TransferTest, AnUploadSurvivesTheDeathOfTheNode) {
  auto upload = place_.start(put());
  break_off(*node_, uploaded_part());
  node_ = place_.node();
  const auto stored = upload->finish();
  ASSERT_EQ(stored.code, 0) << stored.err;
  EXPECT_EQ(stored.json()["sha256"], hash_);
}

}  // namespace
}  // namespace troupe::test
