#include "gateway/event/documented_fields.h"

#include <set>
#include <string>

#include "gtest/gtest.h"

namespace onhook {
namespace {

TEST(DocumentedFieldsTest, ThereAreTheEighteenOfThePageInItsOrder) {
  const absl::string_view page[] = {"callSerialNo",     "serviceNo",        "called",
                                    "caller",           "callerPresent",    "callData",
                                    "createCallTime",   "alertingTime",     "talkingTime",
                                    "releaseTime",      "talkDuration",     "recordfile",
                                    "locationId",       "releaseReason",    "agentAlertingTime",
                                    "agentTalkingTime", "agentReleaseTime", "agentTalkDuration"};

  ASSERT_EQ(DocumentedFields().size(), std::size(page));
  for (size_t i = 0; i < std::size(page); ++i) EXPECT_EQ(DocumentedFields()[i].name, page[i]);
}

TEST(DocumentedFieldsTest, EachHasExactlyOneHomeInTheEventAndNoTwoShareOne) {
  for (const DocumentedField& field : DocumentedFields()) {
    EXPECT_EQ((field.text != nullptr) + (field.time != nullptr) + (field.duration != nullptr), 1)
        << field.name;
  }

  std::set<const void*> homes;
  v1::ReleaseEvent event;
  for (const DocumentedField& field : DocumentedFields()) {
    if (field.text != nullptr) homes.insert((event.*field.text)());
    if (field.time != nullptr) homes.insert((event.*field.time)());
    if (field.duration != nullptr) homes.insert((event.*field.duration)());
  }
  EXPECT_EQ(homes.size(), DocumentedFields().size());
}

TEST(DocumentedFieldsTest, AFieldIsFoundByItsExactNameOnly) {
  for (const DocumentedField& field : DocumentedFields()) {
    EXPECT_EQ(FindDocumentedField(field.name), &field);
  }
  EXPECT_EQ(FindDocumentedField("callserialno"), nullptr);
  EXPECT_EQ(FindDocumentedField("nonce"), nullptr);
  EXPECT_EQ(FindDocumentedField(""), nullptr);
}

TEST(DocumentedFieldsTest, TheSignatureHasThreeFieldsOfItsOwn) {
  EXPECT_TRUE(IsSignatureField("nonce"));
  EXPECT_TRUE(IsSignatureField("timestamp"));
  EXPECT_TRUE(IsSignatureField("signature"));
  EXPECT_FALSE(IsSignatureField("Signature"));
  EXPECT_FALSE(IsSignatureField("callData"));
}

}  // namespace
}  // namespace onhook
