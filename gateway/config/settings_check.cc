#include "gateway/config/settings_check.h"

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "gateway/config/setting_values.h"

namespace onhook {
namespace {

// A callback that waits holds a connection of the contact centre's.
constexpr absl::Duration kLongestWait = absl::Minutes(1);

// An address that is none is somebody else's fault to tell.
bool IsBeyondThisMachine(const std::string& listen) {
  const absl::StatusOr<HostPort> address = ParseHostPort(listen);
  return address.ok() && !IsLoopback(*address);
}

}  // namespace

std::vector<SettingFault> CheckSettings(const Settings& settings) {
  std::vector<SettingFault> faults;
  if (IsBeyondThisMachine(settings.http.server.listen) && !settings.http.allow_unauthenticated) {
    faults.push_back(
        {"http.listen",
         absl::StrCat(settings.http.server.listen,
                      " can be reached from other machines, and the source \"default\" has no "
                      "authentication: "
                      "anybody could post callbacks. Listen on 127.0.0.1, or set "
                      "http.allow_unauthenticated to true if the network keeps strangers out")});
  }
  if (IsBeyondThisMachine(settings.grpc.server.listen) && !settings.grpc.allow_unauthenticated) {
    faults.push_back(
        {"grpc.listen",
         absl::StrCat(
             settings.grpc.server.listen,
             " can be reached from other machines, and subscribers have no authentication: anybody "
             "could read and acknowledge events. Listen on 127.0.0.1, or set "
             "grpc.allow_unauthenticated to true if the network keeps strangers out")});
  }
  const Settings::Acknowledge& acknowledge = settings.acknowledge;
  if (acknowledge.timeout <= absl::ZeroDuration() || acknowledge.timeout > kLongestWait) {
    faults.push_back({"acknowledge.timeout",
                      "must be more than 0s and at most 1m, since the contact centre waits "
                      "meanwhile; to wait for nobody set acknowledge.when to stored"});
  }
  if (acknowledge.when == Settings::Acknowledge::When::kStored &&
      !acknowledge.subscriptions.empty()) {
    faults.push_back({"acknowledge.subscriptions",
                      "names subscriptions, but acknowledge.when is stored, which waits for none"});
  }
  if (settings.shutdown.drain_deadline <= absl::ZeroDuration()) {
    faults.push_back({"shutdown.drain_deadline", "must be more than 0s"});
  }
  std::set<std::string> declared;
  for (const Settings::Subscription& subscription : settings.subscriptions) {
    declared.insert(subscription.name);
  }
  std::set<std::string> named;
  for (const std::string& name : acknowledge.subscriptions) {
    if (!named.insert(name).second) {
      faults.push_back({"acknowledge.subscriptions", absl::StrCat(name, " is named twice")});
    }
    if (declared.count(name) == 0) {
      faults.push_back({"acknowledge.subscriptions",
                        absl::StrCat(name,
                                     " is not declared; add it to subscriptions in the file of "
                                     "settings")});
    }
  }
  return faults;
}

}  // namespace onhook
