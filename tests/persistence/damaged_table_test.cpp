// One damaged byte, or all of them gone, in each table of a real store: what
// comes of it is everything, or an error that names the file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "persistence/store_check.hpp"
#include "tests/persistence/damage.hpp"
#include "tests/persistence/store_fixture.hpp"

namespace troupe {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// What a store answers; every answer or the first error.
struct Answers {
  std::vector<JobId> listed;
  std::vector<JobId> failed;
  std::vector<JobId> live;
  std::vector<std::string> params;
  std::optional<Error> error;

  bool operator==(const Answers& other) const {
    return listed == other.listed && failed == other.failed &&
           live == other.live && params == other.params;
  }
};

class DamagedTableTest : public StoreTest {
 protected:
  DamagedTableTest() {
    for (int i = 0; i < 150; ++i) {
      auto spec = author.spec(author.next_id());
      const auto random = seeded_random(static_cast<std::uint64_t>(i));
      for (int k = 0; k < 40; ++k)
        spec.params += std::to_string(random->next());
      commit({author.submit(spec)}, false);
      if (i % 3 == 0) continue;
      commit({author.start(spec.id)}, false);
      if (i % 3 == 2)
        commit({author.end(spec.id,
                           i % 2 ? JobState::failed : JobState::succeeded)},
               false);
    }
    commit({author.submit(author.next_id())});
    index_all();
    // Flushes what is in memory.
    EXPECT_TRUE(store->backup(backup_.path() / "b"));
    reopen();
    index_all();
    whole = answers(*store);
    store.reset();
    tables = tables_of(dir.path(), options);
  }

  static Answers answers(JobStore& store) {
    Answers out;
    const auto page_through = [&](ListRequest request,
                                  std::vector<JobId>& jobs) {
      do {
        const auto page = store.list(request);
        if (!page) {
          out.error = page.error();
          return;
        }
        for (const auto& job : page->jobs) {
          jobs.push_back(job.spec.id);
          out.params.push_back(job.spec.params);
        }
        request.before_index = page->next_before_index;
      } while (request.before_index != 0);
    };
    page_through({}, out.listed);
    ListRequest failed;
    failed.states = {JobState::failed};
    page_through(failed, out.failed);
    const auto told = store.for_each_live(
        [&](const LiveJob& job) { out.live.push_back(job.summary.id); });
    if (!told) out.error = told.error();
    return out;
  }

  /// Opens a copy after `harm`, and checks that it gives all or says why.
  template <class Harm>
  void expect_all_or_a_named_error(const Table& table, Harm&& harm) {
    const ScratchDir copy;
    fs::copy(dir.path(), copy.path() / "c", fs::copy_options::recursive);
    harm(copy.path() / "c" / "db" / table.name);
    auto first = open(copy.path() / "c");
    if (first) {
      const auto found = answers(**first);
      expect_named(found.error, table);
      EXPECT_TRUE(found.error || found == whole);
      if (!table.of_the_index) return;
      first->reset();
      first = open(copy.path() / "c");
    }
    if (table.of_the_index) {
      ASSERT_TRUE(first) << first.error().message;
      EXPECT_EQ(answers(**first), whole) << "the log had it all";
    } else if (!first) {
      // RocksDB names some of its tables, of others only where they lie.
      EXPECT_EQ(first.error().code, Errc::corrupt);
      EXPECT_THAT(first.error().message, HasSubstr(copy.path().string()));
    }
  }
  Result<std::unique_ptr<JobStore>> open(const fs::path& at) {
    auto told = options;
    told.tell = [this](const std::string&) { ++lines; };
    return JobStore::open(at, told, author.now_ms);
  }
  static void expect_named(const std::optional<Error>& error,
                           const Table& table) {
    if (!error) return;
    EXPECT_EQ(error->code, Errc::corrupt);
    EXPECT_THAT(error->message, HasSubstr(table.name.string()));
  }
  long count(bool of_the_index) const {
    return std::ranges::count(tables, of_the_index, &Table::of_the_index);
  }

