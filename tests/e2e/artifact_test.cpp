// Files of the node that went bad, and what a fetched file becomes here.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/e2e/cli_fixture.hpp"

namespace troupe::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class ArtifactTest : public CliTest {
 protected:
  /// Its hash.
  static std::string put(const std::string& name, const std::string& text) {
    place_->write(name, text);
    const auto output =
        troupe({"artifacts", "put", "--json", place_->path(name).string()});
    EXPECT_EQ(output.code, 0) << output.err;
    return output.json().value("sha256", "");
  }
  static Output get(const std::string& sha256, const std::string& to) {
    return troupe({"artifacts", "get", sha256, "-o", to});
  }
  /// Turns a bit of the node's copy.
  static void damage(const std::string& sha256) {
    std::fstream file{stored(sha256),
                      std::ios::binary | std::ios::in | std::ios::out};
    const auto first = static_cast<char>(file.get());
    file.seekp(0);
    file.put(static_cast<char>(first ^ 1));
    EXPECT_TRUE(file.good());
  }
  static fs::path stored(const std::string& sha256) {
    return place_->data() / "artifacts" / "objects" / sha256.substr(0, 2) /
           sha256;
  }
  static unsigned mode(const fs::path& path) {
    struct stat info {};
    EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
    return info.st_mode & 0777u;
  }
};

TEST_F(ArtifactTest, ADamagedFileIsReportedUntilItIsBroughtAgain) {
  const auto sha256 = put("film", "some bytes of a film\n");
  damage(sha256);
  const auto copy = place_->path("film.copy");
  const auto printed = get(sha256, "-");
  EXPECT_EQ(printed.code, 8);
  EXPECT_THAT(printed.err, HasSubstr("damaged"));
  EXPECT_THAT(printed.err, HasSubstr("troupe artifacts put"));
  const auto fetched = get(sha256, copy.string());
  EXPECT_EQ(fetched.code, 8);
  EXPECT_EQ(fetched.err, printed.err);
  EXPECT_FALSE(fs::exists(copy));
  EXPECT_EQ(put("film", "some bytes of a film\n"), sha256);
  const auto mended = get(sha256, "-");
  EXPECT_EQ(mended.code, 0) << mended.err;
  EXPECT_EQ(mended.out, "some bytes of a film\n");
}

TEST_F(ArtifactTest, AJobDoesNotRunOnADamagedInput) {
  const auto sha256 = put("sound", "some bytes of a sound\n");
  damage(sha256);
  const auto ran = place_->path("ran");
  const auto id =
      place_->submit({"process.run", "--input", "in=sha256:" + sha256, "--",
                      "touch", ran.string()});
  ASSERT_TRUE(place_->reaches(id, "failed"));
  const auto job = show(id);
  EXPECT_EQ(job["attempt"], 1);
  EXPECT_EQ(job["failure"]["class"], "invalid");
  EXPECT_EQ(job["failure"]["reason"], "input_missing");
  EXPECT_THAT(job["failure"]["message"].get<std::string>(),
              HasSubstr("is damaged on this disk"));
  EXPECT_FALSE(fs::exists(ran));
}

TEST_F(ArtifactTest, ASymbolicLinkIsFollowed) {
  const auto sha256 = put("new", "new\n");
  place_->write("there", "old\n");
  fs::create_symlink("there", place_->path("link"));
  fs::create_symlink("not-yet", place_->path("link-ahead"));
  for (const auto* name : {"link", "link-ahead"}) {
    const auto got = get(sha256, place_->path(name).string());
    EXPECT_EQ(got.code, 0) << got.err;
    EXPECT_TRUE(fs::is_symlink(place_->path(name)));
  }
  EXPECT_EQ(place_->read("there"), "new\n");
  EXPECT_EQ(place_->read("not-yet"), "new\n");
}

