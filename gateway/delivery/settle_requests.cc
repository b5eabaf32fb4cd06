#include "gateway/delivery/settle_requests.h"

#include "absl/strings/str_cat.h"
#include "gateway/base/text.h"
#include "gateway/delivery/grpc_status.h"
#include "gateway/delivery/proto_time.h"
#include "gateway/delivery/subscribe_open.h"
#include "google/protobuf/repeated_field.h"

namespace onhook {
namespace {

constexpr int kMostDeliveryIds = 10000;
constexpr absl::Duration kLongestDelay = absl::Hours(1);
constexpr size_t kLongestReason = 1024;

using Ids = google::protobuf::RepeatedPtrField<std::string>;

absl::StatusOr<std::vector<std::string>> CheckIds(const Ids& ids, absl::string_view field) {
  if (ids.size() > kMostDeliveryIds) {
    return InvalidField(field, absl::StrCat("holds more than ", kMostDeliveryIds));
  }
  return std::vector<std::string>(ids.begin(), ids.end());
}

absl::StatusOr<SettleRequest::Action> CheckAction(v1::NackRequest::Action action) {
  switch (action) {
    case v1::NackRequest::ACTION_UNSPECIFIED:
    case v1::NackRequest::ACTION_RETRY:
      return SettleRequest::Action::kRetry;
    case v1::NackRequest::ACTION_PARK:
      return SettleRequest::Action::kPark;
    case v1::NackRequest::ACTION_SKIP:
      return SettleRequest::Action::kSkip;
    case v1::NackRequest::ACTION_RELEASE:
      return SettleRequest::Action::kRelease;
    default:
      return InvalidField("nack.action", "is not known to this version");
  }
}

}  // namespace

absl::StatusOr<SettleRequest> CheckAck(const v1::AckRequest& ack) {
  absl::StatusOr<std::vector<std::string>> ids = CheckIds(ack.delivery_ids(), "ack.delivery_ids");
  if (!ids.ok()) return ids.status();
  SettleRequest request;
  request.delivery_ids = *std::move(ids);
  return request;
}

absl::StatusOr<SettleRequest> CheckNack(const v1::NackRequest& nack) {
  absl::StatusOr<std::vector<std::string>> ids = CheckIds(nack.delivery_ids(), "nack.delivery_ids");
  if (!ids.ok()) return ids.status();
  const absl::StatusOr<SettleRequest::Action> action = CheckAction(nack.action());
  if (!action.ok()) return action.status();
  SettleRequest request;
  request.action = *action;
  request.delivery_ids = *std::move(ids);
  if (nack.has_delay()) {
    const absl::StatusOr<absl::Duration> delay = FromProto(nack.delay(), "nack.delay");
    if (!delay.ok()) return delay.status();
    if (*delay < absl::ZeroDuration() || *delay > kLongestDelay) {
      return InvalidField("nack.delay", "must be 0 s to 1 h");
    }
    if (*action != SettleRequest::Action::kRetry) {
      return InvalidField("nack.delay", "goes with ACTION_RETRY only");
    }
    request.delay = *delay;
  }
  request.reason = std::string(FirstCodePoints(nack.reason(), kLongestReason));
  return request;
}

absl::StatusOr<Extension> CheckExtend(const v1::ExtendRequest& extend) {
  absl::StatusOr<std::vector<std::string>> ids =
      CheckIds(extend.delivery_ids(), "extend.delivery_ids");
  if (!ids.ok()) return ids.status();
  if (!extend.has_ack_deadline()) return InvalidField("extend.ack_deadline", "is missing");
  const absl::StatusOr<absl::Duration> deadline =
      CheckAckDeadline(extend.ack_deadline(), "extend.ack_deadline");
  if (!deadline.ok()) return deadline.status();
  return Extension{*std::move(ids), *deadline};
}

}  // namespace onhook
