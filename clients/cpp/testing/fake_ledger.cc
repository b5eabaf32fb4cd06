#include "clients/cpp/testing/fake_ledger.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "onhook/event_view.h"

namespace onhook::testing {
namespace {

using client::Settlement;
using State = v1::SubscriptionTimeline;

// As the proto has it.
constexpr int kDefaultPageSize = 100;

Settlement SettlementOf(const v1::NackRequest& request) {
  switch (request.action()) {
    case v1::NackRequest::ACTION_PARK:
      return Settlement::Park(request.reason());
    case v1::NackRequest::ACTION_SKIP:
      return Settlement::Skip(request.reason());
    case v1::NackRequest::ACTION_RELEASE:
      return Settlement::Release(request.reason());
    default:
      if (!request.has_delay()) return Settlement::Retry(request.reason());
      return Settlement::Retry(request.reason(), client::ToDuration(request.delay()));
  }
}

void Except(const std::string& delivery_id, v1::AckResults::Result result,
            v1::AckResults& results) {
  v1::AckResults::Exception& exception = *results.add_exceptions();
  exception.set_delivery_id(delivery_id);
  exception.set_result(result);
}

bool Fits(const v1::ReleaseEvent& event, const v1::ListEventsRequest& request) {
  const absl::Time received = client::ToTime(event.received_at());
  return (request.call_serial_no().empty() || request.call_serial_no() == event.call_serial_no()) &&
         (request.source().empty() || request.source() == event.source()) &&
         (!request.has_received_from() || received >= client::ToTime(request.received_from())) &&
         (!request.has_received_before() || received < client::ToTime(request.received_before()));
}

}  // namespace

std::string FakeLedger::Add(v1::ReleaseEvent event, absl::Time now) {
  if (event.event_id().empty()) event.set_event_id(absl::StrCat("fake-", events_.size() + 1));
  if (!event.has_received_at()) *event.mutable_received_at() = client::ToProto(now);
  events_.push_back(std::move(event));
  return events_.back().event_id();
}

std::optional<v1::Delivery> FakeLedger::HandOut(const std::string& subscription, Holder holder) {
  Debts& debts = subscriptions_[subscription];
  for (size_t index = 0; index < events_.size(); ++index) {
    Debt& debt = debts[index];
    if (debt.state != State::STATE_PENDING) continue;
    debt.state = State::STATE_DELIVERED;
    debt.holder = holder;
    debt.delivery_id = absl::StrCat("delivery-", deliveries_.size() + 1);
    deliveries_[debt.delivery_id] = {subscription, index};
    v1::Delivery delivery;
    delivery.set_delivery_id(debt.delivery_id);
    *delivery.mutable_event() = events_[index];
    delivery.set_cursor(CursorAt(index + 1));
    delivery.set_attempt(debt.attempt);
    delivery.set_redelivery_reason(debt.reason);
    return delivery;
  }
  return std::nullopt;
}

FakeLedger::Debt* FakeLedger::Of(const std::string& delivery_id) {
  const auto found = deliveries_.find(delivery_id);
  if (found == deliveries_.end()) return nullptr;
  return &subscriptions_[found->second.first][found->second.second];
}

void FakeLedger::Note(const std::string& delivery_id, Settlement settlement,
                      std::vector<Outcome>* outcomes) const {
  const auto& [subscription, index] = deliveries_.at(delivery_id);
  outcomes->push_back({subscription, events_[index].event_id(), delivery_id,
                       subscriptions_.at(subscription).at(index).attempt, std::move(settlement)});
}

v1::AckResults FakeLedger::Settle(const v1::AckRequest& request, std::vector<Outcome>* outcomes) {
  v1::AckResults results;
  results.set_request_id(request.request_id());
  for (const std::string& id : request.delivery_ids()) {
    Debt* const debt = Of(id);
    if (debt == nullptr) {
      Except(id, v1::AckResults::RESULT_UNKNOWN, results);
      continue;
    }
    const bool is_owed =
        debt->state == State::STATE_PENDING || debt->state == State::STATE_DELIVERED;
    if (!is_owed) continue;  // once more does no harm
    Note(id, Settlement::Ack(), outcomes);
    debt->state = State::STATE_ACKED;
    debt->holder = nullptr;
  }
  return results;
}

v1::AckResults FakeLedger::Settle(const v1::NackRequest& request, std::vector<Outcome>* outcomes) {
  v1::AckResults results;
  results.set_request_id(request.request_id());
  for (const std::string& id : request.delivery_ids()) {
    Debt* const debt = Of(id);
    if (debt == nullptr) {
      Except(id, v1::AckResults::RESULT_UNKNOWN, results);
      continue;
    }
    if (debt->delivery_id != id || debt->state != State::STATE_DELIVERED) {
      Except(id, v1::AckResults::RESULT_STALE, results);
      continue;
    }
    Note(id, SettlementOf(request), outcomes);
    debt->holder = nullptr;
    debt->state = State::STATE_PENDING;
    switch (request.action()) {
      case v1::NackRequest::ACTION_PARK:
        debt->state = State::STATE_PARKED;
        break;
      case v1::NackRequest::ACTION_SKIP:
        debt->state = State::STATE_SKIPPED;
        break;
      case v1::NackRequest::ACTION_RELEASE:
        debt->reason = v1::Delivery::REDELIVERY_REASON_RELEASED;
        break;
      default:
        debt->reason = v1::Delivery::REDELIVERY_REASON_NACKED;
        ++debt->attempt;
        break;
    }
  }
  return results;
}

v1::AckResults FakeLedger::Extend(const v1::ExtendRequest& request) const {
  v1::AckResults results;
  results.set_request_id(request.request_id());
  for (const std::string& id : request.delivery_ids()) {
    const auto found = deliveries_.find(id);
    if (found == deliveries_.end()) {
      Except(id, v1::AckResults::RESULT_UNKNOWN, results);
      continue;
    }
    const Debt& debt = subscriptions_.at(found->second.first).at(found->second.second);
    if (debt.delivery_id != id || debt.state != State::STATE_DELIVERED) {
      Except(id, v1::AckResults::RESULT_STALE, results);
    }
  }
  return results;
}

void FakeLedger::Release(Holder holder) {
  for (auto& [name, debts] : subscriptions_) {
    for (auto& [index, debt] : debts) {
      if (debt.state != State::STATE_DELIVERED || debt.holder != holder) continue;
      debt.state = State::STATE_PENDING;
      debt.reason = v1::Delivery::REDELIVERY_REASON_STREAM_LOST;
      debt.holder = nullptr;
    }
  }
}

int64_t FakeLedger::HeldBy(Holder holder) const {
  int64_t held = 0;
  for (const auto& [name, debts] : subscriptions_) {
    held += std::count_if(debts.begin(), debts.end(), [&](const auto& entry) {
      return entry.second.state == State::STATE_DELIVERED && entry.second.holder == holder;
    });
  }
  return held;
}

int64_t FakeLedger::BacklogOf(const std::string& subscription) const {
  const auto found = subscriptions_.find(subscription);
  if (found == subscriptions_.end()) return static_cast<int64_t>(events_.size());
  return static_cast<int64_t>(events_.size()) -
         std::count_if(found->second.begin(), found->second.end(), [](const auto& entry) {
           return entry.second.state != State::STATE_PENDING &&
                  entry.second.state != State::STATE_DELIVERED;
         });
}

std::string FakeLedger::CursorAt(size_t index) { return absl::StrCat("fake-cursor-", index); }

absl::StatusOr<size_t> FakeLedger::IndexOf(absl::string_view cursor) const {
  size_t index = 0;
  if (absl::ConsumePrefix(&cursor, "fake-cursor-") && absl::SimpleAtoi(cursor, &index) &&
      index <= events_.size()) {
    return index;
  }
  return absl::InvalidArgumentError("no cursor of this gateway");
}

v1::StoredEvent FakeLedger::Stored(size_t index) const {
  v1::StoredEvent stored;
  *stored.mutable_event() = events_[index];
  stored.set_cursor(CursorAt(index + 1));
  *stored.mutable_stored_at() = events_[index].received_at();
  for (const auto& [name, debts] : subscriptions_) {
    v1::SubscriptionTimeline& timeline = *stored.add_timelines();
    timeline.set_subscription(name);
    timeline.set_state(StateOf(name, events_[index].event_id()));
  }
  return stored;
}

absl::StatusOr<v1::StoredEvent> FakeLedger::Find(absl::string_view event_id) const {
  for (size_t index = 0; index < events_.size(); ++index) {
    if (events_[index].event_id() == event_id) return Stored(index);
  }
  return absl::NotFoundError("no such event");
}

v1::ListEventsResponse FakeLedger::List(const v1::ListEventsRequest& request) const {
  const int most = request.page_size() == 0 ? kDefaultPageSize : request.page_size();
  size_t begin = 0;
  if (!absl::SimpleAtoi(request.page_token(), &begin)) begin = 0;
  v1::ListEventsResponse response;
  for (size_t index = begin; index < events_.size(); ++index) {
    if (!Fits(events_[index], request)) continue;
    if (response.stored_events_size() == most) {
      response.set_next_page_token(absl::StrCat(index));
      break;
    }
    *response.add_stored_events() = Stored(index);
  }
  return response;
}

v1::SubscriptionTimeline::State FakeLedger::StateOf(const std::string& subscription,
                                                    absl::string_view event_id) const {
  const auto debts = subscriptions_.find(subscription);
  if (debts == subscriptions_.end()) return State::STATE_UNSPECIFIED;
  for (size_t index = 0; index < events_.size(); ++index) {
    if (events_[index].event_id() != event_id) continue;
    const auto debt = debts->second.find(index);
    return debt == debts->second.end() ? State::STATE_PENDING : debt->second.state;
  }
  return State::STATE_UNSPECIFIED;
}

}  // namespace onhook::testing
