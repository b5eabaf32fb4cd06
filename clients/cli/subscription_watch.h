#ifndef ONHOOK_CLIENTS_CLI_SUBSCRIPTION_WATCH_H_
#define ONHOOK_CLIENTS_CLI_SUBSCRIPTION_WATCH_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "onhook/v1/subscription.pb.h"

namespace onhook::cli {

// What `onhook subscriptions watch` shows: how subscriptions stand, and how fast they get on.

// Events settled per second between two looks at one subscription, `between` apart. Nothing, where
// the difference means nothing: the gateway was restarted, the subscription was made anew, or no
// time has passed.
std::optional<double> SettleRate(const v1::Subscription& before, const v1::Subscription& now,
                                 absl::Duration between);

// A subscription at one look.
struct WatchedSubscription {
  v1::Subscription subscription;
  std::optional<double> settle_rate;
};

// Turns look after look into rates. Threads: one.
class SettleMeter {
 public:
  std::vector<WatchedSubscription> Look(const std::vector<v1::Subscription>& subscriptions,
                                        absl::Time now);
  // What comes next has nothing to be compared with.
  void Forget() { before_.clear(); }

 private:
  std::map<std::string, v1::Subscription> before_;
  absl::Time looked_at_;
};

// One line for each subscription under a line of headings.
std::string WatchTable(const std::vector<WatchedSubscription>& watched);

// One JSON object with its newline: {"time":...,"settledPerSecond":...,"subscription":{...}}, the
// last being the API's message; settledPerSecond is left out where it is not known.
std::string WatchJson(const WatchedSubscription& watched, absl::Time now);

// `text` as it overwrites the last one on a terminal of so many lines, without flicker. What does
// not fit is cut off, and said so.
std::string Redrawn(absl::string_view text, int terminal_lines);

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_SUBSCRIPTION_WATCH_H_
