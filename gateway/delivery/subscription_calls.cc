#include "gateway/delivery/subscription_calls.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "gateway/config/subscription_spec.h"
#include "gateway/delivery/awaited.h"
#include "gateway/delivery/cursor.h"
#include "gateway/delivery/grpc_status.h"
#include "gateway/delivery/places.h"
#include "gateway/delivery/proto_time.h"
#include "gateway/delivery/resume_advice.h"
#include "gateway/delivery/spec_update.h"

namespace onhook {
namespace {

constexpr int32_t kDefaultPageSize = 100;
constexpr int32_t kLargestPageSize = 1000;

void Fill(const SubscriptionInfo& info, v1::Subscription& subscription) {
  subscription.set_name(info.name);
  *subscription.mutable_spec() = info.spec;
  subscription.set_declared(info.declared);
  subscription.set_paused(info.paused);
  *subscription.mutable_created_at() = ToProto(info.created_at);
}

// What belongs to the settings is refused with a reason of its own.
absl::Status ChangeError(const absl::Status& status) {
  return absl::IsFailedPrecondition(status) ? WithReason(status, kReasonDeclaredInSettings)
                                            : status;
}

}  // namespace

absl::Status SubscriptionCalls::Create(const v1::CreateSubscriptionRequest& request,
                                       v1::CreateSubscriptionResponse& response) {
  if (absl::Status status = CheckSubscriptionName(request.name()); !status.ok()) {
    return InvalidField("name", status.message());
  }
  if (const auto fault = FindSpecFault(request.spec())) {
    return InvalidField(absl::StrCat("spec.", fault->field), fault->description);
  }
  const absl::StatusOr<SubscriptionInfo> created =
      store_->CreateSubscription(request.name(), request.spec());
  if (!created.ok()) return created.status();
  Fill(*created, *response.mutable_subscription());
  return absl::OkStatus();
}

absl::Status SubscriptionCalls::Get(const v1::GetSubscriptionRequest& request,
                                    v1::GetSubscriptionResponse& response) {
  const absl::StatusOr<SubscriptionInfo> info = store_->GetSubscription(request.name());
  if (!info.ok()) return info.status();
  Fill(*info, *response.mutable_subscription());
  return FillStats(info->name, *response.mutable_subscription()->mutable_stats());
}

absl::Status SubscriptionCalls::List(const v1::ListSubscriptionsRequest& request,
                                     const std::function<bool(const std::string& name)>& is_shown,
                                     v1::ListSubscriptionsResponse& response) {
  if (request.page_size() < 0 || request.page_size() > kLargestPageSize) {
    return InvalidField("page_size", "must be 1 to 1000, or 0 for 100");
  }
  if (!request.page_token().empty() && !CheckSubscriptionName(request.page_token()).ok()) {
    return InvalidField("page_token", "is not one that this service gave");
  }
  const int32_t page_size = request.page_size() == 0 ? kDefaultPageSize : request.page_size();
  for (const SubscriptionInfo& info : store_->ListSubscriptions()) {
    if (info.name <= request.page_token() || !is_shown(info.name)) continue;  // they come by name
    if (response.subscriptions_size() == page_size) {
      response.set_next_page_token(response.subscriptions(page_size - 1).name());
      break;
    }
    v1::Subscription* const subscription = response.add_subscriptions();
    Fill(info, *subscription);
    const absl::Status status = FillStats(info.name, *subscription->mutable_stats());
    if (absl::IsNotFound(status)) {  // deleted meanwhile
      response.mutable_subscriptions()->RemoveLast();
    } else if (!status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status SubscriptionCalls::FillStats(const std::string& name, v1::SubscriptionStats& stats) {
  const auto queue = store_->FindQueue(name);
  if (!queue.ok()) return queue.status();
  const QueueStats now = (*queue)->Stats();
  stats.set_connected_streams(static_cast<int32_t>(now.connected_consumers));
  stats.set_backlog_events(now.backlog_events);
  stats.set_outstanding_events(now.outstanding_events);
  stats.set_redeliveries(now.redeliveries);
  stats.set_dead_letters(now.dead_letters);
  stats.set_dropped_by_limit(now.dropped_by_limit);
  stats.set_settled(now.settled);
  stats.set_settled_cursor(FormatCursor(store_->store_id(), now.floor));
  if (now.oldest_unsettled == 0) return absl::OkStatus();
  const absl::StatusOr<LogPage> oldest =
      Awaited<LogPage>([&](std::function<void(absl::StatusOr<LogPage>)> done) {
        store_->log().Read(now.oldest_unsettled - 1, {1, 1}, std::move(done));
      });
  // A dead letter that is owed again may be gone from the log: then its age is not told.
  if (absl::IsOutOfRange(oldest.status())) return absl::OkStatus();
  if (!oldest.ok()) return oldest.status();
  if (oldest->events.empty()) return absl::OkStatus();
  const absl::Duration age = clock_->Now() - oldest->events.front()->received_at;
  *stats.mutable_oldest_unsettled_age() = ToProto(std::max(age, absl::ZeroDuration()));
  return absl::OkStatus();
}

absl::Status SubscriptionCalls::Update(const v1::UpdateSubscriptionRequest& request,
                                       v1::UpdateSubscriptionResponse& response) {
  const absl::StatusOr<SubscriptionInfo> info = store_->GetSubscription(request.name());
  if (!info.ok()) return info.status();
  const absl::StatusOr<v1::SubscriptionSpec> spec = UpdatedSpec(info->spec, request);
  if (!spec.ok()) return spec.status();
  const absl::StatusOr<SubscriptionInfo> updated =
      store_->UpdateSubscription(request.name(), *spec);
  if (!updated.ok()) return ChangeError(updated.status());
  Fill(*updated, *response.mutable_subscription());
  return absl::OkStatus();
}

absl::Status SubscriptionCalls::Delete(const v1::DeleteSubscriptionRequest& request,
                                       v1::DeleteSubscriptionResponse&) {
  return ChangeError(store_->DeleteSubscription(request.name()));
}

absl::StatusOr<Sequence> SubscriptionCalls::PlaceOfSeekCursor(const std::string& cursor) {
  absl::StatusOr<Sequence> place = PlaceOfCursor(cursor, "after_cursor", *store_);
  if (place.ok()) return place;
  return Awaited<Sequence>([&](std::function<void(absl::StatusOr<Sequence>)> done) {
    AdviseResuming(place.status(), cursor, *store_,
                   [done = std::move(done)](absl::Status advised) { done(advised); });
  });
}

absl::StatusOr<Sequence> SubscriptionCalls::PlaceOf(const v1::SeekRequest& request) {
  switch (request.target_case()) {
    case v1::SeekRequest::kPosition:
      if (request.position() == v1::START_POSITION_UNSPECIFIED) {
        return InvalidField("position", "must be EARLIEST or LATEST");
      }
      return PlaceOfPosition(request.position(), v1::START_POSITION_EARLIEST, "position",
                             store_->log());
    case v1::SeekRequest::kTime: {
      const absl::StatusOr<absl::Time> time = FromProto(request.time(), "time");
      if (!time.ok()) return time.status();
      return Awaited<Sequence>([&](std::function<void(absl::StatusOr<Sequence>)> done) {
        store_->log().FindPlace(*time, std::move(done));
      });
    }
    case v1::SeekRequest::kAfterCursor:
      return PlaceOfSeekCursor(request.after_cursor());
    case v1::SeekRequest::TARGET_NOT_SET:
      return InvalidField("target", "is missing");
  }
  return absl::InternalError("a target of no kind");
}

absl::Status SubscriptionCalls::Seek(const v1::SeekRequest& request, v1::SeekResponse& response) {
  if (absl::Status found = store_->GetSubscription(request.name()).status(); !found.ok()) {
    return found;
  }
  const absl::StatusOr<Sequence> place = PlaceOf(request);
  if (!place.ok()) return place.status();
  const absl::Status moved = store_->Seek(request.name(), *place);
  if (absl::IsOutOfRange(moved)) {  // retention came between
    const absl::Status kept = CheckKept(*place, *store_);
    return kept.ok() ? moved : kept;
  }
  if (!moved.ok()) return moved;
  response.set_cursor(FormatCursor(store_->store_id(), *place));
  const auto queue = store_->FindQueue(request.name());
  if (queue.ok()) response.set_backlog_events((*queue)->Stats().backlog_events);
  return absl::OkStatus();
}

absl::Status SubscriptionCalls::Pause(const v1::PauseSubscriptionRequest& request,
                                      v1::PauseSubscriptionResponse&) {
  return store_->SetPaused(request.name(), true);
}

absl::Status SubscriptionCalls::Resume(const v1::ResumeSubscriptionRequest& request,
                                       v1::ResumeSubscriptionResponse&) {
  return store_->SetPaused(request.name(), false);
}

}  // namespace onhook
