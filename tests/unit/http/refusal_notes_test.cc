#include "gateway/http/refusal_notes.h"

#include <string>
#include <vector>

#include "gateway/http/refusal.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/manual_clock.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class RefusalNotesTest : public ::testing::Test {
 protected:
  ManualClock clock_;
  std::vector<std::string> lines_;
  Log log_{&clock_, LogLevel::kInfo, Log::Format::kText,
           [this](absl::string_view line) { lines_.emplace_back(line); }};
  Metrics metrics_;
  const std::function<void(absl::string_view)> note_ =
      NoteRefusals("http", &metrics_, &clock_, &log_);
};

TEST_F(RefusalNotesTest, EveryRefusalIsShownFromTheStart) {
  for (const Refusal& refusal : AllRefusals()) {
    EXPECT_THAT(metrics_.Text(), HasSubstr("reason=\"" + std::string(refusal.label) + "\"} 0\n"));
  }
}

TEST_F(RefusalNotesTest, EachIsCountedAndEachKindIsALineAMinute) {
  for (int i = 0; i < 3; ++i) note_("tls");
  note_("multipart");
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("onhook_http_refusals_total{listener=\"http\",reason=\"tls\"} 3\n"));
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("not TLS"), HasSubstr("multipart")));
  clock_.Advance(absl::Minutes(1));
  note_("tls");
  EXPECT_THAT(lines_, SizeIs(3));
  EXPECT_THAT(lines_.back(), HasSubstr("requests=3"));
}

TEST_F(RefusalNotesTest, WhatIsNoLabelIsNothing) {
  note_("a word of a client");
  EXPECT_THAT(lines_, SizeIs(0));
}

}  // namespace
}  // namespace onhook
