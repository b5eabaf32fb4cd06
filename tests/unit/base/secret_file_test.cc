#include "gateway/base/secret_file.h"

#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "gateway/base/log.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

absl::Status RefuseBad(absl::string_view secret) {
  if (absl::StrContains(secret, "bad")) return absl::InvalidArgumentError("must be good");
  return absl::OkStatus();
}

class SecretFileTest : public ::testing::Test {
 protected:
  std::string PathOf(absl::string_view name) const {
    return absl::StrCat(directory_.path(), "/", name);
  }
  // In place: whoever has the file open sees it.
  void Write(absl::string_view name, absl::string_view content) {
    std::ofstream(PathOf(name), std::ios::binary) << content;
  }
  void ReplaceBy(absl::string_view name, absl::string_view content) {
    Write("fresh", content);
    fs::rename(PathOf("fresh"), PathOf(name));
  }

  absl::StatusOr<std::unique_ptr<SecretFile>> Open(absl::string_view name) {
    return SecretFile::Open(PathOf(name), RefuseBad, &clock_, &log_);
  }
  // Opens the file "key", which has to be good.
  std::unique_ptr<SecretFile> OpenKey(absl::string_view content) {
    Write("key", content);
    absl::StatusOr<std::unique_ptr<SecretFile>> file = Open("key");
    EXPECT_TRUE(file.ok()) << file.status();
    return file.ok() ? *std::move(file) : nullptr;
  }
  static std::string Newest(const SecretFile& file) { return *file.Get().front(); }
  static std::vector<std::string> Live(const SecretFile& file) {
    std::vector<std::string> live;
    for (const auto& secret : file.Get()) live.push_back(*secret);
    return live;
  }
  // What the file gives when the time to look has come.
  std::string Look(const SecretFile& file) {
    clock_.Advance(absl::Seconds(1));
    return Newest(file);
  }
  std::string RefusalOf(absl::string_view name) {
    const absl::Status status = Open(name).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    return std::string(status.message());
  }
  std::string RefusalOf(absl::string_view name, absl::string_view content) {
    Write(name, content);
    return RefusalOf(name);
  }

  TemporaryDirectory directory_;
  ManualClock clock_;
  absl::Mutex mutex_;
  std::vector<std::string> lines_;
  Log log_{&clock_, LogLevel::kDebug, Log::Format::kText, [this](absl::string_view line) {
             absl::MutexLock lock(&mutex_);
             lines_.emplace_back(line);
           }};
};

TEST_F(SecretFileTest, TheSecretIsTheContentWithoutOneLineEnd) {
  struct {
    absl::string_view content;
    absl::string_view secret;
  } const rows[] = {
      {"secret", "secret"},
      {"secret\n", "secret"},
      {"secret\r\n", "secret"},
      {"secret\n\n", "secret\n"},
      {"secret\r", "secret\r"},
      {" secret \n", " secret "},
      {"two\nlines\n", "two\nlines"},
      {absl::string_view("a\0b\n", 4), absl::string_view("a\0b", 3)},
      {"\xE9\x92\xA5", "\xE9\x92\xA5"},
  };
  for (const auto& row : rows) EXPECT_EQ(Newest(*OpenKey(row.content)), row.secret);
}

TEST_F(SecretFileTest, AFileThatIsNoSecretIsNotOpened) {
  EXPECT_EQ(RefusalOf("absent"), absl::StrCat("the secret in ", PathOf("absent"),
                                              " cannot be read: No such file or directory"));
  EXPECT_THAT(RefusalOf("key", ""), HasSubstr("key is empty"));
  EXPECT_THAT(RefusalOf("key", "\n"), HasSubstr("key is empty"));
  EXPECT_THAT(RefusalOf("key", "\r\n"), HasSubstr("key is empty"));
  EXPECT_THAT(RefusalOf("key", std::string(4097, 'x')), HasSubstr("is larger than 4096 bytes"));
  EXPECT_THAT(RefusalOf("key", std::string(1 << 20, 'x')), HasSubstr("is larger than 4096 bytes"));
  EXPECT_THAT(RefusalOf("key", "a bad one"),
              AllOf(HasSubstr("must be good"), Not(HasSubstr("a b"))));
  EXPECT_EQ(Newest(*OpenKey(std::string(4096, 'x'))).size(), 4096u);
}

