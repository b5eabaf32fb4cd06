#ifndef ONHOOK_GATEWAY_DELIVERY_RPC_RULES_H_
#define ONHOOK_GATEWAY_DELIVERY_RPC_RULES_H_

#include <optional>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gateway/access/permission.h"

namespace onhook {

// What every RPC of the port takes to be called. An RPC that does not stand here is for nobody, so
// a new one that is forgotten is closed rather than open; a test holds the list against the protos.
struct RpcRule {
  absl::string_view method;  // "/onhook.v1.ReleaseEventService/Subscribe"
  // Nothing: whoever is recognised may call it (health, reflection). One of subscriptions is asked
  // for the subscription that the request names; of a request that names none, for any.
  std::optional<Permission> permission;
  // A second permission that does as well: how a subscription stands may be seen by those who may
  // subscribe and by those who may administer it.
  std::optional<Permission> alternative = std::nullopt;
  // A permission that it takes besides.
  std::optional<Permission> besides = std::nullopt;
  // Whether `permission` must be given for every subscription that there may be.
  bool for_every = false;
  // Whether it changes what is stored, as administration does: then it is logged who did.
  bool changes = false;
};

absl::Span<const RpcRule> RpcRules();

// Null: there is none.
const RpcRule* FindRpcRule(absl::string_view method);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_RPC_RULES_H_
