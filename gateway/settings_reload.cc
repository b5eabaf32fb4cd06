#include "gateway/settings_reload.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/access/access_control.h"
#include "gateway/admin/admin_server.h"
#include "gateway/config/settings_check.h"
#include "gateway/config/settings_difference.h"
#include "gateway/delivery/delivery_server.h"
#include "gateway/forwarding/receipt_desk.h"
#include "gateway/http/http_server.h"
#include "gateway/ingress/callback_handler.h"
#include "gateway/ingress/open_source.h"
#include "gateway/part_options.h"
#include "gateway/standing_warnings.h"
#include "gateway/store/store.h"

namespace onhook {
namespace {

bool Has(const std::vector<std::string>& names, absl::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Whether all that they have is the source that there is when none is given: it lets everybody in.
bool HasSourceOfNobody(const Settings& settings) {
  if (settings.sources.size() != 1) return false;
  Settings other = settings;
  other.sources = Settings().sources;
  other.sources[0].acknowledge = settings.sources[0].acknowledge;
  return !Has(DifferentSettings(other, settings), "sources");
}

// Of a file that somebody is writing, or that was cut off when the disk was full, nothing may be
// left: then all would be as by default, and what shorter retention removes does not come back.
absl::Status CheckSaysSomething(const Invocation& read, const SettingsChange& change) {
  const bool says_something =
      !read.places.empty() ||
      std::any_of(read.values.begin(), read.values.end(), [](const EffectiveSetting& value) {
        return absl::StartsWith(value.origin, "file ");
      });
  const bool changes_something = !change.taken.empty() || !change.waiting.empty();
  if (read.file.empty() || says_something || !changes_something) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      read.file, ": says nothing any more; that all is as by default takes a restart"));
}

// `settings`, all that is taken beside what stays. They were checked as they were read, but then
// beside what takes a restart as it is written, not as it is in use.
absl::Status Check(const Settings& settings, const Settings& in_use) {
  // The ports were opened for a list, or for none; and a file that is being written is empty.
  if (settings.access.empty() && !in_use.access.empty()) {
    return absl::FailedPreconditionError(
        "access: is not given any more; that everybody may do everything takes a restart");
  }
  if (!settings.access.empty() && in_use.access.empty()) {
    return absl::FailedPreconditionError(
        "access: is given now and was not before, which takes a restart");
  }
  if (HasSourceOfNobody(settings) && !HasSourceOfNobody(in_use)) {
    return absl::FailedPreconditionError(
        "sources: are not given any more; that everybody may post callbacks takes a restart");
  }
  std::vector<std::string> lines;
  for (const SettingFault& fault : CheckSettings(settings)) {
    lines.push_back(absl::StrCat(fault.setting, ": ", fault.description,
                                 " (beside what takes a restart, and is as it was)"));
  }
  if (lines.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrJoin(lines, "\n"));
}

// Cannot fail. Those that hold more come before those who ask for it: nonces are kept long enough
// before a source relies on that, and receipts are known by name before a source waits for them.
void Apply(const Settings& settings, std::vector<CallbackSource> sources,
           const SettingsReload::Parts& parts) {
  parts.store->SetLimits(StoreLimitsOf(settings));
  parts.desk->SetOptions(ReceiptDeskOptionsOf(settings));
  parts.handler->SetSources(std::move(sources), settings.quarantine);
  parts.http->SetLimits(HttpOptionsOf(settings));
  parts.delivery->SetLimits(DeliveryOptionsOf(settings));
  parts.admin->SetLimits(settings.admin);
}

}  // namespace

SettingsReload::SettingsReload(Metrics* metrics, const Clock* clock, Log* log)
    : clock_(clock),
      log_(log),
      successful_(metrics->AddGauge("onhook_config_last_reload_successful",
                                    "Whether the settings could be used when they were read last.",
                                    {})),
      success_time_(metrics->AddGauge(
          "onhook_config_last_reload_success_timestamp_seconds",
          "When the settings were last read and could be used, in Unix time.", {})),
      restart_pending_(metrics->AddGauge(
          "onhook_config_restart_pending",
          "Whether the settings that were read last hold a change that takes a restart.", {})) {
  SetSuccessful(true);
}

void SettingsReload::SetSuccessful(bool successful) const {
  successful_.Set(successful ? 1 : 0);
  if (successful) success_time_.Set(absl::ToDoubleSeconds(clock_->Now() - absl::UnixEpoch()));
}

void SettingsReload::Take(const absl::StatusOr<Invocation>& read, const Parts& parts,
                          Settings& in_use) {
  const absl::Status taken = read.ok() ? TakeSettings(*read, parts, in_use) : read.status();
  if (taken.ok()) return;
  SetSuccessful(false);
  for (const absl::string_view fault : absl::StrSplit(taken.message(), '\n')) {
    log_->Error("gateway", "the settings cannot be used, so those before stay in use",
                {{"error", fault}});
  }
}

absl::Status SettingsReload::TakeSettings(const Invocation& read, const Parts& parts,
                                          Settings& in_use) const {
  SettingsChange change = ChangeTo(read.settings, in_use);
  if (absl::Status whole = CheckSaysSomething(read, change); !whole.ok()) return whole;
  if (absl::Status checked = Check(change.settings, in_use); !checked.ok()) return checked;
  absl::StatusOr<std::vector<CallbackSource>> sources =
      OpenSources(change.settings, *parts.secrets);
  if (!sources.ok()) {
    return absl::Status(sources.status().code(),
                        absl::StrCat("sources: ", sources.status().message()));
  }
  if (Has(change.taken, "access")) {
    // The last that can fail, since it is also the first that changes something.
    const absl::Status replaced = parts.access->Replace(change.settings.access);
    if (!replaced.ok()) {
      return absl::Status(replaced.code(), absl::StrCat("access: ", replaced.message()));
    }
  }
  Apply(change.settings, *std::move(sources), parts);
  // Unless it was changed here, somebody may have set another level meanwhile, by hand.
  if (Has(change.taken, "log.level")) log_->set_level(change.settings.log.level);
  in_use = std::move(change.settings);
  restart_pending_.Set(change.waiting.empty() ? 0 : 1);
  SetSuccessful(true);  // whoever reads of it in the log finds the metrics so

  if (change.taken.empty() && change.waiting.empty()) {
    log_->Info("gateway", "the settings were read again");
  }
  if (!change.taken.empty()) {
    log_->Info("gateway", "the settings were read again, and what changed here is in use",
               {{"settings", absl::StrJoin(change.taken, ", ")},
                {"sources", in_use.sources.size()},
                {"identities", in_use.access.size()}});
    for (const std::string& warning : read.warnings) log_->Warning("config", warning);
    LogStandingWarnings(in_use, *log_);
  }
  if (!change.waiting.empty()) {
    log_->Warning("gateway", "the settings were read again; what changed here takes a restart",
                  {{"settings", absl::StrJoin(change.waiting, ", ")}});
  }
  return absl::OkStatus();
}

}  // namespace onhook
