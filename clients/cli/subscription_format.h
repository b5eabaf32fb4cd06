#ifndef ONHOOK_CLIENTS_CLI_SUBSCRIPTION_FORMAT_H_
#define ONHOOK_CLIENTS_CLI_SUBSCRIPTION_FORMAT_H_

#include <google/protobuf/message.h>

#include <string>
#include <vector>

#include "onhook/v1/subscription.pb.h"

namespace onhook::cli {

// How subscriptions are printed. Pure functions; threads: any. What comes from the gateway is
// escaped by Printable.

// What a subscription is set to, a line for each value, those that are not set with their default;
// and how it stands, if it says so.
std::string SubscriptionText(const v1::Subscription& subscription);

// One line for each subscription under a line of headings; how it stands.
std::string SubscriptionTable(const std::vector<v1::Subscription>& subscriptions);

// "active", or what else there is to say: "paused, declared, 12 given up".
std::string StateText(const v1::Subscription& subscription);

// "3m12s", or "-" if it owes nothing.
std::string OldestText(const v1::SubscriptionStats& stats);

// `message` in protobuf's JSON mapping, one line with its newline. A count of 0 is printed too:
// programs compute with it.
std::string JsonText(const google::protobuf::Message& message);

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_SUBSCRIPTION_FORMAT_H_
