#include "gateway/event/release_event_mapper.h"

#include <initializer_list>
#include <string>
#include <utility>

#include "gateway/event/event_identity.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace onhook {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

using Words = std::initializer_list<std::pair<absl::string_view, VendorFields::Value>>;

VendorFields Fields(Words words) {
  VendorFields fields;
  for (const auto& [name, value] : words) EXPECT_TRUE(fields.Add(name, value)) << name;
  return fields;
}

// A valid callback with these words besides.
VendorFields CallWith(Words words) {
  VendorFields fields = Fields({{"callSerialNo", "42"}, {"called", "88880067"}});
  for (const auto& [name, value] : words) EXPECT_TRUE(fields.Add(name, value)) << name;
  return fields;
}

v1::ReleaseEvent Map(const VendorFields& fields, const MappingOptions& options = {}) {
  v1::ReleaseEvent event;
  const absl::StatusOr<std::string> digest = MapReleaseEvent(fields, options, event);
  EXPECT_TRUE(digest.ok()) << digest.status();
  return event;
}

absl::Status Refusal(Words words) {
  v1::ReleaseEvent event;
  const absl::Status status = MapReleaseEvent(Fields(words), {}, event).status();
  EXPECT_EQ(event.ByteSizeLong(), 0u) << "nothing is left behind";
  return status;
}

TEST(ReleaseEventMapperTest, TheGatewaysOwnKnowledgeIsInTheEvent) {
  MappingOptions options;
  options.source = "sales";
  options.authentication = v1::AUTHENTICATION_SIGNATURE;
  ASSERT_TRUE(absl::LoadTimeZone("Asia/Shanghai", &options.time_zone));
  options.time_zone_name = "Asia/Shanghai";
  options.received_at = absl::FromUnixNanos(1645524276'123456'789);
  options.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

  const v1::ReleaseEvent event = Map(CallWith({}), options);

  EXPECT_EQ(event.source(), "sales");
  EXPECT_EQ(event.authentication(), v1::AUTHENTICATION_SIGNATURE);
  EXPECT_EQ(event.time_zone(), "Asia/Shanghai");
  EXPECT_EQ(event.received_at().seconds(), 1645524276);
  EXPECT_EQ(event.received_at().nanos(), 123456000) << "microseconds are kept";
  EXPECT_EQ(event.traceparent(), options.traceparent);
}

TEST(ReleaseEventMapperTest, ALaterVersionOfTheTraceparentIsHandedOnAsVersionZero) {
  MappingOptions options;
  options.traceparent = "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more";
  EXPECT_EQ(Map(CallWith({}), options).traceparent(),
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
}

TEST(ReleaseEventMapperTest, AnInvalidTraceparentIsLeftOut) {
  MappingOptions options;
  options.traceparent = "00-0-0-0";
  EXPECT_FALSE(Map(CallWith({}), options).has_traceparent());
}

TEST(ReleaseEventMapperTest, IdAndDigestAreThoseOfTheIdentity) {
  MappingOptions options;
  options.source = "sales";
  const VendorFields fields = CallWith({{"callData", "x"}});
  v1::ReleaseEvent event;
  const absl::StatusOr<std::string> digest = MapReleaseEvent(fields, options, event);
  ASSERT_TRUE(digest.ok());
  EXPECT_EQ(*digest, EventDigest("sales", fields));
  EXPECT_EQ(event.event_id(), EventId(*digest, "42"));
}

TEST(ReleaseEventMapperTest, NullIsUnsetAndEmptyIsSet) {
  const v1::ReleaseEvent event = Map(CallWith({{"serviceNo", ""}, {"callData", absl::nullopt}}));
  EXPECT_TRUE(event.has_service_no());
  EXPECT_EQ(event.service_no(), "");
  EXPECT_FALSE(event.has_call_data());
  EXPECT_FALSE(event.has_caller());
  EXPECT_TRUE(event.extra().empty());
}

TEST(ReleaseEventMapperTest, AMandatoryFieldThatIsNotThereIsNamed) {
  struct Row {
    absl::Status status;
    const char* message;
  };
  const Row rows[] = {
      {Refusal({}), "mandatory field callSerialNo is missing"},
      {Refusal({{"called", "88880067"}}), "mandatory field callSerialNo is missing"},
      {Refusal({{"callSerialNo", ""}, {"called", "88880067"}}),
       "mandatory field callSerialNo is empty"},
      {Refusal({{"callSerialNo", "42"}}), "mandatory field called is missing"},
      {Refusal({{"callSerialNo", "42"}, {"called", absl::nullopt}}),
       "mandatory field called is null"},
      {Refusal({{"callSerialNo", "42"}, {"called", ""}}), "mandatory field called is empty"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(row.status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(row.status.message(), row.message);
  }
}

TEST(ReleaseEventMapperTest, ASerialNumberHasAtMostFiftyCodePointsWhateverTheirBytes) {
  std::string umlauts;
  for (int i = 0; i < 50; ++i) umlauts += "\xC3\xBC";
  EXPECT_EQ(Map(Fields({{"callSerialNo", umlauts}, {"called", "1"}})).call_serial_no(), umlauts);

  umlauts += "x";
  const absl::Status status = Refusal({{"callSerialNo", umlauts}, {"called", "1"}});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("callSerialNo"));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("\xC3\xBC"))) << "values stay private";
}

