#include "clients/cpp/delivery_leases.h"

#include <algorithm>

namespace onhook::client {
namespace {

// As the proto has it. A delivery whose time is nearly over is extended by more than it had.
constexpr absl::Duration kShortestAckDeadline = absl::Seconds(1);
// Whatever is due so soon goes along: deliveries that came together make one request, and there are
// no more than so many requests in a second. Short against half of any deadline.
constexpr absl::Duration kGathering = absl::Milliseconds(100);

}  // namespace

void DeliveryLeases::Add(const v1::Delivery& delivery, absl::Time now) {
  if (!delivery.has_ack_deadline() || max_extension_ <= absl::ZeroDuration()) return;
  const absl::Duration left = absl::Seconds(delivery.ack_deadline().seconds()) +
                              absl::Nanoseconds(delivery.ack_deadline().nanos());
  const Lease lease{std::max(left, kShortestAckDeadline), now + left / 2, now + max_extension_};
  if (lease.due > lease.last) return;
  next_due_ = std::min(next_due_, lease.due);
  leases_.insert_or_assign(delivery.delivery_id(), lease);
}

void DeliveryLeases::Remove(absl::string_view delivery_id) { leases_.erase(delivery_id); }

void DeliveryLeases::Postpone(absl::string_view delivery_id, absl::Time time) {
  const auto found = leases_.find(delivery_id);
  if (found == leases_.end()) return;
  found->second.due = time;
  next_due_ = std::min(next_due_, time);
}

void DeliveryLeases::Lengthen(absl::string_view delivery_id, absl::Duration ack_deadline,
                              absl::Time now) {
  const auto found = leases_.find(delivery_id);
  if (found == leases_.end()) return;
  Lease& lease = found->second;
  lease.ack_deadline = std::max(lease.ack_deadline, ack_deadline);
  lease.due = now + ack_deadline / 2;
  next_due_ = std::min(next_due_, lease.due);
  if (lease.due > lease.last) leases_.erase(found);
}

DeliveryLeases::Extension DeliveryLeases::TakeDue(absl::Time now, size_t most) {
  Extension extension;
  if (now < next_due_) return extension;
  next_due_ = absl::InfiniteFuture();
  for (auto it = leases_.begin(); it != leases_.end();) {
    const auto entry = it++;
    Lease& lease = entry->second;
    // A request asks for one deadline; those with another make the next one.
    const bool fits =
        extension.delivery_ids.empty() ||
        (extension.ack_deadline == lease.ack_deadline && extension.delivery_ids.size() < most);
    if (lease.due <= now + kGathering && fits) {
      extension.ack_deadline = lease.ack_deadline;
      extension.delivery_ids.push_back(entry->first);
      lease.due = now + lease.ack_deadline / 2;
      if (lease.due > lease.last) {
        leases_.erase(entry);
        continue;
      }
    }
    next_due_ = std::min(next_due_, lease.due);
  }
  return extension;
}

}  // namespace onhook::client
