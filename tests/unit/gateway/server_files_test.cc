#include "gateway/server_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gateway/outside_faults.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using Strings = std::vector<std::string>;

constexpr char kCredentials[] =
    "-----BEGIN NATS USER JWT-----\na.b.c\n------END NATS USER JWT------\n"
    "-----BEGIN USER NKEY SEED-----\nSUCANARY\n------END USER NKEY SEED------\n";

class ServerFilesTest : public ::testing::Test {
 protected:
  ServerFilesTest() { settings_.store.engine = Settings::Store::Engine::kJetStream; }

  std::string In(const std::string& name) const {
    return absl::StrCat(directory_.path(), "/", name);
  }
  std::string File(const std::string& name, const std::string& content) const {
    directory_.Write(name, content);
    return In(name);
  }
  static Strings TextsOf(const std::vector<SettingFault>& faults) {
    Strings texts;
    for (const SettingFault& fault : faults) {
      texts.push_back(fault.setting + ": " + fault.description);
    }
    return texts;
  }
  Strings Faults() const {
    return TextsOf(FindFaultsOfServers(settings_.store.jetstream, absl::Now()));
  }

  const TemporaryDirectory directory_;
  Settings settings_;
};

TEST_F(ServerFilesTest, WithoutFilesNothingIsWrong) { EXPECT_THAT(Faults(), IsEmpty()); }

TEST_F(ServerFilesTest, CredentialsAreWhatNscWrites) {
  settings_.store.jetstream.credentials_file = File("good", kCredentials);
  EXPECT_THAT(Faults(), IsEmpty());
  settings_.store.jetstream.credentials_file = File("bad", "SUCANARY");
  EXPECT_THAT(Faults(),
              ElementsAre(AllOf(StartsWith("store.jetstream.credentials_file: " + In("bad")),
                                HasSubstr("holds no NATS USER JWT"), Not(HasSubstr("CANARY")))));
  settings_.store.jetstream.credentials_file = In("absent");
  EXPECT_THAT(Faults(), ElementsAre(HasSubstr("No such file or directory")));
}

TEST_F(ServerFilesTest, APasswordIsInItsFileWhateverItsLength) {
  settings_.store.jetstream.password_file = File("short", "p\n");
  EXPECT_THAT(Faults(), IsEmpty());
  settings_.store.jetstream.password_file = File("empty", "");
  EXPECT_THAT(Faults(), ElementsAre(StartsWith("store.jetstream.password_file: ")));
}

TEST_F(ServerFilesTest, FilesOfTlsAreNamedByTheirSettings) {
  settings_.store.jetstream.tls = {In("a"), In("b"), In("c")};
  EXPECT_THAT(Faults(), ElementsAre(StartsWith("store.jetstream.tls.ca_file: "),
                                    StartsWith("store.jetstream.tls.certificate_file: "),
                                    StartsWith("store.jetstream.tls.key_file: ")));
}

TEST_F(ServerFilesTest, OnlyWhatTheEngineUsesIsLookedAt) {
  directory_.Write("file", "");
  settings_.store.directory = In("file");
  settings_.store.jetstream.password_file = In("absent");
  EXPECT_THAT(TextsOf(FindOutsideFaults(settings_).faults),
              ElementsAre(StartsWith("store.jetstream.password_file: ")));
  settings_.store.spool.directory = In("file");
  EXPECT_THAT(TextsOf(FindOutsideFaults(settings_).faults),
              Contains(StartsWith("store.spool.directory: " + In("file"))));
  settings_.store.engine = Settings::Store::Engine::kSqlite;
  EXPECT_THAT(TextsOf(FindOutsideFaults(settings_).faults),
              ElementsAre(StartsWith("store.directory: ")));
}

}  // namespace
}  // namespace onhook
