#include "gateway/base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "tests/support/manual_clock.h"

namespace onhook {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class LogTest : public ::testing::Test {
 protected:
  Log MakeLog(LogLevel level, Log::Format format) {
    return Log(&clock_, level, format, [this](absl::string_view line) {
      absl::MutexLock lock(&mutex_);
      lines_.emplace_back(line);
    });
  }

  ManualClock clock_;  // stands at 2022-02-22T10:04:40Z
  absl::Mutex mutex_;
  std::vector<std::string> lines_;
};

TEST_F(LogTest, AnEntryIsOneLineOfJson) {
  clock_.Advance(absl::Milliseconds(123));
  MakeLog(LogLevel::kInfo, Log::Format::kJson)
      .Info("http", "listening", {{"address", "127.0.0.1:8080"}, {"port", 8080}});
  EXPECT_THAT(lines_,
              ElementsAre(R"({"ts":"2022-02-22T10:04:40.123Z","level":"info","component":"http",)"
                          R"("msg":"listening","address":"127.0.0.1:8080","port":8080})"));
}

TEST_F(LogTest, AnEntryIsOneLineOfText) {
  MakeLog(LogLevel::kInfo, Log::Format::kText)
      .Warning("store", "slow", {{"cause", "a disk"}, {"milliseconds", 12}});
  EXPECT_THAT(lines_, ElementsAre("2022-02-22T10:04:40.000Z warning store: slow "
                                  "cause=\"a disk\" milliseconds=12"));
}

TEST_F(LogTest, AValueCannotForgeASecondLine) {
  for (const Log::Format format : {Log::Format::kJson, Log::Format::kText}) {
    lines_.clear();
    MakeLog(LogLevel::kInfo, format)
        .Info("http", "refused", {{"header", "a\r\n{\"level\":\x1B[2J"}});
    ASSERT_EQ(lines_.size(), 1u);
    EXPECT_THAT(lines_[0], Not(HasSubstr("\n")));
    EXPECT_THAT(lines_[0], Not(HasSubstr("\x1B")));
    EXPECT_THAT(lines_[0], HasSubstr(R"("a\u000d\u000a{\"level\":\u001b[2J")"));
  }
}

TEST_F(LogTest, AStatusIsWrittenAsItsText) {
  MakeLog(LogLevel::kInfo, Log::Format::kText)
      .Error("store", "commit failed", {{"error", absl::UnavailableError("no room")}});
  EXPECT_THAT(lines_, ElementsAre(HasSubstr(R"(error="UNAVAILABLE: no room")")));
}

TEST_F(LogTest, AMessageCannotForgeASecondLineEither) {
  for (const Log::Format format : {Log::Format::kJson, Log::Format::kText}) {
    lines_.clear();
    MakeLog(LogLevel::kInfo, format)
        .Warning("config",
                 "a\r\n\x1B[2J\xC2\x9B"
                 "31m\xE2\x80\xA8z");
    EXPECT_THAT(lines_, ElementsAre(HasSubstr(R"(a\u000d\u000a\u001b[2J\u009b31m\u2028z)")));
  }
}

TEST_F(LogTest, ATextMayQuoteInItsMessage) {
  MakeLog(LogLevel::kInfo, Log::Format::kText).Warning("config", R"(not "C:\x")");
  EXPECT_THAT(lines_, ElementsAre(HasSubstr(R"(config: not "C:\x")")));
}

TEST_F(LogTest, WhatIsNotKnownIsLeftOut) {
  for (const Log::Format format : {Log::Format::kJson, Log::Format::kText}) {
    lines_.clear();
    MakeLog(LogLevel::kInfo, format).Info("test", "m", {{"traceparent", ""}, {"zero", 0}});
    EXPECT_THAT(lines_, ElementsAre(AllOf(Not(HasSubstr("traceparent")), HasSubstr("zero"))));
  }
}

TEST_F(LogTest, WhatJsonHasNoNumberForIsAText) {
  MakeLog(LogLevel::kInfo, Log::Format::kJson)
      .Info("test", "n", {{"a", std::nan("")}, {"b", std::numeric_limits<double>::infinity()}});
  EXPECT_THAT(lines_, ElementsAre(HasSubstr(R"("a":"nan","b":"inf"})")));
}

TEST_F(LogTest, NumbersAndTruthHaveNoQuotes) {
  MakeLog(LogLevel::kInfo, Log::Format::kJson)
      .Info("test", "n", {{"i", -3}, {"b", true}, {"d", 0.5}});
  EXPECT_THAT(lines_, ElementsAre(HasSubstr(R"("i":-3,"b":1,"d":0.5})")));
}

TEST_F(LogTest, AnEntryBelowTheLevelIsNotWritten) {
  MakeLog(LogLevel::kWarning, Log::Format::kText).Info("test", "unheard");
  EXPECT_THAT(lines_, IsEmpty());
}

TEST_F(LogTest, TheLevelMayChangeWhileTheGatewayRuns) {
  Log log = MakeLog(LogLevel::kError, Log::Format::kText);
  log.Debug("test", "before");
  log.set_level(LogLevel::kDebug);
  log.Debug("test", "after");
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("after")));
  EXPECT_TRUE(log.enabled(LogLevel::kDebug));
}

TEST_F(LogTest, EachLevelHasItsName) {
  Log log = MakeLog(LogLevel::kDebug, Log::Format::kText);
  log.Debug("test", "m");
  log.Info("test", "m");
  log.Warning("test", "m");
  log.Error("test", "m");
  EXPECT_THAT(lines_, ElementsAre(HasSubstr(" debug "), HasSubstr(" info "), HasSubstr(" warning "),
                                  HasSubstr(" error ")));
}

TEST_F(LogTest, LinesOfSeveralThreadsAreWhole) {
  Log log = MakeLog(LogLevel::kInfo, Log::Format::kText);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&log] {
      for (int j = 0; j < 250; ++j) log.Info("test", "line", {{"text", "0123456789"}});
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_EQ(lines_.size(), 1000u);
  for (const std::string& line : lines_) {
    ASSERT_EQ(line, "2022-02-22T10:04:40.000Z info test: line text=\"0123456789\"");
  }
}

TEST_F(LogTest, StandardErrorGetsALineAndItsEnd) {
  testing::internal::CaptureStderr();
  Log::StandardError()("one line");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "one line\n");
}

TEST(LogLevelTest, NamesAreReadAsTheyAreWritten) {
  for (const LogLevel level :
       {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError}) {
    EXPECT_EQ(ParseLogLevel(LogLevelName(level)).value(), level);
  }
}

TEST(LogLevelTest, AnythingElseIsRefusedWithTheChoice) {
  for (const absl::string_view name : {"", "INFO", "warn", "trace", "info "}) {
    const absl::Status status = ParseLogLevel(name).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_EQ(status.message(), "must be debug, info, warning or error");
  }
}

}  // namespace
}  // namespace onhook
