#include "cluster/pki.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "platform/file.hpp"
#include "tests/platform/temp_dir.hpp"

namespace troupe::cluster {
namespace {

constexpr UnixMs kNow = 1'800'000'000'000;
constexpr UnixMs kYearMs = 365LL * 24 * 3600 * 1000;

class PkiTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(ensure_identity(data(), "atelier", kNow));
  }
  std::filesystem::path data() const { return dir.path(); }
  unsigned mode(const std::filesystem::path& path) const {
    struct stat info {};
    ::stat(path.c_str(), &info);
    return info.st_mode & 0777;
  }
  void overwrite(const std::filesystem::path& path, std::string_view bytes) {
    std::ofstream(path, std::ios::trunc) << bytes;
  }
  Status node_at(UnixMs now) { return check_node_identity(data(), now); }
  void expect_refused(Errc code, const std::string& text) {
    const auto status = node_at(kNow);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, code) << status.error().message;
    EXPECT_NE(status.error().message.find(text), std::string::npos)
        << status.error().message;
  }

  platform::TempDir dir;
};

TEST_F(PkiTest, TheFirstStartMakesAnIdentityThatPassesEveryCheck) {
  EXPECT_TRUE(node_at(kNow));
  EXPECT_TRUE(check_admin_identity(data(), kNow));
}

TEST_F(PkiTest, NobodyElseCanReadWhatItMade) {
  EXPECT_EQ(mode(data() / "tls"), 0700u);
  EXPECT_EQ(mode(data() / "tls/clients"), 0700u);
  for (const auto& entry :
       std::filesystem::directory_iterator(data() / "tls")) {
    if (entry.is_regular_file()) {
      EXPECT_EQ(mode(entry.path()), 0600u) << entry.path();
    }
  }
}

TEST_F(PkiTest, ASecondStartKeepsTheAuthority) {
  const auto before = platform::read_file(data() / "tls/authority.pem");
  ASSERT_TRUE(ensure_identity(data(), "atelier", kNow));
  const auto after = platform::read_file(data() / "tls/authority.pem");
  ASSERT_TRUE(before && after);
  EXPECT_EQ(*before, *after);
}

TEST_F(PkiTest, WhatACrashedFirstStartLeftIsMadeAnew) {
  std::filesystem::remove_all(data() / "tls");
  std::filesystem::create_directories(data() / "tls.tmp");
  overwrite(data() / "tls.tmp/authority.pem", "half of");
  ASSERT_TRUE(ensure_identity(data(), "atelier", kNow));
  EXPECT_TRUE(node_at(kNow));
}

TEST_F(PkiTest, AMissingFileIsNamedAndNotMadeAgain) {
  std::filesystem::remove(data() / "tls/node.pem");
  ASSERT_TRUE(ensure_identity(data(), "atelier", kNow));
  expect_refused(Errc::corrupt, "node.pem");
}

TEST_F(PkiTest, WhatIsLostOrBrokenSaysWhatReallyHelps) {
  const auto folder = data() / "tls";
  const std::string mend =
      "put back a copy of your own (troupe backup takes no "
      "certificates along), or begin with a new authority";
  const auto kept = data() / "kept";
  std::filesystem::copy(folder, kept, std::filesystem::copy_options::recursive);
  for (const std::string name :
       {"authority.pem", "node.pem", "node.key", "clients.json"}) {
    overwrite(folder / name, "{");
    expect_refused(Errc::corrupt, mend);
    expect_refused(Errc::corrupt, "type: rm -r '" + folder.string() + "'");
    std::filesystem::remove(folder / name);
    expect_refused(Errc::corrupt, mend);
    expect_refused(Errc::corrupt, "type: rm -r '" + folder.string() + "'");
    std::filesystem::copy_file(kept / name, folder / name);
    ASSERT_EQ(::chmod((folder / name).c_str(), 0600), 0);
  }
  EXPECT_TRUE(node_at(kNow));
  std::filesystem::remove(folder / "authority.key");
  const auto issued =
      issue_client(data(), {"anna", "studio", Role::user}, kNow);
  ASSERT_FALSE(issued);
  EXPECT_EQ(issued.error().code, Errc::corrupt);
  EXPECT_NE(issued.error().message.find(
                "the node works without it, but no client can be added; put "
                "back a copy of your own (troupe backup takes no certificates "
                "along); only where there is none, begin with a new authority"),
            std::string::npos)
      << issued.error().message;
  std::filesystem::remove(folder / "admin.pem");
  const auto admin = check_admin_identity(data(), kNow);
  ASSERT_FALSE(admin);
  EXPECT_EQ(admin.error().code, Errc::corrupt);
  EXPECT_NE(admin.error().message.find(mend), std::string::npos)
      << admin.error().message;
}

