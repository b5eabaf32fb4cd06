#include "gateway/delivery/settle_requests.h"

#include <iterator>

#include "absl/strings/str_cat.h"
#include "gateway/base/text.h"
#include "gateway/delivery/grpc_status.h"
#include "gateway/delivery/proto_time.h"
#include "gateway/delivery/subscribe_open.h"
#include "google/protobuf/repeated_field.h"

namespace onhook {
namespace {

constexpr absl::Duration kLongestDelay = absl::Hours(1);
constexpr size_t kLongestReason = 1024;

using Ids = google::protobuf::RepeatedPtrField<std::string>;

absl::Status CheckIds(const Ids& ids, absl::string_view field) {
  if (ids.size() <= kMostDeliveryIds) return absl::OkStatus();
  return InvalidField(field, absl::StrCat("holds more than ", kMostDeliveryIds));
}

std::vector<std::string> Take(Ids& ids) {
  return {std::make_move_iterator(ids.begin()), std::make_move_iterator(ids.end())};
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

absl::StatusOr<SettleRequest> CheckAck(v1::AckRequest& ack) {
  absl::Status fits = CheckIds(ack.delivery_ids(), "ack.delivery_ids");
  if (!fits.ok()) return fits;
  SettleRequest request;
  request.delivery_ids = Take(*ack.mutable_delivery_ids());
  return request;
}

absl::StatusOr<SettleRequest> CheckNack(v1::NackRequest& nack) {
  absl::Status fits = CheckIds(nack.delivery_ids(), "nack.delivery_ids");
  if (!fits.ok()) return fits;
  const absl::StatusOr<SettleRequest::Action> action = CheckAction(nack.action());
  if (!action.ok()) return action.status();
  SettleRequest request;
  request.action = *action;
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
  request.delivery_ids = Take(*nack.mutable_delivery_ids());
  return request;
}

absl::StatusOr<Extension> CheckExtend(v1::ExtendRequest& extend) {
  absl::Status fits = CheckIds(extend.delivery_ids(), "extend.delivery_ids");
  if (!fits.ok()) return fits;
  if (!extend.has_ack_deadline()) return InvalidField("extend.ack_deadline", "is missing");
  const absl::StatusOr<absl::Duration> deadline =
      CheckAckDeadline(extend.ack_deadline(), "extend.ack_deadline");
  if (!deadline.ok()) return deadline.status();
  return Extension{Take(*extend.mutable_delivery_ids()), *deadline};
}

}  // namespace onhook
