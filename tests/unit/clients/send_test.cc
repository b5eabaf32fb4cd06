#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include "absl/time/civil_time.h"
#include "clients/cli/send_load.h"
#include "clients/cli/vendor_body.h"
#include "clients/cli/vendor_client.h"

namespace onhook::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

const absl::Time kNow =
    absl::FromCivil(absl::CivilSecond(2022, 2, 22, 10, 4, 36), absl::UTCTimeZone()) +
    absl::Milliseconds(318);

// The fields of a made-up callback.
std::map<std::string, std::string> Fields(const std::vector<std::string>& given) {
  const absl::StatusOr<MadeUpCallback> callback = MadeUpCallback::From(given);
  EXPECT_TRUE(callback.ok()) << callback.status();
  google::protobuf::Struct body;
  EXPECT_TRUE(
      google::protobuf::util::JsonStringToMessage(JsonBody(callback->Fields(17, kNow)), &body)
          .ok());
  std::map<std::string, std::string> fields;
  for (const auto& [name, value] : body.fields()) fields[name] = value.string_value();
  return fields;
}

TEST(SendTest, AMadeUpCallbackLooksLikeTheVendors) {
  const auto fields = Fields({});
  EXPECT_EQ(fields.at("callSerialNo"), "17");
  EXPECT_EQ(fields.at("releaseTime"), "2022/02/22,10:04:36:318");
  EXPECT_EQ(fields.at("called"), "88880067");
}

TEST(SendTest, GivenFieldsReplaceAndAdd) {
  const auto fields = Fields({"callSerialNo=9", "serviceNo=", "callData={\"a\"=\"b\"}", "new=1"});
  EXPECT_EQ(fields.at("callSerialNo"), "9");
  EXPECT_EQ(fields.at("serviceNo"), "");
  EXPECT_EQ(fields.at("callData"), "{\"a\"=\"b\"}");
  EXPECT_EQ(fields.at("new"), "1");
}

TEST(SendTest, AFieldWithoutNameOrEqualsSignIsRefused) {
  EXPECT_FALSE(MadeUpCallback::From({"called"}).ok());
  EXPECT_FALSE(MadeUpCallback::From({"=1"}).ok());
}

TEST(SendTest, TheSamplesAreTheGoldenFiles) {
  EXPECT_THAT(*VendorSample("javamap"), StartsWith("{\n agentAlertingTime="));
  EXPECT_THAT(*VendorSample("json"), HasSubstr("\"callSerialNo\":\"1197765398201387012\""));
  EXPECT_EQ(VendorSample("xml").status().code(), absl::StatusCode::kNotFound);
}

TEST(SendTest, OnlyHttp200WithRetCode0IsAnAcknowledgment) {
  const struct {
    int status;
    const char* body;
    bool acknowledged;
  } kCases[] = {
      {200, R"({"retCode":"0","retMsg":"success"})", true},
      {200, R"({"retCode":"2","retMsg":"stored"})", false},
      {503, R"({"retCode":"0"})", false},
      {200, R"({"retCode":0})", false},
      {200, R"({})", false},
      {200, "OK", false},
      {200, "", false},
  };
  for (const auto& c : kCases) {
    EXPECT_EQ(ReadAnswer(c.status, c.body).acknowledged, c.acknowledged) << c.body;
  }
}

TEST(SendTest, AUrlIsSplitIntoOriginAndPath) {
  const absl::StatusOr<VendorUrl> url = ParseVendorUrl("http://[::1]:8080/release-events/a");
  ASSERT_TRUE(url.ok());
  EXPECT_EQ(url->origin, "http://[::1]:8080");
  EXPECT_EQ(url->path, "/release-events/a");
  EXPECT_FALSE(url->is_https());
  EXPECT_EQ(ParseVendorUrl("http://host")->path, "/");
  EXPECT_EQ(ParseVendorUrl("https://host/a")->origin, "https://host");
  EXPECT_TRUE(ParseVendorUrl("https://host/a")->is_https());
  for (const char* wrong : {"https://", "ftp://host/", "host:80", "http://", "http:///path", ""}) {
    EXPECT_FALSE(ParseVendorUrl(wrong).ok()) << wrong;
  }
}

TEST(SendTest, ASummaryCountsWhatWentWrongByKind) {
  LoadSummary summary;
  summary.acknowledged = 2;
  summary.failures = {{"HTTP 503", 1}};
  summary.latencies = {absl::Milliseconds(3), absl::Milliseconds(1), absl::Milliseconds(2)};
  summary.took = absl::Milliseconds(500);
  EXPECT_EQ(summary.Text(),
            "sent 3 in 0.50 s (6 a second): 2 acknowledged, 1 not\n"
            "answer after ms: p50 2.00  p99 3.00  max 3.00\n"
            "  1 x HTTP 503\n");
}

}  // namespace
}  // namespace onhook::cli
