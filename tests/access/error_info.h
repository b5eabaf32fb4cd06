#ifndef ONHOOK_TESTS_ACCESS_ERROR_INFO_H_
#define ONHOOK_TESTS_ACCESS_ERROR_INFO_H_

#include <grpcpp/support/status.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "gateway/delivery/rpc_status.pb.h"

namespace onhook {

// The google.rpc.ErrorInfo of an error; empty: it has none.
inline internal::ErrorInfo ErrorInfoOf(const grpc::Status& status) {
  internal::RpcStatus details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  internal::ErrorInfo info;
  for (const auto& detail : details.details()) {
    if (!absl::EndsWith(detail.type_url(), "google.rpc.ErrorInfo")) continue;
    EXPECT_TRUE(info.ParseFromString(detail.value()));
  }
  return info;
}

}  // namespace onhook

#endif  // ONHOOK_TESTS_ACCESS_ERROR_INFO_H_