TEST_F(ArtifactTest, ALinkThatLeadsToItselfIsRefused) {
  const auto sha256 = put("new", "new\n");
  const auto link = place_->path("circle");
  fs::create_symlink("circle", link);
  const auto got = get(sha256, link.string());
  EXPECT_EQ(got.code, 2);
  EXPECT_THAT(got.err, HasSubstr("leads to itself"));
  EXPECT_TRUE(fs::is_symlink(link));
}

TEST_F(ArtifactTest, ALinkThatLeadsToItselfIsNoPlaceToSaveTo) {
  const auto saved = place_->path("round");
  fs::create_directory(saved);
  fs::create_symlink("out", saved / "out");
  fs::create_symlink("round-dir", place_->path("round-dir"));
  const auto run_to = [](const fs::path& to) {
    return troupe({"run", "process.run", "--output", "out", "--save",
                   to.string(), "--", "sh", "-c", "echo x > out"});
  };
  const auto file = run_to(saved);
  EXPECT_EQ(file.code, 2) << file.err;
  EXPECT_THAT(file.err, HasSubstr("leads to itself"));
  const auto folder = run_to(place_->path("round-dir"));
  EXPECT_EQ(folder.code, 2) << folder.err;
  EXPECT_THAT(folder.err, HasSubstr("is no folder"));
}

TEST_F(ArtifactTest, AFifoIsWrittenToAndStaysOne) {
  const auto sha256 = put("new", "new\n");
  const auto fifo = place_->path("fifo");
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  // Its reader is there before the writer, which else would wait for one.
  const platform::Fd reader{
      ::open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
  ASSERT_TRUE(reader);
  const auto got = get(sha256, fifo.string());
  EXPECT_EQ(got.code, 0) << got.err;
  char buffer[64];
  const auto count = ::read(reader.get(), buffer, sizeof buffer);
  ASSERT_EQ(count, 4);
  EXPECT_EQ(std::string(buffer, 4), "new\n");
  EXPECT_TRUE(fs::is_fifo(fifo));
  EXPECT_FALSE(fs::exists(fifo.string() + ".part"));
}

TEST_F(ArtifactTest, AFetchedFileHasTheModeOfTheUmaskOrOfTheOneItReplaces) {
  const auto sha256 = put("new", "new\n");
  place_->write("there", "old\n");
  ASSERT_EQ(::chmod(place_->path("there").c_str(), 0604), 0);
  const auto before = ::umask(0027);
  const auto fresh = get(sha256, place_->path("fresh").string());
  const auto there = get(sha256, place_->path("there").string());
  const auto saved = troupe({"run", "process.run", "--output", "out", "--save",
                             place_->path("saved").string(), "--", "sh", "-c",
                             "echo x > out"});
  ::umask(before);
  EXPECT_EQ(fresh.code, 0) << fresh.err;
  EXPECT_EQ(there.code, 0) << there.err;
  EXPECT_EQ(saved.code, 0) << saved.err;
  EXPECT_EQ(mode(place_->path("fresh")), 0640u);
  EXPECT_EQ(mode(place_->path("there")), 0604u);
  EXPECT_EQ(place_->read("there"), "new\n");
  EXPECT_EQ(mode(place_->path("saved") / "out"), 0640u);
}

TEST_F(ArtifactTest, OneThatAJobNamesAndThatIsGoneIsLostNotUnknown) {
  const auto unknown = get(std::string(64, '1'), place_->path("no").string());
  EXPECT_EQ(unknown.code, 4);
  const auto job = troupe({"run", "process.run", "--json", "--", "echo", "hi"});
  ASSERT_EQ(job.code, 0) << job.err;
  const auto log = job.json()["artifacts"][0].value("sha256", "");
  ASSERT_TRUE(fs::remove(stored(log)));
  const auto lost = troupe({"jobs", "logs", job.json().value("id", "")});
  EXPECT_EQ(lost.code, 8);
  EXPECT_THAT(lost.err, HasSubstr("is gone from this disk"));
}

}  // namespace
}  // namespace troupe::test
