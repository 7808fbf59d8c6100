#include "apps/line_input.hpp"

#include <gtest/gtest.h>

#include "platform/fd.hpp"
#include "platform/file.hpp"

namespace troupe {
namespace {

class LineInputTest : public testing::Test {
 protected:
  void write(const std::string& text) {
    ASSERT_TRUE(platform::write_all(pipe.write_end.get(), text));
  }
  std::optional<std::string> next() {
    return input.next([] { return false; });
  }

  platform::Pipe pipe = *platform::make_pipe();
  LineInput input{pipe.read_end.get()};
};

TEST_F(LineInputTest, GivesLineAfterLine) {
  write("one\n\ntwo\nth");
  EXPECT_EQ(next(), "one");
  EXPECT_EQ(next(), "");
  EXPECT_EQ(next(), "two");
  write("ree\n");
  EXPECT_EQ(next(), "three");
}

TEST_F(LineInputTest, TheLastLineMayLackItsEnd) {
  write("one\nlast");
  pipe.write_end.reset();
  EXPECT_EQ(next(), "one");
  EXPECT_EQ(next(), "last");
  EXPECT_EQ(next(), std::nullopt);
  EXPECT_EQ(next(), std::nullopt);
}

TEST_F(LineInputTest, ALineMayBeLongerThanWhatIsReadAtOnce) {
  const std::string line(10'000, 'x');
  write(line + "\n");
  EXPECT_EQ(next(), line);
}

TEST_F(LineInputTest, StopsWhileItWaits) {
  int asked = 0;
  EXPECT_EQ(input.next([&] { return ++asked == 2; }), std::nullopt);
  EXPECT_EQ(asked, 2);
  write("one\n");
  EXPECT_EQ(next(), "one") << "it had not ended";
}

}  // namespace
}  // namespace troupe
