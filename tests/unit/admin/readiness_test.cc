#include "gateway/admin/readiness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ReadinessTest, WithoutConditionsItIsReady) { EXPECT_THAT(Readiness().Unmet(), IsEmpty()); }

TEST(ReadinessTest, OneUnmetConditionIsEnough) {
  Readiness readiness;
  readiness.Require("store", [] { return absl::OkStatus(); });
  readiness.Require("http", [] { return absl::UnavailableError("not listening"); });
  EXPECT_THAT(readiness.Unmet(), ElementsAre("http: not listening"));
}

TEST(ReadinessTest, EveryUnmetConditionIsNamedInItsOrder) {
  Readiness readiness;
  readiness.Require("store", [] { return absl::UnavailableError("cannot write"); });
  readiness.Require("http", [] { return absl::UnavailableError("not listening"); });
  EXPECT_THAT(readiness.Unmet(), ElementsAre("store: cannot write", "http: not listening"));
}

TEST(ReadinessTest, AConditionIsAskedAnewEachTime) {
  Readiness readiness;
  absl::Status state = absl::UnavailableError("starting");
  readiness.Require("gateway", [&state] { return state; });
  EXPECT_THAT(readiness.Unmet(), ElementsAre("gateway: starting"));
  state = absl::OkStatus();
  EXPECT_THAT(readiness.Unmet(), IsEmpty());
}

TEST(ReadinessTest, ACheckMayAskForReadinessItself) {
  Readiness readiness;
  bool asking = false;
  readiness.Require("nested", [&] {
    if (!asking) {
      asking = true;
      readiness.Unmet();  // would hang if a lock were held
    }
    return absl::OkStatus();
  });
  EXPECT_THAT(readiness.Unmet(), IsEmpty());
}

}  // namespace
}  // namespace onhook
