#include "actors/errors.hpp"

#include <gtest/gtest.h>
#include <caf/exit_reason.hpp>
#include <caf/sec.hpp>

namespace troupe {
namespace {

bool has_foreign_words(const std::string& text) {
  for (const auto* word : {"caf", "sec", "exit_reason", "::"})
    if (text.find(word) != std::string::npos) return true;
  return text.empty();
}

TEST(ErrorsTest, WhatTheNetworkSaysIsToldInWordsOfOurOwn) {
  const auto last = static_cast<int>(caf::sec::action_reschedule_failed);
  for (int code = 1; code <= last; ++code) {
    const auto error = from_caf(caf::make_error(static_cast<caf::sec>(code)));
    EXPECT_FALSE(has_foreign_words(error.message))
        << code << ": " << error.message;
  }
  for (const auto reason : {caf::exit_reason::unknown, caf::exit_reason::kill,
                            caf::exit_reason::user_shutdown,
                            caf::exit_reason::remote_link_unreachable}) {
    const auto error = from_caf(caf::make_error(reason));
    EXPECT_FALSE(has_foreign_words(error.message)) << error.message;
  }
  EXPECT_EQ(from_caf(caf::make_error(caf::sec::cannot_connect_to_node)).message,
            "the connection cannot be made");
}

TEST(ErrorsTest, WhatAnExceptionSaidIsKept) {
  const auto error = from_caf(
      caf::make_error(caf::sec::runtime_error, std::string{"no disk"}));
  EXPECT_EQ(error.code, Errc::unavailable);
  EXPECT_NE(error.message.find(": no disk"), std::string::npos)
      << error.message;
}

}  // namespace
}  // namespace troupe
