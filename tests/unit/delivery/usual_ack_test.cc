#include "gateway/delivery/usual_ack.h"

#include <gmock/gmock.h>
#include <grpcpp/support/slice.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/delivery/settle_requests.h"
#include "onhook/v1/release_event_service.pb.h"

namespace onhook {
namespace {

using ::testing::ElementsAreArray;

// The bytes as they may come: cut into two pieces at `cut`.
grpc::ByteBuffer Message(const std::string& bytes, size_t cut = 0) {
  const grpc::Slice slices[] = {grpc::Slice(bytes.substr(0, cut)), grpc::Slice(bytes.substr(cut))};
  return {slices, 2};
}

v1::SubscribeRequest AckOf(const std::vector<std::string>& ids, uint64_t request_id = 7) {
  v1::SubscribeRequest request;
  request.mutable_ack()->set_request_id(request_id);
  for (const std::string& id : ids) request.mutable_ack()->add_delivery_ids(id);
  return request;
}

TEST(UsualAckTest, AnAckIsReadHoweverItWasCut) {
  const std::vector<std::string> ids = {"00000000000000ab-7-2", "", "00000000000000ab-8-3"};
  const std::string bytes = AckOf(ids).SerializeAsString();
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    const std::optional<UsualAck> ack = ReadUsualAck(Message(bytes, cut));
    ASSERT_TRUE(ack.has_value()) << cut;
    EXPECT_EQ(ack->request_id, 7U);
    EXPECT_EQ(ack->request.action, SettleRequest::Action::kAck);
    EXPECT_THAT(ack->request.delivery_ids, ElementsAreArray(ids));
  }
}

TEST(UsualAckTest, AnAckOfNothingIsRead) {
  EXPECT_TRUE(ReadUsualAck(Message(AckOf({}, 0).SerializeAsString())).has_value());
}

TEST(UsualAckTest, WhatIsNoUsualAckIsLeftToGeneratedCode) {
  v1::SubscribeRequest open;
  open.mutable_open()->set_subscription("crm");
  v1::SubscribeRequest nack;
  nack.mutable_nack()->add_delivery_ids("00000000000000ab-7-2");
  const std::string ack = AckOf({"00000000000000ab-7-2"}).SerializeAsString();
  const struct {
    std::string bytes;
    const char* reason;
  } kRows[] = {
      {"", "nothing"},
      {open.SerializeAsString(), "another request"},
      {nack.SerializeAsString(), "another request with ids"},
      {ack + ack, "two of them, which become one"},
      {ack + std::string("\x78\x01", 2), "a field that is not known, behind it"},
      {std::string("\x12\x02\x78\x01", 4), "a field that is not known, in it"},
      {ack.substr(0, ack.size() - 1), "its end is missing"},
      {AckOf({"\xC3\xA9"}).SerializeAsString(), "an id that must be looked at as UTF-8"},
      {AckOf(std::vector<std::string>(kMostDeliveryIds + 1)).SerializeAsString(), "too many ids"},
  };
  for (const auto& row : kRows) {
    EXPECT_FALSE(ReadUsualAck(Message(row.bytes)).has_value()) << row.reason;
  }
  EXPECT_TRUE(ReadUsualAck(Message(ack)).has_value());
  EXPECT_TRUE(
      ReadUsualAck(
          Message(AckOf(std::vector<std::string>(kMostDeliveryIds, "x")).SerializeAsString()))
          .has_value());
}

// Bytes turned, dropped and doubled: what is read at all, generated code reads alike.
TEST(UsualAckTest, WhateverIsReadGeneratedCodeReadsAlike) {
  constexpr unsigned kSeed = 20231107;
  SCOPED_TRACE(absl::StrCat("seed ", kSeed));
  std::mt19937_64 random(kSeed);
  int read = 0;
  for (int i = 0; i < 50'000; ++i) {
    std::vector<std::string> ids(random() % 4);
    for (std::string& id : ids) id = std::string(random() % 40, static_cast<char>(random() % 128));
    std::string bytes = AckOf(ids, random() >> (random() % 64)).SerializeAsString();
    const size_t place = random() % bytes.size();
    switch (random() % 4) {
      case 0:
        bytes[place] = static_cast<char>(random());
        break;
      case 1:
        bytes.erase(place, 1);
        break;
      case 2:
        bytes.insert(place, bytes.substr(place, 1 + random() % 4));
        break;
      default:
        break;
    }
    const std::optional<UsualAck> ack = ReadUsualAck(Message(bytes, random() % (bytes.size() + 1)));
    if (!ack.has_value()) continue;
    ++read;
    v1::SubscribeRequest request;
    ASSERT_TRUE(request.ParseFromString(bytes));
    ASSERT_TRUE(request.has_ack());
    ASSERT_EQ(ack->request_id, request.ack().request_id());
    ASSERT_THAT(ack->request.delivery_ids, ElementsAreArray(request.ack().delivery_ids()));
  }
  EXPECT_GT(read, 12'000) << "those that were left as they are, at least";
}

}  // namespace
}  // namespace onhook
