#include "gateway/ingress/open_source.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/event/event_filter.h"
#include "gateway/forwarding/receipt_desk.h"
#include "gateway/ingress/authenticator.h"

namespace onhook {
namespace {

AcknowledgePolicy::When WhenOf(Settings::Acknowledge::When when) {
  switch (when) {
    case Settings::Acknowledge::When::kForwarded:
      return AcknowledgePolicy::When::kForwarded;
    case Settings::Acknowledge::When::kStored:
      return AcknowledgePolicy::When::kStored;
    case Settings::Acknowledge::When::kProcessed:
      return AcknowledgePolicy::When::kProcessed;
  }
  return AcknowledgePolicy::When::kProcessed;  // the strictest
}

AcknowledgePolicy PolicyOf(const Settings::Acknowledge& acknowledge, const Settings& settings) {
  AcknowledgePolicy policy;
  policy.when = WhenOf(acknowledge.when);
  policy.timeout = acknowledge.timeout;
  for (const std::string& name : acknowledge.subscriptions) {
    for (const Settings::Subscription& declared : settings.subscriptions) {
      if (declared.name == name) {
        policy.subscriptions.push_back({name, EventFilter(declared.spec.filter())});
      }
    }
  }
  return policy;
}

// What RFC 9110 wants beside a 401. The vendor's scheme has no registered name.
std::string ChallengeOf(const Settings::Source& source) {
  if (source.bearer.has_value()) return "Bearer";
  if (source.basic.has_value()) return "Basic realm=\"onhook\", charset=\"UTF-8\"";
  return "Shared-Key";
}

// Sources that differ from `source` in that each names one of its files.
std::vector<Settings::Source> WithOneSecretEach(const Settings::Source& source) {
  std::vector<Settings::Source> parts;
  if (!source.path_token_file.empty()) {
    Settings::Source& part = parts.emplace_back();
    part.path_token_file = source.path_token_file;
  }
  if (source.shared_key.has_value()) {
    for (const std::string& file : source.shared_key->key_files) {
      Settings::Source& part = parts.emplace_back();
      part.shared_key = source.shared_key;
      part.shared_key->key_files = {file};
    }
  }
  if (source.bearer.has_value()) {
    for (const std::string& file : source.bearer->token_files) {
      parts.emplace_back().bearer = Settings::Source::Bearer{{file}};
    }
  }
  if (source.basic.has_value()) {
    for (const std::string& file : source.basic->password_files) {
      parts.emplace_back().basic = Settings::Source::Basic{source.basic->username, {file}};
    }
  }
  return parts;
}

}  // namespace

absl::StatusOr<CallbackSource> OpenSource(const Settings::Source& source, const Settings& settings,
                                          SecretPool& secrets) {
  absl::StatusOr<std::unique_ptr<Authenticator>> authenticator =
      Authenticator::Open(source, secrets);
  if (!authenticator.ok()) {
    return absl::Status(
        authenticator.status().code(),
        absl::StrCat("source ", source.name, ": ", authenticator.status().message()));
  }
  CallbackSource opened;
  if (!absl::LoadTimeZone(source.time_zone, &opened.time_zone)) {
    return absl::InvalidArgumentError(absl::StrCat("source ", source.name,
                                                   ": time_zone: ", source.time_zone,
                                                   " is unknown here; is tzdata "
                                                   "installed?"));
  }
  opened.name = source.name;
  opened.authenticator = *std::move(authenticator);
  opened.time_zone_name = source.time_zone;
  opened.acknowledge = PolicyOf(source.acknowledge, settings);
  opened.always_200 = source.always_200;
  opened.enforced = !source.shared_key.has_value() ||
                    source.shared_key->enforce == Settings::Source::SharedKey::Enforce::kReject;
  opened.challenge = ChallengeOf(source);
  opened.limits = settings.callbacks;
  opened.keep_raw_body = settings.store.keep_raw_body;
  return opened;
}

absl::StatusOr<std::vector<CallbackSource>> OpenSources(const Settings& settings,
                                                        SecretPool& secrets) {
  std::vector<CallbackSource> sources;
  for (const Settings::Source& source : settings.sources) {
    absl::StatusOr<CallbackSource> opened = OpenSource(source, settings, secrets);
    if (!opened.ok()) return opened.status();
    sources.push_back(*std::move(opened));
  }
  return sources;
}

std::vector<SettingFault> FindSecretFaults(const Settings& settings) {
  const SystemClock clock;
  const Log silent(&clock, LogLevel::kError, Log::Format::kText, [](absl::string_view) {});
  SecretPool secrets(&clock, &silent);
  std::vector<SettingFault> faults;
  for (size_t i = 0; i < settings.sources.size(); ++i) {
    for (const Settings::Source& part : WithOneSecretEach(settings.sources[i])) {
      const auto opened = Authenticator::Open(part, secrets);
      if (opened.ok()) continue;
      // The message begins with the member that names the file.
      const std::pair<absl::string_view, absl::string_view> parts =
          absl::StrSplit(opened.status().message(), absl::MaxSplits(": ", 1));
      faults.push_back({absl::StrCat("sources[", i, "].", parts.first), std::string(parts.second)});
    }
  }
  return faults;
}

}  // namespace onhook
