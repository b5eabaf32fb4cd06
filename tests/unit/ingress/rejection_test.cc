#include "gateway/ingress/rejection.h"

#include <set>
#include <string>

#include "gtest/gtest.h"

namespace onhook {
namespace {

TEST(RejectionTest, TheTableIsInTheOrderOfItsReasons) {
  for (size_t i = 0; i < RejectionRules().size(); ++i) {
    EXPECT_EQ(static_cast<size_t>(RejectionRules()[i].reason), i);
    EXPECT_EQ(&RuleOf(RejectionRules()[i].reason), &RejectionRules()[i]);
  }
  EXPECT_EQ(RejectionRules().size(), static_cast<size_t>(RejectionReason::kInvalidField) + 1);
}

TEST(RejectionTest, EachHasALabelOfItsOwn) {
  std::set<absl::string_view> labels;
  for (const RejectionRule& rule : RejectionRules()) labels.insert(rule.label);
  EXPECT_EQ(labels.size(), RejectionRules().size());
}

TEST(RejectionTest, OfAFailedProofTheSenderLearnsNothing) {
  for (const Distrust distrust : {Distrust::kCredentials, Distrust::kUnsigned,
                                  Distrust::kUnsignableName, Distrust::kSignature,
                                  Distrust::kReplayWindow}) {
    EXPECT_EQ(StatusOf(RejectionFor(distrust)), absl::UnauthenticatedError("not authenticated"));
    EXPECT_EQ(RuleOf(RejectionFor(distrust).reason).label, DistrustName(distrust));
  }
  for (const Distrust distrust : {Distrust::kNetwork, Distrust::kNonceReused}) {
    EXPECT_EQ(StatusOf(RejectionFor(distrust)), absl::PermissionDeniedError("not allowed"));
    EXPECT_EQ(RuleOf(RejectionFor(distrust).reason).label, DistrustName(distrust));
  }
}

TEST(RejectionTest, OfAFaultInTheWordsTheSenderLearnsWhich) {
  EXPECT_EQ(StatusOf({RejectionReason::kMalformed, "malformed JSON, near byte 7"}),
            absl::InvalidArgumentError("malformed JSON, near byte 7"));
}

}  // namespace
}  // namespace onhook