TEST_F(SecretFileTest, WhatIsNoRegularFileIsNotReadAndBlocksNobody) {
  ASSERT_EQ(mkfifo(PathOf("pipe").c_str(), 0600), 0);
  EXPECT_THAT(RefusalOf("pipe"), HasSubstr("it is no regular file"));
  EXPECT_THAT(RefusalOf("."), HasSubstr("it is no regular file"));
  fs::create_symlink("/dev/zero", PathOf("zeros"));
  EXPECT_THAT(RefusalOf("zeros"), HasSubstr("it is no regular file"));
  fs::create_symlink("loop", PathOf("loop"));
  EXPECT_THAT(RefusalOf("loop"), HasSubstr("cannot be read: Too many levels"));
}

TEST_F(SecretFileTest, AChangeIsNoticedHoweverItIsMade) {
  const auto file = OpenKey("first");
  Write("key", "second");
  EXPECT_EQ(Look(*file), "second") << "written in place";
  ReplaceBy("key", "third");
  EXPECT_EQ(Look(*file), "third") << "replaced";
  fs::remove(PathOf("key"));
  EXPECT_EQ(Look(*file), "third") << "removed";
  Write("key", "fourth");
  EXPECT_EQ(Look(*file), "fourth") << "made again";
  Write("target", "fifth");
  fs::remove(PathOf("key"));
  fs::create_symlink("target", PathOf("key"));
  EXPECT_EQ(Look(*file), "fifth") << "made a link";
}

// As Kubernetes does it: key -> ..data/key, ..data -> a directory for each version.
TEST_F(SecretFileTest, ASwappedLinkOfAMountedSecretIsNoticed) {
  for (const char* version : {"..1", "..2"}) {
    fs::create_directory(PathOf(version));
    Write(absl::StrCat(version, "/key"), absl::StrCat("of ", version));
  }
  fs::create_symlink("..1", PathOf("..data"));
  fs::create_symlink("..data/key", PathOf("key"));
  const auto file = Open("key").value();
  EXPECT_EQ(Newest(*file), "of ..1");
  fs::create_symlink("..2", PathOf("..data_tmp"));
  fs::rename(PathOf("..data_tmp"), PathOf("..data"));
  fs::remove_all(PathOf("..1"));
  EXPECT_EQ(Look(*file), "of ..2");
}

TEST_F(SecretFileTest, AChangeThatLeavesSizeAndTimesAsTheyWereIsNoticed) {
  const auto file = OpenKey("first");
  const auto written = fs::last_write_time(PathOf("key"));
  Write("key", "other");
  fs::last_write_time(PathOf("key"), written);
  EXPECT_EQ(Look(*file), "other");
}

TEST_F(SecretFileTest, TheFileIsLookedAtOnceASecondAtMost) {
  const auto file = OpenKey("first");
  Write("key", "second");
  clock_.Advance(absl::Milliseconds(999));
  EXPECT_EQ(Newest(*file), "first");
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(Newest(*file), "second");
  Write("key", "third");
  clock_.Advance(absl::Milliseconds(999));
  EXPECT_EQ(Newest(*file), "second");
  EXPECT_EQ(Look(*file), "third");
}

