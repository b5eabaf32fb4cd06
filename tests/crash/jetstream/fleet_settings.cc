#include "tests/crash/jetstream/fleet_settings.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace onhook {
namespace {

// As long as a vendor may wait, and longer than most leaders' elections.
constexpr const char* kTimeout = "2s";

std::string Quoted(const std::vector<std::string>& words) {
  return absl::StrCat("[\"", absl::StrJoin(words, "\", \""), "\"]");
}

}  // namespace

std::vector<std::string> FleetSubscriptions() { return {"holding", "plain", "shared"}; }

std::vector<std::string> FleetSettings::Sources() const {
  std::vector<std::string> sources;
  for (const std::string& mode : modes) sources.push_back(absl::StrCat(mode, "/", mode));
  return sources;
}

std::string FleetSettings::Text() const {
  std::string text = "store:\n";
  if (servers.empty() || !spool_directory.empty()) {
    absl::StrAppend(&text, "  minimum_free_disk: 16MiB\n");
  }
  if (!servers.empty()) {
    absl::StrAppend(&text, "  engine: jetstream\n  jetstream:\n    servers: ", Quoted(servers),
                    "\n    stream: ", stream,
                    "\n    subject_prefix: onhook\n    replicas: ", replicas,
                    "\n    servers_sync_always: ", servers_sync_always ? "true" : "false",
                    "\n    ownership: ", absl::ToInt64Seconds(ownership), "s\n");
    if (!spool_directory.empty()) {
      absl::StrAppend(&text, "  spool: {directory: ", spool_directory, "}\n");
    }
  }
  absl::StrAppend(&text, "sources:\n");
  for (const std::string& mode : modes) {
    absl::StrAppend(&text, "  - {name: ", mode, ", path: /", mode, ", acknowledge: {when: ", mode);
    if (mode != "stored") absl::StrAppend(&text, ", subscriptions: [plain], timeout: ", kTimeout);
    absl::StrAppend(&text, "}}\n");
  }
  absl::StrAppend(&text, "subscriptions:\n");
  for (const std::string& name : FleetSubscriptions()) {
    absl::StrAppend(&text, "  - {name: ", name, ", max_delivery_attempts: unlimited}\n");
  }
  return text;
}

}  // namespace onhook
