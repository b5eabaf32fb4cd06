#include "gateway/config/config_text.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "gateway/base/text.h"
#include "gateway/config/setting_kinds.h"
#include "gateway/config/setting_values.h"

namespace onhook {
namespace {

using Strings = std::vector<std::string>;

// What YAML takes for a text without quotes, everywhere, and not for nothing.
bool IsPlainText(absl::string_view text) {
  const auto is_safe = [](char c) {
    return absl::ascii_isalnum(c) || c == '_' || c == '.' || c == '/' || c == ':' || c == '-' ||
           c == '+';
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), is_safe) &&
         (absl::ascii_isalnum(text[0]) || text[0] == '/') && text.back() != ':' &&
         !absl::EqualsIgnoreCase(text, "null");
}

std::string Scalar(absl::string_view text) {
  if (IsPlainText(text)) return std::string(text);
  std::string quoted;  // every text of JSON is one of YAML
  AppendJsonString(text, quoted);
  return quoted;
}

template <typename Range>
std::string List(const Range& texts) {
  return absl::StrCat("[",
                      absl::StrJoin(texts, ", ",
                                    [](std::string* out, absl::string_view text) {
                                      absl::StrAppend(out, Scalar(text));
                                    }),
                      "]");
}

std::string List(const std::vector<IpNetwork>& networks) {
  Strings texts;
  for (const IpNetwork& network : networks) texts.push_back(network.ToString());
  return List(texts);
}

std::string DurationOf(const google::protobuf::Duration& duration) {
  return FormatDurationValue(absl::Seconds(duration.seconds()) +
                             absl::Nanoseconds(duration.nanos()));
}

// Lines with their comments, which stand below each other.
class Lines {
 public:
  void Add(size_t depth, std::string text, std::string origin) {
    lines_.emplace_back(std::string(2 * depth, ' ') + std::move(text), std::move(origin));
  }
  std::string Text() const {
    size_t width = 0;
    for (const auto& [text, origin] : lines_) {
      if (text.size() <= kWidest) width = std::max(width, text.size());
    }
    std::string whole;
    for (const auto& [text, origin] : lines_) {
      absl::StrAppend(&whole, text);
      if (!origin.empty()) {
        const size_t gap = text.size() < width ? width - text.size() : 0;
        absl::StrAppend(&whole, std::string(gap + 2, ' '), "# ", Printable(origin));
      }
      absl::StrAppend(&whole, "\n");
    }
    return whole;
  }

 private:
  // A line that is longer does not move the comments of all others.
  static constexpr size_t kWidest = 60;

  // A name of a file may hold anything; a comment ends with its line.
  static std::string Printable(std::string text) {
    for (char& c : text) {
      if (absl::ascii_iscntrl(c)) c = '?';
    }
    return text;
  }

  std::vector<std::pair<std::string, std::string>> lines_;
};

// One source, subscription or identity, as a mapping within a sequence.
class MappingLines {
 public:
  MappingLines(std::string key, const MemberPlaces* places, Lines* lines)
      : key_(std::move(key)), places_(places), lines_(lines) {}

  // `path`: "acknowledge.when". `otherwise`: where it comes from if the file does not say it.
  void Member(absl::string_view path, const std::string& value,
              absl::string_view otherwise = "default") {
    const Strings names = absl::StrSplit(path, '.');
    // The mappings that it is in, those that are not open yet.
    size_t open = 0;
    while (open + 1 < names.size() && open < open_.size() && open_[open] == names[open]) ++open;
    open_.assign(names.begin(), names.end() - 1);
    for (size_t i = open; i + 1 < names.size(); ++i) Add(i, names[i] + ":", "");
    const auto place = places_->find(absl::StrCat(key_, ".", path));
    Add(names.size() - 1, absl::StrCat(names.back(), ": ", value),
        place == places_->end() ? std::string(otherwise) : absl::StrCat("file ", place->second));
  }

 private:
  void Add(size_t depth, const std::string& text, std::string origin) {
    if (first_) {
      lines_->Add(1, "- " + text, std::move(origin));
    } else {
      lines_->Add(2 + depth, text, std::move(origin));
    }
    first_ = false;
  }

