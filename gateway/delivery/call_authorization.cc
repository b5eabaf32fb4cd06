#include "gateway/delivery/call_authorization.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/config/subscription_spec.h"
#include "gateway/delivery/grpc_status.h"
#include "gateway/delivery/peer_credentials.h"

namespace onhook {
namespace {

// Whatever else somebody sent is nothing to log or to repeat.
std::string Tellable(const std::optional<std::string>& subscription) {
  const bool is_name = subscription.has_value() && CheckSubscriptionName(*subscription).ok();
  return is_name ? *subscription : std::string();
}

absl::Status CheckOne(const Caller& caller, Permission permission,
                      const std::optional<std::string>& subscription) {
  const bool of_subscription = IsOfSubscriptions(permission) && subscription.has_value();
  std::optional<absl::string_view> about;
  if (of_subscription) about = *subscription;
  absl::Status allowed = caller.Check(permission, about);
  if (allowed.ok()) return allowed;
  const std::string name(PermissionName(permission));
  std::map<std::string, std::string> metadata = {{"permission", name}, {"identity", caller.name()}};
  if (of_subscription) {
    if (std::string told = Tellable(subscription); !told.empty()) {
      metadata["subscription"] = std::move(told);
    } else {
      allowed = absl::PermissionDeniedError(
          absl::StrCat("identity \"", caller.name(), "\" lacks the permission ", name,
                       " for what cannot be the name of a subscription"));
    }
  }
  return WithReason(allowed, kReasonPermissionDenied, metadata);
}

}  // namespace

CallAuthorization::CallAuthorization(const Surroundings& surroundings, absl::string_view method,
                                     const grpc::CallbackServerContext& context)
    : surroundings_(surroundings),
      method_(method),
      rule_(FindRpcRule(method)),
      credentials_(PeerCredentialsOf(context)),
      peer_(context.peer()) {}

void CallAuthorization::SetSubscription(absl::string_view subscription) {
  absl::MutexLock lock(&mutex_);
  subscription_ = std::string(subscription);
  decided_ = false;
}

bool CallAuthorization::IsStale() const {
  return !decided_ || generation_ != surroundings_.access->generation() ||
         absl::ToUnixNanos(surroundings_.clock->Now()) >= valid_until_ns_;
}

absl::Status CallAuthorization::Check() {
  if (surroundings_.access == nullptr || !IsStale()) return absl::OkStatus();
  return Decide();
}

absl::Status CallAuthorization::CheckAlso(Permission permission) {
  if (surroundings_.access == nullptr) return absl::OkStatus();
  if (absl::Status checked = Check(); !checked.ok()) return checked;
  std::optional<Caller> caller;
  Subscription subscription;
  {
    absl::MutexLock lock(&mutex_);
    caller = caller_;
    subscription = subscription_;
  }
  const absl::Status allowed = CheckOne(*caller, permission, subscription);
  return allowed.ok() ? allowed : Refuse(allowed, caller->name());
}

absl::Status CallAuthorization::Decide() {
  while (true) {
    Subscription subscription;
    {
      absl::MutexLock lock(&mutex_);
      if (!refused_.ok()) return refused_;
      subscription = subscription_;
    }
    // Before asking: what changes meanwhile makes the answer stale at once.
    const uint64_t generation = surroundings_.access->generation();
    const absl::StatusOr<Caller> caller =
        surroundings_.access->Identify(AccessControl::Port::kGrpc, credentials_);
    if (!caller.ok()) return Refuse(WithReason(caller.status(), kReasonUnauthenticated), "");
    absl::Status allowed = CheckRule(*caller, subscription);
    if (allowed.ok()) allowed = CountConnection(*caller);
    if (!allowed.ok()) return Refuse(allowed, caller->name());
    absl::MutexLock lock(&mutex_);
    if (!refused_.ok()) return refused_;                                // by another thread
    if (subscription != subscription_) continue;                        // set meanwhile
    if (decided_ && generation < generation_) return absl::OkStatus();  // others know more
    caller_ = *caller;
    generation_ = generation;
    valid_until_ns_ = absl::ToUnixNanos(caller->valid_until());  // an infinite time saturates
    decided_ = true;
    return absl::OkStatus();
  }
}

absl::Status CallAuthorization::CheckRule(const Caller& caller,
                                          const Subscription& subscription) const {
  if (rule_ == nullptr) {
    return WithReason(absl::PermissionDeniedError("nobody may make this call"),
                      kReasonPermissionDenied, {{"identity", caller.name()}});
  }
  if (rule_->besides.has_value()) {
    absl::Status allowed = CheckOne(caller, *rule_->besides, subscription);
    if (!allowed.ok()) return allowed;
  }
  if (!rule_->permission.has_value()) return absl::OkStatus();
  if (rule_->for_every) {
    return WithReason(caller.CheckForEvery(*rule_->permission), kReasonPermissionDenied,
                      {{"permission", std::string(PermissionName(*rule_->permission))},
                       {"identity", caller.name()},
                       {"subscription", "*"}});
  }
  absl::Status allowed = CheckOne(caller, *rule_->permission, subscription);
  if (allowed.ok() || !rule_->alternative.has_value()) return allowed;
  return CheckOne(caller, *rule_->alternative, subscription).ok() ? absl::OkStatus() : allowed;
}

absl::Status CallAuthorization::CountConnection(const Caller& caller) const {
  if (surroundings_.ledger == nullptr) return absl::OkStatus();
  const absl::Status counted = surroundings_.ledger->Attribute(peer_, caller.name());
  return counted.ok() ? counted
                      : WithReason(counted, kReasonTooManyConnections,
                                   {{"identity", caller.name()}, {"limit", "identity"}});
}

absl::Status CallAuthorization::Refuse(absl::Status why, absl::string_view identity) {
  {
    absl::MutexLock lock(&mutex_);
    if (!refused_.ok()) return refused_;
    refused_ = why;
    decided_ = false;
  }
  if (surroundings_.refusals != nullptr) surroundings_.refusals->Note(why, method_, identity);
  return why;
}

bool CallAuthorization::May(Permission permission,
                            std::optional<absl::string_view> subscription) const {
  if (surroundings_.access == nullptr) return true;
  absl::MutexLock lock(&mutex_);
  return refused_.ok() && caller_.has_value() && caller_->May(permission, subscription);
}

std::string CallAuthorization::identity() const {
  absl::MutexLock lock(&mutex_);
  return caller_.has_value() ? caller_->name() : std::string();
}

std::string CallAuthorization::subscription() const {
  absl::MutexLock lock(&mutex_);
  return Tellable(subscription_);
}

}  // namespace onhook