TEST_F(PkiTest, FilesElsewhereAreNotMendedByRemovingTheirFolder) {
  const auto issued =
      issue_client(data(), {"anna", "studio", Role::user}, kNow);
  ASSERT_TRUE(issued);
  std::filesystem::remove(issued->files.certificate);
  const auto status = check_files(issued->files, Purpose::client, kNow);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::not_found);
  EXPECT_EQ(status.error().message.find("rm -r"), std::string::npos)
      << status.error().message;
  EXPECT_NE(status.error().message.find("troupe clients add"),
            std::string::npos)
      << status.error().message;
}

TEST_F(PkiTest, AMissingKeyIsNamed) {
  std::filesystem::remove(data() / "tls/node.key");
  expect_refused(Errc::corrupt, "node.key");
}

TEST_F(PkiTest, AClientsFolderWithoutItsFilesIsNoNodesFolder) {
  std::filesystem::remove_all(data() / "tls");
  EXPECT_FALSE(is_client_folder(data()));
  ASSERT_TRUE(platform::write_file_atomically(data() / "node.json", "{}"));
  EXPECT_TRUE(is_client_folder(data())) << "it says where a node is";
  const auto status = check_admin_identity(data(), kNow);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::corrupt);
  EXPECT_NE(status.error().message.find("troupe clients add"),
            std::string::npos)
      << status.error().message;
  std::filesystem::create_directory(data() / "store");
  EXPECT_FALSE(is_client_folder(data())) << "a node was here";
}

TEST_F(PkiTest, AFolderThatNoNodeHasSeenLacksNothingYet) {
  std::filesystem::remove_all(data() / "tls");
  EXPECT_FALSE(has_identity(data()));
  const auto issued =
      issue_client(data(), {"anna", "studio", Role::user}, kNow);
  ASSERT_FALSE(issued);
  EXPECT_EQ(issued.error().code, Errc::not_found);
  EXPECT_NE(issued.error().message.find("the first start of troupe node"),
            std::string::npos)
      << issued.error().message;
}

TEST_F(PkiTest, ABrokenCertificateIsNamed) {
  overwrite(data() / "tls/node.pem", "-----BEGIN CERTIFICATE-----\nxx\n");
  expect_refused(Errc::corrupt, "node.pem: the certificate is not valid PEM");
}

TEST_F(PkiTest, ABrokenKeyIsNamed) {
  overwrite(data() / "tls/node.key", "nonsense");
  expect_refused(Errc::corrupt, "the key is not valid PEM");
}

TEST_F(PkiTest, AnEmptyAuthorityIsNamed) {
  overwrite(data() / "tls/authority.pem", "");
  expect_refused(Errc::corrupt, "authority.pem");
}

TEST_F(PkiTest, TheKeyOfAnotherCertificateIsRefused) {
  std::filesystem::copy_file(data() / "tls/admin.key", data() / "tls/node.key",
                             std::filesystem::copy_options::overwrite_existing);
  expect_refused(Errc::corrupt, "does not belong");
}

TEST_F(PkiTest, AKeyThatOthersMayReadIsRefused) {
  for (const std::string name : {"node.key", "authority.key", "admin.key"}) {
    const auto key = data() / "tls" / name;
    ASSERT_EQ(::chmod(key.c_str(), 0640), 0);
    expect_refused(Errc::denied, name);
    expect_refused(Errc::denied, "its mode is 0640");
    expect_refused(Errc::denied, "chmod 600 '" + key.string() + "'");
    ASSERT_EQ(::chmod(key.c_str(), 0600), 0);
  }
  EXPECT_TRUE(node_at(kNow));
}

TEST_F(PkiTest, AFolderOfKeysThatOthersMayEnterIsRefused) {
  const auto folder = data() / "tls";
  ASSERT_EQ(::chmod(folder.c_str(), 0755), 0);
  expect_refused(Errc::denied, "chmod 700 '" + folder.string() + "'");
  expect_refused(Errc::denied, "its mode is 0755");
}

TEST_F(PkiTest, AClientsKeyThatOthersMayReadIsRefusedByTheClient) {
  const auto files = admin_files(data());
  ASSERT_EQ(::chmod(files.key.c_str(), 0604), 0);
  const auto status = check_files(files, Purpose::client, kNow);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::denied);
  EXPECT_NE(status.error().message.find("its mode is 0604"), std::string::npos);
}

TEST_F(PkiTest, ABrokenRegistryOfClientsIsNamed) {
  overwrite(data() / "tls/clients.json", "{\"clients\": [");
  expect_refused(Errc::corrupt, "clients.json");
}

TEST_F(PkiTest, AnExpiredCertificateIsRefused) {
  EXPECT_TRUE(node_at(kNow + 4 * kYearMs));
  const auto status = node_at(kNow + 6 * kYearMs);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::denied);
  EXPECT_NE(status.error().message.find("expired"), std::string::npos);
}

TEST_F(PkiTest, ACertificateFromTheFutureIsRefused) {
  const auto status = node_at(kNow - kYearMs);
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("not valid yet"), std::string::npos);
  EXPECT_EQ(status.error().message.find("rm -r"), std::string::npos)
      << "the clock is to be mended, nothing else";
}