  Answers whole;
  std::vector<Table> tables;
  int lines = 0;  // Told to the operator.

 private:
  ScratchDir backup_;
};

TEST_F(DamagedTableTest, EveryFlippedByteIsMendedOutOfTheLogOrNamed) {
  ASSERT_GT(count(true), 0);
  ASSERT_GT(count(false), 0);
  ASSERT_EQ(whole.listed.size(), 151u);
  for (const auto& table : tables) {
    const auto size = fs::file_size(dir.path() / "db" / table.name);
    for (std::uint64_t i = 0; i < 24; ++i) {
      SCOPED_TRACE(table.name.string() + " part " + std::to_string(i));
      expect_all_or_a_named_error(table, [&](const fs::path& path) {
        // Half of them in the frame behind the data: index, properties, footer.
        flip(path, i < 12 ? size * i / 12 : size - 1 - (i - 12) * 60 % size);
      });
    }
  }
  EXPECT_GT(lines, 0);
}

TEST_F(DamagedTableTest, AMissingOrCutTableIsMendedOutOfTheLogOrNamed) {
  for (const auto& table : tables) {
    SCOPED_TRACE(table.name.string());
    expect_all_or_a_named_error(table,
                                [](const fs::path& path) { fs::remove(path); });
    expect_all_or_a_named_error(
        table, [](const fs::path& path) { fs::resize_file(path, 100); });
  }
}

TEST_F(DamagedTableTest, ABackupOfADamagedLogIsRefusedAndTheDamageIsToldOf) {
  const auto damaged_log =
      std::ranges::max(tables, {}, [&](const Table& table) {
        return table.of_the_index
                   ? 0
                   : fs::file_size(dir.path() / "db" / table.name);
      });
  const auto path = dir.path() / "db" / damaged_log.name;
  flip(path, fs::file_size(path) / 3);
  auto damaged = open(dir.path());
  ASSERT_TRUE(damaged) << damaged.error().message;
  EXPECT_EQ(damage_found(dir.path()), "");
  ASSERT_TRUE(answers(**damaged).error);
  EXPECT_EQ(lines, 1);
  EXPECT_THAT(damage_found(dir.path()), HasSubstr(damaged_log.name.string()));
  const ScratchDir other;
  const auto copy = other.path() / "b";
  // On a slow machine it is refused at its begin: a flush reads the table.
  auto finished = (*damaged)->backup(copy);
  if (finished) finished = JobStore::finish_backup(copy);
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().code, Errc::corrupt);
  EXPECT_THAT(finished.error().message, HasSubstr(damaged_log.name.string()));
  EXPECT_FALSE(open(copy)) << "it is not finished";
  damaged->reset();
  ASSERT_TRUE(open(dir.path()));
  EXPECT_EQ(damage_found(dir.path()), "") << "until a read finds it again";
}

TEST_F(DamagedTableTest, MendsAnIndexThatALaterReadFoundDamaged) {
  for (const auto& table : tables) {
    if (!table.of_the_index) continue;
    flip(dir.path() / "db" / table.name, 100);
  }
  auto damaged = open(dir.path());
  ASSERT_TRUE(damaged) << damaged.error().message;
  (void)answers(**damaged);
  (*damaged)->mend_index();
  EXPECT_EQ(answers(**damaged), whole);
  EXPECT_EQ(lines, 1);
}

TEST_F(DamagedTableTest, ADamagedIndexStaysWhereTheLogIsDamagedToo) {
  for (const auto& table : tables) flip(dir.path() / "db" / table.name, 100);
  auto damaged = open(dir.path());
  if (damaged) {
    EXPECT_TRUE(answers(**damaged).error);
    damaged->reset();
    damaged = open(dir.path());
  }
  EXPECT_TRUE(!damaged || answers(**damaged).error) << "never less, silently";
}

}  // namespace
}  // namespace troupe