TEST_F(SecretFileTest, WhatIsNoGoodLeavesTheOldOneInUse) {
  const auto file = OpenKey("first");
  for (const std::string& content : {std::string(), std::string("bad"), std::string(5000, 'x')}) {
    Write("key", content);
    EXPECT_EQ(Look(*file), "first") << content.size();
  }
  fs::remove(PathOf("key"));
  ASSERT_EQ(mkfifo(PathOf("key").c_str(), 0600), 0);
  EXPECT_EQ(Look(*file), "first") << "a pipe";
  fs::remove(PathOf("key"));
  Write("key", "second");
  EXPECT_EQ(Look(*file), "second");
}

TEST_F(SecretFileTest, ASecretInUseOutlivesItsChange) {
  const auto file = OpenKey("first");
  const SecretFile::Live live = file->Get();
  Write("key", "second");
  EXPECT_EQ(Look(*file), "second");
  clock_.Advance(absl::Hours(1));
  EXPECT_THAT(Live(*file), ElementsAre("second"));
  EXPECT_EQ(*live.front(), "first");
}

TEST_F(SecretFileTest, WhatWasReplacedIsLiveForTwoSecondsMore) {
  const auto file = OpenKey("first");
  EXPECT_THAT(Live(*file), ElementsAre("first"));
  Write("key", "second");
  ASSERT_EQ(Look(*file), "second");
  EXPECT_THAT(Live(*file), ElementsAre("second", "first"));
  clock_.Advance(absl::Milliseconds(1999));
  EXPECT_THAT(Live(*file), ElementsAre("second", "first"));
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(Live(*file), ElementsAre("second"));
}

TEST_F(SecretFileTest, SeveralThatWereReplacedAreLiveEachForItsTime) {
  const auto file = OpenKey("first");
  for (const char* next : {"second", "third", "fourth"}) {
    Write("key", next);
    ASSERT_EQ(Look(*file), next);
  }
  EXPECT_THAT(Live(*file), ElementsAre("fourth", "third", "second"));
  Look(*file);
  EXPECT_THAT(Live(*file), ElementsAre("fourth", "third"));
  Look(*file);
  EXPECT_THAT(Live(*file), ElementsAre("fourth"));
}

TEST_F(SecretFileTest, WhatWasReplacedStaysNoLongerBecauseANewContentIsNoGood) {
  const auto file = OpenKey("first");
  Write("key", "second");
  ASSERT_EQ(Look(*file), "second");
  Write("key", "bad");
  Look(*file);
  EXPECT_THAT(Live(*file), ElementsAre("second", "first"));
  Look(*file);
  EXPECT_THAT(Live(*file), ElementsAre("second"));
}

// Or else one that was revoked in the night would be good for the first to come in the morning.
TEST_F(SecretFileTest, WhatWasReplacedWhileNobodyAskedIsDeadAtOnce) {
  const auto file = OpenKey("first");
  Write("key", "second");
  clock_.Advance(absl::Milliseconds(1999));
  EXPECT_THAT(Live(*file), ElementsAre("second", "first"));
  Write("key", "third");
  clock_.Advance(absl::Milliseconds(2000));
  EXPECT_THAT(Live(*file), ElementsAre("third"));
}

// The first look that finds "second" is over when the test says so.
class SlowLook {
 public:
  SecretFile::Check Check() {
    return [this](absl::string_view secret) {
      if (secret == "second" && !began_.HasBeenNotified()) {
        began_.Notify();
        end_.WaitForNotification();
      }
      return absl::OkStatus();
    };
  }
  // Starts it, and returns when it has begun.
  void Begin(const SecretFile& file) {
    looker_ = std::thread([&file] { file.Get(); });
    began_.WaitForNotification();
  }
  void End() {
    end_.Notify();
    looker_.join();
  }

 private:
  absl::Notification began_;
  absl::Notification end_;
  std::thread looker_;
};

