#ifndef ONHOOK_CLIENTS_CLI_SUBSCRIPTION_FLAGS_H_
#define ONHOOK_CLIENTS_CLI_SUBSCRIPTION_FLAGS_H_

#include <google/protobuf/field_mask.pb.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "clients/cli/arguments.h"
#include "onhook/v1/subscription.pb.h"

namespace onhook::cli {

// The flags that say what a subscription is set to, for creating and for changing one.
//
// Promises: what was not given is neither in the specification nor in the mask. Bounds are the
// gateway's to check; here only the form is.
class SubscriptionFlags {
 public:
  // --start and all else; or, for a change, all else and --unset.
  void DeclareForCreation(Arguments& arguments);
  void DeclareForUpdate(Arguments& arguments);

  // Combinations: kInvalidArgument, in words for the person who typed them.
  absl::Status Check() const;

  v1::SubscriptionSpec Spec() const;

  // The paths within SubscriptionSpec that were given or unset. Empty: nothing is to be changed.
  google::protobuf::FieldMask Mask() const;

 private:
  void Declare(Arguments& arguments);
  absl::Status SetAttempts(const std::string& value);
  absl::Status SetBacklogBytes(const std::string& value);
  absl::Status AddUnset(const std::string& value);
  std::vector<std::string> GivenPaths() const;

  std::string start_;
  std::optional<absl::Duration> ack_deadline_;
  std::optional<int32_t> attempts_;  // 0: unlimited
  std::optional<absl::Duration> minimum_retry_time_;
  int64_t max_unacked_events_ = 0;  // 0: not given
  std::optional<absl::Duration> expire_after_unused_;
  std::optional<absl::Duration> backlog_age_;
  std::optional<int64_t> backlog_bytes_;
  std::vector<std::string> sources_;
  std::vector<std::string> service_nos_;
  std::vector<std::string> release_reason_codes_;
  std::vector<std::string> unset_;  // paths
};

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_SUBSCRIPTION_FLAGS_H_
