#include "gateway/delivery/rpc_rules.h"

#include <algorithm>
#include <array>

namespace onhook {
namespace {

constexpr std::optional<Permission> kNoOther = std::nullopt;
constexpr bool kForEvery = true;
constexpr bool kForAny = false;
constexpr bool kChanges = true;

// Health and reflection tell nothing of events or subscriptions, and a load balancer or a person at
// a keyboard asks them before anything else.
constexpr std::array<RpcRule, 24> kRules = {{
    // `create_if_missing` takes kCreate too, if the subscription is missing.
    {"/onhook.v1.ReleaseEventService/Subscribe", Permission::kSubscribe},
    {"/onhook.v1.ReleaseEventService/Watch", Permission::kWatch},
    {"/onhook.v1.ReleaseEventService/GetEvent", Permission::kReadEvents},
    {"/onhook.v1.ReleaseEventService/ListEvents", Permission::kReadEvents},
    {"/onhook.v1.SubscriptionService/CreateSubscription", Permission::kCreate, kNoOther, kNoOther,
     kForAny, kChanges},
    {"/onhook.v1.SubscriptionService/GetSubscription", Permission::kSubscribe,
     Permission::kAdminister},
    // Lists those for which one of the two is given.
    {"/onhook.v1.SubscriptionService/ListSubscriptions", Permission::kSubscribe,
     Permission::kAdminister},
    {"/onhook.v1.SubscriptionService/UpdateSubscription", Permission::kAdminister, kNoOther,
     kNoOther, kForAny, kChanges},
    {"/onhook.v1.SubscriptionService/DeleteSubscription", Permission::kAdminister, kNoOther,
     kNoOther, kForAny, kChanges},
    {"/onhook.v1.SubscriptionService/Seek", Permission::kAdminister, kNoOther, kNoOther, kForAny,
     kChanges},
    {"/onhook.v1.SubscriptionService/PauseSubscription", Permission::kAdminister, kNoOther,
     kNoOther, kForAny, kChanges},
    {"/onhook.v1.SubscriptionService/ResumeSubscription", Permission::kAdminister, kNoOther,
     kNoOther, kForAny, kChanges},
    {"/onhook.v1.SubscriptionService/ListDeadLetters", Permission::kAdminister},
    {"/onhook.v1.SubscriptionService/GetDeadLetter", Permission::kAdminister},
    {"/onhook.v1.SubscriptionService/RedriveDeadLetters", Permission::kAdminister, kNoOther,
     kNoOther, kForAny, kChanges},
    {"/onhook.v1.SubscriptionService/DiscardDeadLetters", Permission::kAdminister, kNoOther,
     kNoOther, kForAny, kChanges},
    {"/onhook.v1.RejectedCallbackService/ListRejectedCallbacks", Permission::kRejectedCallbacks},
    // A body cannot be masked, since it could not be read.
    {"/onhook.v1.RejectedCallbackService/GetRejectedCallback", Permission::kRejectedCallbacks,
     kNoOther, Permission::kSeeNumbers},
    {"/onhook.v1.RejectedCallbackService/ReparseRejectedCallbacks", Permission::kRejectedCallbacks,
     kNoOther, kNoOther, kForAny, kChanges},
    {"/onhook.v1.RejectedCallbackService/DiscardRejectedCallbacks", Permission::kRejectedCallbacks,
     kNoOther, kNoOther, kForAny, kChanges},
    // All there is goes out, as it is.
    {"/onhook.v1.BackupService/CreateBackup", Permission::kAdminister, kNoOther,
     Permission::kSeeNumbers, kForEvery},
    {"/grpc.health.v1.Health/Check", std::nullopt},
    {"/grpc.health.v1.Health/Watch", std::nullopt},
    {"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", std::nullopt},
}};

}  // namespace

absl::Span<const RpcRule> RpcRules() { return kRules; }

const RpcRule* FindRpcRule(absl::string_view method) {
  const auto* const found = std::find_if(
      kRules.begin(), kRules.end(), [&](const RpcRule& rule) { return rule.method == method; });
  return found == kRules.end() ? nullptr : found;
}

}  // namespace onhook
