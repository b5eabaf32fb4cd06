#include "gateway/delivery/grpc_status.h"

#include <gtest/gtest.h>

#include "gateway/delivery/rpc_status.pb.h"

namespace onhook {
namespace {

internal::RpcStatus DetailsOf(const grpc::Status& status) {
  internal::RpcStatus details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  return details;
}

internal::ErrorInfo ErrorInfoOf(const grpc::Status& status) {
  internal::ErrorInfo info;
  const internal::RpcStatus details = DetailsOf(status);
  for (const auto& detail : details.details()) {
    if (detail.type_url() == "type.googleapis.com/google.rpc.ErrorInfo") {
      EXPECT_TRUE(info.ParseFromString(detail.value()));
    }
  }
  return info;
}

TEST(GrpcStatusTest, OkStaysOk) { EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok()); }

TEST(GrpcStatusTest, EveryCodeKeepsItsMeaningAndNamesItselfAsReason) {
  for (int code = 1; code <= 16; ++code) {
    const absl::Status status(static_cast<absl::StatusCode>(code), "why");
    const grpc::Status converted = ToGrpcStatus(status);
    // Both follow the canonical numbers.
    EXPECT_EQ(static_cast<int>(converted.error_code()), code);
    EXPECT_EQ(converted.error_message(), "why");
    EXPECT_EQ(DetailsOf(converted).code(), code);
    EXPECT_EQ(ErrorInfoOf(converted).domain(), "onhook");
    EXPECT_EQ(ErrorInfoOf(converted).reason(), absl::StatusCodeToString(status.code()));
  }
}

TEST(GrpcStatusTest, AReasonAndItsMetadataReachTheClient) {
  const grpc::Status status =
      ToGrpcStatus(WithReason(absl::OutOfRangeError("gone"), "EXPIRED", {{"oldest_cursor", "c1"}}));
  EXPECT_EQ(ErrorInfoOf(status).reason(), "EXPIRED");
  EXPECT_EQ(ErrorInfoOf(status).metadata().at("oldest_cursor"), "c1");
}

TEST(GrpcStatusTest, AnInvalidFieldIsNamed) {
  const grpc::Status status = ToGrpcStatus(InvalidField("open.subscription", "is empty"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  internal::BadRequest bad_request;
  const internal::RpcStatus details = DetailsOf(status);
  for (const auto& detail : details.details()) {
    if (detail.type_url() == "type.googleapis.com/google.rpc.BadRequest") {
      ASSERT_TRUE(bad_request.ParseFromString(detail.value()));
    }
  }
  ASSERT_EQ(bad_request.field_violations_size(), 1);
  EXPECT_EQ(bad_request.field_violations(0).field(), "open.subscription");
  EXPECT_EQ(bad_request.field_violations(0).description(), "is empty");
}

TEST(GrpcStatusTest, GoingAwayIsUnavailableWithItsReason) {
  const grpc::Status status = ToGrpcStatus(GoingAway());
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ErrorInfoOf(status).reason(), "GOING_AWAY");
}

}  // namespace
}  // namespace onhook
