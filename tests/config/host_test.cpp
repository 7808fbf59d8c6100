#include "config/host.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/edit.hpp"
#include "config/load.hpp"

namespace troupe {
namespace {

using testing::HasSubstr;

TEST(HostTest, AddressesAndNamesAreHosts) {
  for (const auto* text :
       {"127.0.0.1", "0.0.0.0", "::", "::1", "fe80::1%eth0", "localhost",
        "render-1.example.org", "example.org.", "a_b", "7zip"})
    EXPECT_TRUE(is_host(text)) << text;
}

TEST(HostTest, NothingElseIs) {
  for (const auto& text :
       {std::string{}, std::string{"nonsense host"}, std::string{"999.1.1.1"},
        std::string{"1.2.3"}, std::string{"7321"}, std::string{"a..b"},
        std::string{"-a"}, std::string{"a/b"}, std::string{"http://a"},
        std::string{"[::1]"}, std::string{"localhost:99"}, std::string{"."},
        std::string{"*"}, std::string(64, 'a'), std::string("::1\0", 4)})
    EXPECT_FALSE(is_host(text)) << text;
}

TEST(HostTest, AMistakeIsAnsweredWithWhatToType) {
  EXPECT_EQ(host_fault("localhost"), "");
  EXPECT_EQ(host_fault("localhost:99"),
            "'localhost:99' has a port in it; the address is localhost, and "
            "the port is told apart from it: 99");
  EXPECT_EQ(host_fault("[::1]"),
            "'[::1]' stands in brackets; leave them out: ::1");
  EXPECT_THAT(host_fault("nonsense host"),
              HasSubstr("allowed: an IP address such as 192.168.1.5 or ::1, or "
                        "a host name"));
}

TEST(HostTest, ASettingThatIsNoAddressIsRefusedWhereverItComesFrom) {
  const auto in_file =
      parse_config("[node]\nlisten = \"nonsense host\"\n", "troupe.toml");
  ASSERT_FALSE(in_file);
  EXPECT_THAT(in_file.error().message,
              HasSubstr("troupe.toml:2: node.listen: 'nonsense host' is no "
                        "address; allowed: "));
  EXPECT_FALSE(parse_config("", "troupe.toml", {"node.listen="}));
  const auto written =
      with_option("", "troupe.toml", "node.listen", "nonsense host");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Errc::invalid_argument);
  EXPECT_TRUE(with_option("", "troupe.toml", "node.listen", "::"));
}

}  // namespace
}  // namespace troupe