TEST_F(SecretFileTest, NobodyWaitsForALookThatAnotherIsAt) {
  SlowLook look;
  Write("key", "first");
  const auto file = SecretFile::Open(PathOf("key"), look.Check(), &clock_, &log_).value();
  Write("key", "second");
  clock_.Advance(absl::Seconds(1));
  look.Begin(*file);
  EXPECT_THAT(Live(*file), ElementsAre("first"));
  clock_.Advance(absl::Hours(1));
  EXPECT_THAT(Live(*file), ElementsAre("first")) << "which hangs";
  look.End();
  EXPECT_THAT(Live(*file), ElementsAre("second", "first"));
}

// For what is known may have been revoked long ago.
TEST_F(SecretFileTest, AfterAPauseEverybodyWaitsForTheFirstLook) {
  SlowLook look;
  Write("key", "first");
  const auto file = SecretFile::Open(PathOf("key"), look.Check(), &clock_, &log_).value();
  Write("key", "second");
  clock_.Advance(absl::Seconds(2));
  look.Begin(*file);
  std::vector<std::string> seen;
  absl::Notification asks;
  std::thread other([&] {
    asks.Notify();
    seen = Live(*file);
  });
  asks.WaitForNotification();
  look.End();
  other.join();
  EXPECT_THAT(seen, ElementsAre("second"));
}

TEST_F(SecretFileTest, EachBadContentIsLoggedOnceAndNoneIsRepeated) {
  const auto file = OpenKey("first");
  Write("key", "bad one");
  for (int i = 0; i < 3; ++i) Look(*file);
  EXPECT_THAT(lines_, ElementsAre(AllOf(HasSubstr(" warning "), HasSubstr("stays in use"),
                                        HasSubstr(PathOf("key")), HasSubstr("it must be good"),
                                        Not(HasSubstr("bad one")), Not(HasSubstr("first")))));
  Write("key", "bad two");
  for (int i = 0; i < 3; ++i) Look(*file);
  EXPECT_EQ(lines_.size(), 2u) << "another bad one";
  fs::remove(PathOf("key"));
  for (int i = 0; i < 3; ++i) Look(*file);
  EXPECT_EQ(lines_.size(), 3u);
  EXPECT_THAT(lines_.back(), HasSubstr("it cannot be read: No such file"));
}

TEST_F(SecretFileTest, AChangeIsLoggedWithoutTheSecretAndNoChangeIsNot) {
  const auto file = OpenKey("first");
  for (int i = 0; i < 3; ++i) Look(*file);
  ReplaceBy("key", "first\n");
  Look(*file);
  EXPECT_THAT(lines_, IsEmpty());
  Write("key", "second");
  for (int i = 0; i < 3; ++i) Look(*file);
  EXPECT_THAT(lines_, ElementsAre(AllOf(HasSubstr("a secret has changed"), HasSubstr(" info "),
                                        HasSubstr(PathOf("key")), Not(HasSubstr("second")))));
}

TEST_F(SecretFileTest, ThatABadContentWentAwayMakesItNewsAgain) {
  const auto file = OpenKey("first");
  for (int i = 0; i < 2; ++i) {
    Write("key", "bad");
    Look(*file);
    Write("key", "first");
    Look(*file);
  }
  EXPECT_EQ(lines_.size(), 2u);
}

TEST_F(SecretFileTest, ThreadsSeeOneSecretOrTheOtherWhileItIsReplaced) {
  const auto file = OpenKey("first");
  std::atomic<bool> done{false};
  std::atomic<int> others{0};
  std::vector<std::thread> threads;
  threads.reserve(3);
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (!done) {
        const std::string secret = Newest(*file);
        if (secret != "first" && secret != "second") ++others;
      }
    });
  }
  for (int i = 0; i < 100; ++i) {
    const std::string content = i % 2 == 0 ? "second" : "first";
    ReplaceBy("key", content);
    clock_.Advance(absl::Seconds(1));
    // Another thread may be at it just now.
    while (Newest(*file) != content) clock_.Advance(absl::Seconds(1));
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(others, 0);
}

}  // namespace
}  // namespace onhook