TEST_F(PkiTest, ACertificateOfAnotherAuthorityIsRefused) {
  const auto other = data() / "other";
  ASSERT_TRUE(ensure_identity(other, "stranger", kNow));
  for (const auto* name : {"node.pem", "node.key"})
    std::filesystem::copy_file(
        other / "tls" / name, data() / "tls" / name,
        std::filesystem::copy_options::overwrite_existing);
  expect_refused(Errc::denied, "not signed by the authority");
}

TEST_F(PkiTest, AClientsCertificateCannotServeAsANodes) {
  for (const auto* kind : {"pem", "key"})
    std::filesystem::copy_file(
        data() / "tls" / (std::string("admin.") + kind),
        data() / "tls" / (std::string("node.") + kind),
        std::filesystem::copy_options::overwrite_existing);
  expect_refused(Errc::denied, "may not serve as a node's");
}

TEST_F(PkiTest, ALeafCannotSignOthers) {
  const auto pem = platform::read_file(data() / "tls/admin.pem");
  const auto key = platform::read_file(data() / "tls/admin.key");
  ASSERT_TRUE(pem && key);
  const auto forged = issue({*pem, *key}, "node forged", Purpose::node,
                            {kNow - 1000, kNow + kYearMs});
  ASSERT_TRUE(forged);
  const auto authority = platform::read_file(data() / "tls/authority.pem");
  EXPECT_FALSE(check(*forged, *authority, Purpose::node, kNow));
}

TEST_F(PkiTest, AnIssuedClientIsKnownByItsCertificate) {
  const auto issued =
      issue_client(data(), {"anna", "studio", Role::user}, kNow);
  ASSERT_TRUE(issued) << issued.error().message;
  EXPECT_TRUE(check_files(issued->files, Purpose::client, kNow));
  EXPECT_EQ(mode(issued->files.key), 0600u);
  ClientRegistry registry{clients_file(data())};
  const auto found = registry.find(issued->fingerprint);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->name, "anna");
  EXPECT_EQ(found->tenant, "studio");
  EXPECT_EQ(found->role, Role::user);
}

TEST_F(PkiTest, ARemovedClientIsNobodyAtOnce) {
  const auto issued =
      issue_client(data(), {"anna", "studio", Role::user}, kNow);
  ASSERT_TRUE(issued);
  ClientRegistry registry{clients_file(data())};
  ASSERT_TRUE(registry.find(issued->fingerprint));
  ASSERT_TRUE(remove_client(clients_file(data()), issued->fingerprint));
  const auto found = registry.find(issued->fingerprint);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, Errc::denied);
}

TEST_F(PkiTest, ARemovedNameIsFreeAgainButItsOldCertificateIsNot) {
  const auto first = issue_client(data(), {"anna", "studio", Role::user}, kNow);
  ASSERT_TRUE(first);
  const auto removed = revoke_client(data(), "anna");
  ASSERT_TRUE(removed);
  ASSERT_EQ(removed->size(), 1u);
  EXPECT_FALSE(std::filesystem::exists(first->files.certificate));
  EXPECT_FALSE(std::filesystem::exists(first->files.key));
  const auto again =
      issue_client(data(), {"anna", "studio", Role::admin}, kNow);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(check_files(again->files, Purpose::client, kNow));
  ClientRegistry registry{clients_file(data())};
  EXPECT_TRUE(registry.find(again->fingerprint));
  const auto old = registry.find(first->fingerprint);
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error().code, Errc::denied);
}

TEST_F(PkiTest, RemovingByAnOldFingerprintLeavesTheNewFilesAlone) {
  const auto first = issue_client(data(), {"anna", "studio", Role::user}, kNow);
  ASSERT_TRUE(first);
  ASSERT_TRUE(revoke_client(data(), "anna"));
  const auto again = issue_client(data(), {"anna", "studio", Role::user}, kNow);
  ASSERT_TRUE(again);
  // As a registry restored from a backup would have it.
  ASSERT_TRUE(add_client(clients_file(data()),
                         {first->fingerprint, {"anna", "studio"}, kNow}));
  const auto removed = revoke_client(data(), first->fingerprint);
  ASSERT_TRUE(removed);
  EXPECT_EQ(removed->size(), 1u);
  EXPECT_TRUE(check_files(again->files, Purpose::client, kNow));
}

TEST_F(PkiTest, NamesThatAreNoFileNamesAreRefusedTogether) {
  const auto issued = issue_client(data(), {"../anna", "", Role::user}, kNow);
  ASSERT_FALSE(issued);
  EXPECT_EQ(issued.error().code, Errc::invalid_argument);
  EXPECT_EQ(issued.error().faults.size(), 2u);
  EXPECT_NE(issued.error().message.find("'../anna' must be 1 to 48 letters"),
            std::string::npos)
      << issued.error().message;
}

TEST_F(PkiTest, ASecondClientOfTheSameNameIsRefused) {
  ASSERT_TRUE(issue_client(data(), {"anna", "studio", Role::user}, kNow));
  const auto again =
      issue_client(data(), {"anna", "studio", Role::admin}, kNow);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::already_exists);
}

}  // namespace
}  // namespace troupe::cluster
