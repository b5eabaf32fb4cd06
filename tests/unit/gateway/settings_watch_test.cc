#include "gateway/settings_watch.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

// A watch whose looks a test takes.
class SettingsWatchTest : public ::testing::Test {
 protected:
  SettingsWatchTest() { Write("log: {level: info}"); }

  void Write(const std::string& text) { directory_.Write("onhook.yaml", text); }
  std::string PathOf(const std::string& name) const {
    return absl::StrCat(directory_.path(), "/", name);
  }
  // The changes that so many looks find.
  int Look(int looks) {
    const int before = changes_;
    for (int i = 0; i < looks; ++i) watch_.Look();
    return changes_ - before;
  }

  TemporaryDirectory directory_;
  absl::StatusOr<Invocation> read_ = Invocation();
  int changes_ = 0;
  const std::string path_ = directory_.Write("onhook.yaml", "log: {level: info}");
  SettingsWatch watch_{path_, [this] { return read_; }, [this] { ++changes_; },
                       absl::InfiniteDuration()};
};

TEST_F(SettingsWatchTest, AFileThatStaysIsNoChange) { EXPECT_EQ(Look(30), 0); }

TEST_F(SettingsWatchTest, AnotherContentIsAChangeOnceItIsTheSameInTwoLooks) {
  Write("log: {level: ");
  EXPECT_EQ(Look(1), 0);
  Write("log: {level: debug}");
  EXPECT_EQ(Look(1), 0);
  EXPECT_EQ(Look(1), 1);
  EXPECT_EQ(Look(30), 0);
}

TEST_F(SettingsWatchTest, AContentThatIsBackBeforeItWasSeenTwiceIsNoChange) {
  Write("");
  EXPECT_EQ(Look(1), 0);
  Write("log: {level: info}");
  EXPECT_EQ(Look(3), 0);
}

TEST_F(SettingsWatchTest, ALinkThatIsSwappedIsAChangeThoughNoFileChanged) {
  ASSERT_EQ(symlink(directory_.Write("old", "a").c_str(), PathOf("link").c_str()), 0);
  SettingsWatch watch(
      PathOf("link"), [this] { return read_; }, [this] { ++changes_; }, absl::InfiniteDuration());
  ASSERT_EQ(symlink(directory_.Write("new", "b").c_str(), PathOf("next").c_str()), 0);
  ASSERT_EQ(rename(PathOf("next").c_str(), PathOf("link").c_str()), 0);
  watch.Look();
  watch.Look();
  EXPECT_EQ(changes_, 1);
}

TEST_F(SettingsWatchTest, AFileThatIsGoneIsAChangeToo) {
  ASSERT_EQ(unlink(path_.c_str()), 0);
  EXPECT_EQ(Look(2), 1);
  EXPECT_EQ(Look(5), 0);
  Write("log: {level: info}");
  EXPECT_EQ(Look(2), 1);
}

// Whoever reads is the thread that hears of signals, and nobody may ever come to the other end.
TEST_F(SettingsWatchTest, APipeIsNotOpened) {
  ASSERT_EQ(mkfifo(PathOf("pipe").c_str(), 0600), 0);
  int readings = 0;
  SettingsWatch watch(
      PathOf("pipe"),
      [&] {
        ++readings;
        return read_;
      },
      [] {}, absl::InfiniteDuration());
  EXPECT_EQ(watch.Read().status(),
            absl::InvalidArgumentError(
                absl::StrCat(PathOf("pipe"), ": cannot be read again: it is no regular file")));
  for (int i = 0; i < 30; ++i) watch.Look();
  EXPECT_EQ(readings, 0);
}

TEST_F(SettingsWatchTest, WhatWasReadIsNoChangeAnyMore) {
  Write("log: {level: debug}");
  EXPECT_TRUE(watch_.Read().ok());
  EXPECT_EQ(Look(30), 0);
}

TEST_F(SettingsWatchTest, SettingsThatWereNoGoodAreToBeReadOnceThereIsSomethingElseToSayOfThem) {
  read_ = absl::InvalidArgumentError("sources[0].path_token_file: is absent");
  EXPECT_FALSE(watch_.Read().ok());
  EXPECT_EQ(Look(30), 0);
  read_ = absl::InvalidArgumentError("sources[0].path_token_file: is too short");
  EXPECT_EQ(Look(10), 1);
  EXPECT_FALSE(watch_.Read().ok());
  EXPECT_EQ(Look(30), 0);
  read_ = Invocation();
  EXPECT_EQ(Look(10), 1);
  EXPECT_TRUE(watch_.Read().ok());
  EXPECT_EQ(Look(30), 0);
}

TEST_F(SettingsWatchTest, WithoutAFileThereIsNothingToLookAt) {
  SettingsWatch watch(
      "", [this] { return read_; }, [this] { ++changes_; }, absl::InfiniteDuration());
  EXPECT_TRUE(watch.Read().ok());
  watch.Look();
  watch.Look();
  EXPECT_EQ(changes_, 0);
}

TEST_F(SettingsWatchTest, ItLooksByItself) {
  absl::Notification changed;
  SettingsWatch watch(
      path_, [this] { return read_; }, [&] { changed.Notify(); }, absl::Milliseconds(1));
  Write("log: {level: debug}");
  changed.WaitForNotification();
}

}  // namespace
}  // namespace onhook
