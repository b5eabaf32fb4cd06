#include "gateway/ingress/open_source.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/manual_clock.h"

namespace onhook {
namespace {

using ::testing::HasSubstr;

class OpenSourceTest : public ::testing::Test {
 protected:
  absl::StatusOr<CallbackSource> Open() { return OpenSource(source_, settings_, secrets_); }

  ManualClock clock_;
  Log log_{&clock_, LogLevel::kError, Log::Format::kText, [](absl::string_view) {}};
  SecretPool secrets_{&clock_, &log_};
  Settings settings_;
  Settings::Source source_;
};

TEST_F(OpenSourceTest, ItWaitsAsItsOwnSettingsSayWhateverThoseOfOthersAre) {
  settings_.acknowledge.when = Settings::Acknowledge::When::kStored;
  for (const char* name : {"crm", "billing"}) settings_.subscriptions.push_back({name, {}});
  settings_.subscriptions[1].spec.mutable_filter()->add_sources("another");
  source_.acknowledge = {
      Settings::Acknowledge::When::kProcessed, {"billing"}, absl::Milliseconds(700)};
  const absl::StatusOr<CallbackSource> opened = Open();
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->acknowledge.when, AcknowledgePolicy::When::kProcessed);
  EXPECT_EQ(opened->acknowledge.timeout, absl::Milliseconds(700));
  ASSERT_EQ(opened->acknowledge.subscriptions.size(), 1u);
  EXPECT_EQ(opened->acknowledge.subscriptions[0].name, "billing");
  EXPECT_FALSE(opened->acknowledge.subscriptions[0].filter.matches_all());
}

TEST_F(OpenSourceTest, ATimeZoneThatIsNotThereIsToldWithItsSource) {
  source_.name = "sales";
  source_.time_zone = "Asia/Shangri-La";
  EXPECT_THAT(std::string(Open().status().message()),
              HasSubstr("source sales: time_zone: Asia/Shangri-La is unknown here"));
}

}  // namespace
}  // namespace onhook
