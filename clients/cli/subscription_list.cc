#include "clients/cli/subscription_list.h"

namespace onhook::cli {

absl::StatusOr<std::vector<v1::Subscription>> ListSubscriptions(const client::Client& client) {
  std::vector<v1::Subscription> all;
  v1::ListSubscriptionsRequest request;
  do {
    v1::ListSubscriptionsResponse page;
    const absl::Status status = client.Administer(
        &v1::SubscriptionService::StubInterface::ListSubscriptions, request, &page);
    if (!status.ok()) return status;
    all.insert(all.end(), page.subscriptions().begin(), page.subscriptions().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return all;
}

}  // namespace onhook::cli
