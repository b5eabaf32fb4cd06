#ifndef ONHOOK_CLIENTS_CLI_SUBSCRIPTION_LIST_H_
#define ONHOOK_CLIENTS_CLI_SUBSCRIPTION_LIST_H_

#include <vector>

#include "absl/status/statusor.h"
#include "onhook/client.h"

namespace onhook::cli {

// All subscriptions by name, with their statistics, over as many pages as there are. Blocking: as
// Client::Administer, for each page. Errors: the same.
absl::StatusOr<std::vector<v1::Subscription>> ListSubscriptions(const client::Client& client);

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_SUBSCRIPTION_LIST_H_
