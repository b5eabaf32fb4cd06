// A gateway that cannot do its work does not pretend to: it ends, and says why.
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/onhookd_process.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Ne;

constexpr absl::Duration kPatience = absl::Seconds(60);

class StartTest : public testing::Test {
 protected:
  OnhookdProcess::Options In(const std::string& folder) const {
    OnhookdProcess::Options options;
    options.store_directory = absl::StrCat(directory_.path(), "/", folder);
    return options;
  }

  // Expects that the gateway gives up, with an exit code that says so; returns what it wrote.
  static std::string LogOfFailedStart(const OnhookdProcess::Options& options) {
    OnhookdProcess gateway(options);
    const std::optional<ProcessEnd> end = gateway.Wait(kPatience);
    EXPECT_TRUE(end.has_value()) << "still running:\n" << gateway.log();
    if (end.has_value()) {
      EXPECT_EQ(end->signal, 0) << gateway.log();
      EXPECT_THAT(end->exit_code, Ne(0)) << gateway.log();
      EXPECT_THAT(end->exit_code, Ne(127)) << "the program cannot be run: " << gateway.log();
    }
    return gateway.log();
  }

  TemporaryDirectory directory_;
};

TEST_F(StartTest, ASecondGatewayOnTheSameDirectoryEndsAndTheFirstGoesOn) {
  OnhookdProcess first(In("store"));
  ASSERT_TRUE(first.WaitUntilListening(kPatience)) << first.log();
  EXPECT_THAT(LogOfFailedStart(In("store")),
              AllOf(HasSubstr(In("store").store_directory), HasSubstr("another process")));
  EXPECT_FALSE(first.Wait(absl::ZeroDuration()).has_value()) << first.log();
}

TEST_F(StartTest, MoreConnectionsThanDescriptorsAreToldOfAtTheStart) {
  OnhookdProcess::Options options = In("store");
  options.more_arguments = {"--grpc-max-connections=32768"};
  OnhookdProcess gateway(options);
  ASSERT_TRUE(gateway.WaitUntilListening(kPatience)) << gateway.log();
  gateway.Terminate();
  EXPECT_TRUE(gateway.Wait(kPatience).has_value());
  EXPECT_THAT(gateway.log(), HasSubstr("there may be fewer descriptors than the connections"));
}

TEST_F(StartTest, ADirectoryIsFreeAgainOnceItsGatewayWasKilled) {
  OnhookdProcess first(In("store"));
  ASSERT_TRUE(first.WaitUntilListening(kPatience)) << first.log();
  first.Kill();
  OnhookdProcess second(In("store"));
  EXPECT_TRUE(second.WaitUntilListening(kPatience)) << second.log();
}

TEST_F(StartTest, ATakenPortIsNamedWithTheSettingThatAsksForIt) {
  OnhookdProcess first(In("first"));
  ASSERT_TRUE(first.WaitUntilListening(kPatience)) << first.log();
  const std::pair<const char*, std::string OnhookdProcess::Options::*> settings[] = {
      {"http.listen", &OnhookdProcess::Options::http_listen},
      {"grpc.listen", &OnhookdProcess::Options::grpc_listen},
      {"admin.listen", &OnhookdProcess::Options::admin_listen},
  };
  for (const auto& [name, member] : settings) {
    SCOPED_TRACE(name);
    OnhookdProcess::Options options = In("second");
    options.*member = absl::StrCat("127.0.0.1:", first.http_port());
    EXPECT_THAT(LogOfFailedStart(options),
                AllOf(HasSubstr(name), HasSubstr(absl::StrCat(first.http_port()))));
  }
}

TEST_F(StartTest, AFullDiskIsSaid) {
  OnhookdProcess::Options options = In("full");
  ASSERT_EQ(mkdir(options.store_directory.c_str(), 0700), 0);
  // A file system too small for an empty store, of which the program alone knows.
  options.prepare = [&directory = options.store_directory] {
    const int spaces = geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS;
    return unshare(spaces) == 0 &&
           mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           mount("tmpfs", directory.c_str(), "tmpfs", 0, "size=48k") == 0;
  };
  EXPECT_THAT(LogOfFailedStart(options), AllOf(HasSubstr("store.directory"), HasSubstr("full")));
}

TEST_F(StartTest, ADirectoryThatIsAFileIsSaid) {
  const OnhookdProcess::Options options = In("file");
  std::ofstream(options.store_directory) << "not a directory";
  EXPECT_THAT(LogOfFailedStart(options), HasSubstr(options.store_directory));
}

}  // namespace
}  // namespace onhook