TEST(ReleaseEventMapperTest, TimesAndDurationsAreTyped) {
  const v1::ReleaseEvent event =
      Map(CallWith({{"releaseTime", "2022/02/22,10:04:36:318"}, {"talkDuration", "6"}}));
  EXPECT_EQ(event.release_time().seconds(), 1645524276);
  EXPECT_EQ(event.release_time().nanos(), 318000000);
  EXPECT_EQ(event.talk_duration().seconds(), 6);
  EXPECT_TRUE(event.extra().empty());
}

TEST(ReleaseEventMapperTest, ATimeBefore1970KeepsItsMillisecondsPositive) {
  const v1::ReleaseEvent event = Map(CallWith({{"releaseTime", "1969/12/31,23:59:59:250"}}));
  EXPECT_EQ(event.release_time().seconds(), -1);
  EXPECT_EQ(event.release_time().nanos(), 250000000);
}

TEST(ReleaseEventMapperTest, AValueThatItsTypeCannotGiveBackStaysVerbatimInExtra) {
  const v1::ReleaseEvent event = Map(CallWith({{"talkDuration", "007"},
                                               {"agentTalkDuration", "2022/02/22,10:04:29:004"},
                                               {"releaseTime", "yesterday"},
                                               {"alertingTime", ""}}));
  EXPECT_FALSE(event.has_talk_duration());
  EXPECT_FALSE(event.has_agent_talk_duration());
  EXPECT_FALSE(event.has_release_time());
  EXPECT_FALSE(event.has_alerting_time());
  EXPECT_EQ(event.extra().size(), 4u);
  EXPECT_EQ(event.extra().at("talkDuration"), "007");
  EXPECT_EQ(event.extra().at("agentTalkDuration"), "2022/02/22,10:04:29:004");
  EXPECT_EQ(event.extra().at("releaseTime"), "yesterday");
  EXPECT_EQ(event.extra().at("alertingTime"), "");
}

TEST(ReleaseEventMapperTest, UnknownFieldsGoToExtraUnlessNullAndTheSignatureNeverDoes) {
  const v1::ReleaseEvent event = Map(CallWith({{"mood", "good"},
                                               {"empty", ""},
                                               {"nothing", absl::nullopt},
                                               {"nonce", "1"},
                                               {"timestamp", "2"},
                                               {"signature", "3"}}));
  EXPECT_EQ(event.extra().size(), 2u);
  EXPECT_EQ(event.extra().at("mood"), "good");
  EXPECT_EQ(event.extra().at("empty"), "");
}

TEST(ReleaseEventMapperTest, AReasonKeepsItsCodeVerbatimBesideItsMeaning) {
  const std::pair<const char*, v1::ReleaseReason> rows[] = {
      {"0", v1::RELEASE_REASON_CALLED_HUNG_UP},
      {"1", v1::RELEASE_REASON_CALLER_HUNG_UP},
      {"2", v1::RELEASE_REASON_CALL_TO_CALLER_FAILED},
      {"3", v1::RELEASE_REASON_CALL_TO_CALLED_FAILED},
      {"4", v1::RELEASE_REASON_CALLER_NO_ANSWER},
      {"5", v1::RELEASE_REASON_CALLED_NO_ANSWER},
      {"6", v1::RELEASE_REASON_OTHER},
      {"65535", v1::RELEASE_REASON_OTHER},
      {"00", v1::RELEASE_REASON_OTHER},
      {"", v1::RELEASE_REASON_OTHER},
      {"xxx", v1::RELEASE_REASON_OTHER}};
  for (const auto& [code, reason] : rows) {
    const v1::ReleaseEvent event = Map(CallWith({{"releaseReason", code}}));
    EXPECT_EQ(event.release_reason(), reason) << code;
    EXPECT_EQ(event.release_reason_code(), code);
  }
  EXPECT_EQ(Map(CallWith({})).release_reason(), v1::RELEASE_REASON_UNSPECIFIED);
}

}  // namespace
}  // namespace onhook