  const std::string key_;
  const MemberPlaces* const places_;
  Lines* const lines_;
  Strings open_;
  bool first_ = true;
};

std::string ValueText(const EffectiveSetting& value) {
  if (value.setting->is_list()) {
    const Strings names = absl::StrSplit(value.value, ',', absl::SkipEmpty());
    return List(names);
  }
  return Scalar(value.value);
}

void AddSettings(absl::Span<const EffectiveSetting> values, Lines& lines) {
  Strings open;
  for (const EffectiveSetting& value : values) {
    const Strings names = absl::StrSplit(value.setting->name, '.');
    size_t depth = 0;
    while (depth + 1 < names.size() && depth < open.size() && open[depth] == names[depth]) ++depth;
    for (; depth + 1 < names.size(); ++depth) lines.Add(depth, names[depth] + ":", "");
    open.assign(names.begin(), names.end() - 1);
    lines.Add(depth, absl::StrCat(names.back(), ": ", ValueText(value)), value.origin);
  }
}

void AddAuthentication(const Settings::Source& source, MappingLines& lines) {
  using Enforce = Settings::Source::SharedKey::Enforce;
  if (source.shared_key) {
    const Settings::Source::SharedKey& shared = *source.shared_key;
    lines.Member("authentication.shared_key.key_files", List(shared.key_files));
    lines.Member("authentication.shared_key.replay_window",
                 FormatDurationValue(shared.replay_window));
    lines.Member("authentication.shared_key.enforce",
                 shared.enforce == Enforce::kReject ? "reject" : "report");
  } else if (source.bearer) {
    lines.Member("authentication.bearer.token_files", List(source.bearer->token_files));
  } else if (source.basic) {
    lines.Member("authentication.basic.username", Scalar(source.basic->username));
    lines.Member("authentication.basic.password_files", List(source.basic->password_files));
  } else {
    lines.Member("authentication", "none");
  }
}

void AddSource(const Settings::Source& source, MappingLines lines) {
  lines.Member("name", Scalar(source.name));
  lines.Member("path", Scalar(source.path));
  if (!source.path_token_file.empty()) {
    lines.Member("path_token_file", Scalar(source.path_token_file));
  }
  AddAuthentication(source, lines);
  lines.Member("allowed_networks", List(source.allowed_networks));
  lines.Member("trusted_proxies", List(source.trusted_proxies));
  lines.Member("time_zone", Scalar(source.time_zone));
  const Settings::Acknowledge& acknowledge = source.acknowledge;
  lines.Member("acknowledge.when", FormatAcknowledgeWhen(acknowledge.when), "as acknowledge.when");
  const bool waits_for_none = acknowledge.when == Settings::Acknowledge::When::kStored;
  lines.Member("acknowledge.subscriptions", List(acknowledge.subscriptions),
               waits_for_none ? "none, as stored waits for none" : "as acknowledge.subscriptions");
  lines.Member("acknowledge.timeout", FormatDurationValue(acknowledge.timeout),
               "as acknowledge.timeout");
  lines.Member("answer.always_200", FormatBoolean(source.always_200));
}

void AddIdentity(const Settings::Identity& identity, MappingLines lines) {
  lines.Member("name", Scalar(identity.name));
  if (!identity.certificate.empty()) lines.Member("certificate", Scalar(identity.certificate));
  if (!identity.token_files.empty()) lines.Member("token_files", List(identity.token_files));
  if (identity.unix_socket) lines.Member("unix_socket", FormatBoolean(true));
  lines.Member("subscribe", List(identity.subscribe));
  lines.Member("create", List(identity.create));
  lines.Member("administer", List(identity.administer));
  lines.Member("watch", FormatBoolean(identity.watch));
  lines.Member("read_events", FormatBoolean(identity.read_events));
  lines.Member("rejected_callbacks", FormatBoolean(identity.rejected_callbacks));
  lines.Member("see_numbers", FormatBoolean(identity.see_numbers));
  lines.Member("monitor", FormatBoolean(identity.monitor));
}

// What it does not say is left out: the defaults of a subscription are the store's business.
void AddSubscription(const Settings::Subscription& subscription, MappingLines lines) {
  const v1::SubscriptionSpec& spec = subscription.spec;
  lines.Member("name", Scalar(subscription.name));
  if (spec.start_position() != v1::START_POSITION_UNSPECIFIED) {
    const bool latest = spec.start_position() == v1::START_POSITION_LATEST;
    lines.Member("start_position", latest ? "latest" : "earliest");
  }
  if (spec.has_filter()) {
    lines.Member("filter.sources", List(spec.filter().sources()));
    lines.Member("filter.service_nos", List(spec.filter().service_nos()));
    lines.Member("filter.release_reason_codes", List(spec.filter().release_reason_codes()));
  }
  if (spec.has_ack_deadline()) lines.Member("ack_deadline", DurationOf(spec.ack_deadline()));
  if (spec.has_max_delivery_attempts()) {
    lines.Member("max_delivery_attempts", absl::StrCat(spec.max_delivery_attempts()));
  }
  if (spec.has_unlimited_delivery_attempts()) lines.Member("max_delivery_attempts", "unlimited");
  if (spec.has_minimum_retry_time()) {
    lines.Member("minimum_retry_time", DurationOf(spec.minimum_retry_time()));
  }
  if (spec.has_max_unacked_events()) {
    lines.Member("max_unacked_events", absl::StrCat(spec.max_unacked_events()));
  }
  const v1::BacklogLimit& backlog = spec.backlog_limit();
  if (backlog.has_age()) lines.Member("backlog_limit.age", DurationOf(backlog.age()));
  if (backlog.has_bytes()) {
    lines.Member("backlog_limit.bytes", FormatByteCount(static_cast<size_t>(backlog.bytes())));
  }
}

}  // namespace

std::string ConfigText(absl::Span<const EffectiveSetting> values, const Settings& settings,
                       const MemberPlaces& places) {
  Lines lines;
  AddSettings(values, lines);
  lines.Add(0, "sources:", "");
  for (size_t i = 0; i < settings.sources.size(); ++i) {
    AddSource(settings.sources[i], MappingLines(absl::StrCat("sources[", i, "]"), &places, &lines));
  }
  lines.Add(0, settings.subscriptions.empty() ? "subscriptions: []" : "subscriptions:", "");
  for (size_t i = 0; i < settings.subscriptions.size(); ++i) {
    AddSubscription(settings.subscriptions[i],
                    MappingLines(absl::StrCat("subscriptions[", i, "]"), &places, &lines));
  }
  // An empty list is none, and not written as one: that would be a fault.
  if (!settings.access.empty()) lines.Add(0, "access:", "");
  for (size_t i = 0; i < settings.access.size(); ++i) {
    AddIdentity(settings.access[i], MappingLines(absl::StrCat("access[", i, "]"), &places, &lines));
  }
  return lines.Text();
}

}  // namespace onhook
