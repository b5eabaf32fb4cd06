#include "clients/cli/subscription_flags.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

namespace onhook::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Paths(const SubscriptionFlags& flags) {
  const google::protobuf::FieldMask mask = flags.Mask();
  return {mask.paths().begin(), mask.paths().end()};
}

class SubscriptionFlagsTest : public ::testing::Test {
 protected:
  absl::Status Create(const std::vector<std::string>& arguments) {
    Arguments declared;
    flags_.DeclareForCreation(declared);
    return declared.Parse(arguments);
  }
  absl::Status Update(const std::vector<std::string>& arguments) {
    Arguments declared;
    flags_.DeclareForUpdate(declared);
    const absl::Status status = declared.Parse(arguments);
    return status.ok() ? flags_.Check() : status;
  }
  // The specification is what `text` says.
  void ExpectSpec(const std::string& text) {
    v1::SubscriptionSpec expected;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &expected));
    EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(flags_.Spec(), expected))
        << flags_.Spec().DebugString();
  }

  SubscriptionFlags flags_;
};

TEST_F(SubscriptionFlagsTest, WithoutFlagsEverythingIsLeftToTheGateway) {
  ASSERT_TRUE(Create({}).ok());
  ExpectSpec("");
}

TEST_F(SubscriptionFlagsTest, EveryFlagSetsItsField) {
  ASSERT_TRUE(
      Create({"--start=latest", "--ack-deadline=1m", "--max-delivery-attempts=5",
              "--minimum-retry-time=0s", "--max-unacked-events=10", "--expire-after-unused=7d",
              "--backlog-limit-age=24h", "--backlog-limit-bytes=2KiB", "--source=a", "--source=b",
              "--service-no=", "--release-reason-code=0"})
          .ok());
  ExpectSpec(R"pb(
    start_position: START_POSITION_LATEST
    ack_deadline { seconds: 60 }
    max_delivery_attempts: 5
    minimum_retry_time {}
    max_unacked_events: 10
    expire_after_unused { seconds: 604800 }
    backlog_limit {
      age { seconds: 86400 }
      bytes: 2048
    }
    filter { sources: "a" sources: "b" service_nos: "" release_reason_codes: "0" })pb");
}

TEST_F(SubscriptionFlagsTest, TheMaskNamesWhatWasGivenAndNothingElse) {
  ASSERT_TRUE(Update({"--ack-deadline=1500ms", "--max-delivery-attempts=unlimited",
                      "--backlog-limit-age=1h", "--source=sales"})
                  .ok());
  EXPECT_THAT(Paths(flags_), ElementsAre("ack_deadline", "unlimited_delivery_attempts",
                                         "backlog_limit.age", "filter.sources"));
  ExpectSpec(R"pb(
    ack_deadline { seconds: 1 nanos: 500000000 }
    unlimited_delivery_attempts {}
    backlog_limit { age { seconds: 3600 } }
    filter { sources: "sales" })pb");
}

TEST_F(SubscriptionFlagsTest, WhatIsUnsetIsInTheMaskAndNotInTheSpecification) {
  ASSERT_TRUE(Update({"--unset=ack_deadline", "--unset=max-delivery-attempts"}).ok());
  EXPECT_THAT(Paths(flags_), ElementsAre("ack_deadline", "max_delivery_attempts"));
  ExpectSpec("");
}

TEST_F(SubscriptionFlagsTest, WithoutFlagsThereIsNothingToChange) {
  ASSERT_TRUE(Update({}).ok());
  EXPECT_THAT(Paths(flags_), IsEmpty());
}

TEST_F(SubscriptionFlagsTest, WrongValuesAreRefusedInWords) {
  const struct {
    std::vector<std::string> arguments;
    const char* message;
  } kCases[] = {
      {{"--max-delivery-attempts=0"},
       "--max-delivery-attempts must be a whole number from 1, or unlimited"},
      {{"--max-delivery-attempts=many"},
       "--max-delivery-attempts must be a whole number from 1, or unlimited"},
      {{"--backlog-limit-bytes=10"},
       "--backlog-limit-bytes must be a whole number from 1 with its unit, B, KiB, MiB, GiB or "
       "TiB, for instance 64KiB"},
      {{"--start=latest"}, "unknown flag '--start'"},
      {{"--unset=start_position"},
       "--unset does not know 'start_position'; --help names the fields"},
      {{"--unset=filter", "--source=a"},
       "--unset filter contradicts the value that is given for it"},
      {{"--unset=max_delivery_attempts", "--max-delivery-attempts=unlimited"},
       "--unset max_delivery_attempts contradicts the value that is given for it"},
  };
  for (const auto& c : kCases) {
    flags_ = SubscriptionFlags();
    const absl::Status status = Update(c.arguments);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message(), c.message);
  }
}

}  // namespace
}  // namespace onhook::cli
