#include "gateway/config/settings_file.h"

#include <yaml-cpp/yaml.h>

#include <fstream>
#include <functional>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "gateway/base/text.h"
#include "gateway/config/open_quotes.h"
#include "gateway/config/second_document.h"
#include "gateway/config/setting_values.h"
#include "gateway/config/subscription_spec.h"

namespace onhook {
namespace {

constexpr size_t kLargestFile = 1 << 20;
constexpr int kDeepest = 8;
constexpr absl::string_view kBooleanForm = "true|false";

using TakeNode = std::function<void(const YAML::Node& node)>;
using Members = std::map<std::string, TakeNode>;

// Reads one document into a SettingsFile.
class FileReader {
 public:
  FileReader(std::string name, std::vector<std::string>* faults)
      : name_(std::move(name)), faults_(faults) {}

  SettingsFile Read(const YAML::Node& document) {
    if (document.IsNull()) return std::move(file_);
    if (!document.IsMap()) {
      Fault(document, "settings", "must be mappings of keys and values");
      return std::move(file_);
    }
    TakeMapping(document, "", 0);
    return std::move(file_);
  }

 private:
  std::string Where(const YAML::Node& node) const {
    const YAML::Mark mark = node.Mark();
    return absl::StrCat(name_, ":", mark.line + 1, ":", mark.column + 1);
  }
  void Fault(const YAML::Node& node, const std::string& key, absl::string_view expected) {
    faults_->push_back(absl::StrCat(Where(node), ": ", key, ": ", expected));
  }

  // --- settings of the table

  void TakeMapping(const YAML::Node& mapping, const std::string& prefix, int depth) {
    std::set<std::string> seen;
    for (const auto& entry : mapping) {
      const std::string name = entry.first.Scalar();
      const std::string key = prefix + name;
      if (!seen.insert(key).second) {
        Fault(entry.first, key, "is given twice");
      } else if (absl::StrContains(name, '.')) {
        // It could stand beside the same setting in its mapping, and one of them would be lost.
        Fault(entry.first, key, "no such key; write groups as mappings: http: {listen: ...}");
      } else if (key == "subscriptions") {
        TakeSubscriptions(entry.second);
      } else if (const Setting* setting = Find(key)) {
        TakeSetting(*setting, entry.second);
      } else if (IsGroup(key) && depth < kDeepest) {
        if (entry.second.IsMap()) {
          TakeMapping(entry.second, key + ".", depth + 1);
        } else {
          Fault(entry.second, key, "must be a mapping");
        }
      } else {
        Fault(entry.first, key, "no such setting; see onhookd --help");
      }
    }
  }
  static const Setting* Find(const std::string& name) {
    for (const Setting& setting : SettingsTable()) {
      if (setting.name == name) return &setting;
    }
    return nullptr;
  }
  static bool IsGroup(const std::string& name) {
    for (const Setting& setting : SettingsTable()) {
      if (absl::StartsWith(setting.name, name + ".")) return true;
    }
    return false;
  }
  void TakeSetting(const Setting& setting, const YAML::Node& node) {
    std::string value;
    if (node.IsScalar() && (setting.form != kBooleanForm || IsPlain(node))) {
      value = node.Scalar();
    } else if (node.IsSequence() && setting.form == "NAME,...") {
      value = absl::StrJoin(TakeList(node, std::string(setting.name)), ",");
    } else {
      return Fault(node, std::string(setting.name), absl::StrCat("must be ", setting.form));
    }
    Settings scratch;
    const absl::Status read = setting.read(value, scratch);
    if (!read.ok()) return Fault(node, std::string(setting.name), std::string(read.message()));
    file_.values[&setting] = {value, Where(node)};
  }

  // --- subscriptions

  void TakeSubscriptions(const YAML::Node& sequence) {
    if (!sequence.IsSequence()) return Fault(sequence, "subscriptions", "must be a sequence");
    for (size_t i = 0; i < sequence.size(); ++i) {
      TakeSubscription(sequence[i], absl::StrCat("subscriptions[", i, "]"));
    }
  }
  void TakeSubscription(const YAML::Node& node, const std::string& key) {
    Settings::Subscription subscription;
    v1::SubscriptionSpec& spec = subscription.spec;
    const size_t faults_before = faults_->size();
    const Members members = {
        {"name", [&](const YAML::Node& n) { subscription.name = Text(n, key + ".name"); }},
        {"start_position", [&](const YAML::Node& n) { TakePosition(n, key, spec); }},
        {"filter", [&](const YAML::Node& n) { TakeFilter(n, key, *spec.mutable_filter()); }},
        {"ack_deadline",
         [&](const YAML::Node& n) {
           *spec.mutable_ack_deadline() = Duration(n, key + ".ack_deadline");
         }},
        {"max_delivery_attempts", [&](const YAML::Node& n) { TakeAttempts(n, key, spec); }},
        {"minimum_retry_time",
         [&](const YAML::Node& n) {
           *spec.mutable_minimum_retry_time() = Duration(n, key + ".minimum_retry_time");
         }},
        {"max_unacked_events",
         [&](const YAML::Node& n) {
           spec.set_max_unacked_events(Number(n, key + ".max_unacked_events"));
         }},
        {"backlog_limit",
         [&](const YAML::Node& n) { TakeBacklog(n, key, *spec.mutable_backlog_limit()); }},
        {"expire_after_unused",
         [&](const YAML::Node& n) {
           Fault(n, key + ".expire_after_unused", "declared subscriptions never expire");
         }},
    };
    TakeMembers(node, key, members);
    if (faults_->size() > faults_before) return;
    if (const absl::Status name = CheckSubscriptionName(subscription.name); !name.ok()) {
      return Fault(ValueAt(node, "name"), key + ".name", name.message());
    }
    if (!declared_.insert(subscription.name).second) {
      return Fault(ValueAt(node, "name"), key + ".name", subscription.name + " is declared twice");
    }
    if (const auto fault = FindSpecFault(spec)) {
      return Fault(ValueAt(node, fault->field), absl::StrCat(key, ".", fault->field),
                   fault->description);
    }
    file_.subscriptions.push_back(std::move(subscription));
  }
  void TakeMembers(const YAML::Node& node, const std::string& key, const Members& members) {
    if (!node.IsMap()) return Fault(node, key, "must be a mapping");
    std::set<std::string> seen;
    for (const auto& entry : node) {
      const std::string name = entry.first.Scalar();
      const auto member = members.find(name);
      if (!seen.insert(name).second) {
        Fault(entry.first, absl::StrCat(key, ".", name), "is given twice");
      } else if (member == members.end()) {
        Fault(entry.first, absl::StrCat(key, ".", name), "no such key");
      } else {
        member->second(entry.second);
      }
    }
  }
  void TakePosition(const YAML::Node& node, const std::string& key, v1::SubscriptionSpec& spec) {
    const std::string text = Text(node, key + ".start_position");
    if (text == "earliest") return spec.set_start_position(v1::START_POSITION_EARLIEST);
    if (text == "latest") return spec.set_start_position(v1::START_POSITION_LATEST);
    Fault(node, key + ".start_position", "must be earliest or latest");
  }
  void TakeFilter(const YAML::Node& node, const std::string& key, v1::EventFilter& filter) {
    const auto list = [&](const char* name, auto* field) {
      return [this, name, field, &key](const YAML::Node& n) {
        for (std::string& text : TakeList(n, absl::StrCat(key, ".filter.", name))) {
          *field->Add() = std::move(text);
        }
      };
    };
    TakeMembers(node, key + ".filter",
                {{"sources", list("sources", filter.mutable_sources())},
                 {"service_nos", list("service_nos", filter.mutable_service_nos())},
                 {"release_reason_codes",
                  list("release_reason_codes", filter.mutable_release_reason_codes())}});
  }
  void TakeAttempts(const YAML::Node& node, const std::string& key, v1::SubscriptionSpec& spec) {
    if (node.IsScalar() && node.Scalar() == "unlimited") {
      spec.mutable_unlimited_delivery_attempts();
      return;
    }
    spec.set_max_delivery_attempts(
        static_cast<int32_t>(Number(node, key + ".max_delivery_attempts")));
  }
  void TakeBacklog(const YAML::Node& node, const std::string& key, v1::BacklogLimit& limit) {
    const std::string inside = key + ".backlog_limit";
    TakeMembers(
        node, inside,
        {{"age", [&](const YAML::Node& n) { *limit.mutable_age() = Duration(n, inside + ".age"); }},
         {"bytes", [&](const YAML::Node& n) {
            const absl::StatusOr<size_t> bytes = ParseByteCount(Text(n, inside + ".bytes"));
            if (!bytes.ok())
              return Fault(n, inside + ".bytes", std::string(bytes.status().message()));
            limit.set_bytes(static_cast<int64_t>(*bytes));
          }}});
  }

  // --- values

  // Whether a scalar is written without quotes and tags, as numbers and truth values are.
  static bool IsPlain(const YAML::Node& scalar) { return scalar.Tag() == "?"; }
  // What lies at `path`, keys divided by dots, in `node`: its innermost part that was given.
  static YAML::Node ValueAt(const YAML::Node& node, const std::string& path) {
    YAML::Node place = node;
    for (const absl::string_view key : absl::StrSplit(path, '.')) {
      const YAML::Node& mapping = place;  // as a constant it is not added to
      const YAML::Node member = mapping.IsMap() ? mapping[std::string(key)] : YAML::Node();
      if (!member.IsDefined() || member.IsNull()) break;
      place.reset(member);
    }
    return place;
  }
  std::string Text(const YAML::Node& node, const std::string& key) {
    if (node.IsScalar()) return node.Scalar();
    Fault(node, key, "must be a text");
    return "";
  }
  std::vector<std::string> TakeList(const YAML::Node& node, const std::string& key) {
    std::vector<std::string> list;
    if (!node.IsSequence()) Fault(node, key, "must be a sequence");
    for (size_t i = 0; node.IsSequence() && i < node.size(); ++i) {
      list.push_back(Text(node[i], absl::StrCat(key, "[", i, "]")));
    }
    return list;
  }
  int64_t Number(const YAML::Node& node, const std::string& key) {
    int32_t number = 0;
    if (!node.IsScalar() || !IsPlain(node) || !absl::SimpleAtoi(node.Scalar(), &number)) {
      Fault(node, key, "must be a whole number, without quotes");
    }
    return number;
  }
  google::protobuf::Duration Duration(const YAML::Node& node, const std::string& key) {
    const absl::StatusOr<absl::Duration> duration = ParseDurationValue(Text(node, key));
    if (!duration.ok()) {
      Fault(node, key, std::string(duration.status().message()));
      return {};
    }
    // Not by TimeUtil, which ends the process for what is beyond its own bounds.
    const int64_t milliseconds = absl::ToInt64Milliseconds(*duration);
    google::protobuf::Duration written;
    written.set_seconds(milliseconds / 1000);
    written.set_nanos(static_cast<int32_t>(milliseconds % 1000) * 1000000);
    return written;
  }

  const std::string name_;
  std::vector<std::string>* const faults_;
  std::set<std::string> declared_;  // subscriptions
  SettingsFile file_;
};

// The number of the first line that is no UTF-8, from 1; 0 if all are.
size_t FindWrongLine(absl::string_view text) {
  size_t number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    if (!IsValidUtf8(line)) return number;
  }
  return 0;
}

}  // namespace

SettingsFile ReadSettingsFile(const std::string& path, std::vector<std::string>& faults) {
  std::ifstream stream(path, std::ios::binary);
  // Also a device without end is read no further than that it is too large. Unlike an iterator,
  // this does not throw for a directory.
  std::string text(kLargestFile + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(stream.gcount()));
  if (!stream.is_open() || stream.bad()) {
    faults.push_back(absl::StrCat(path, ": cannot be read"));
    return {};
  }
  return ParseSettingsFile(text, path, faults);
}

SettingsFile ParseSettingsFile(absl::string_view text, const std::string& name,
                               std::vector<std::string>& faults) {
  if (text.size() > kLargestFile) {
    faults.push_back(absl::StrCat(name, ": is larger than ", kLargestFile, " bytes"));
    return {};
  }
  // yaml-cpp lets some of it pass; it would reach clients in messages that they cannot read.
  if (const size_t line = FindWrongLine(text); line > 0) {
    faults.push_back(absl::StrCat(name, ":", line, ":1: is not UTF-8"));
    return {};
  }
  try {
    const std::string yaml(text);
    if (const auto second = FindSecondDocument(yaml)) {
      faults.push_back(absl::StrCat(name, ":", second->line + 1, ":", second->column + 1,
                                    ": the one document of settings ends here"));
      return {};
    }
    const YAML::Node document = YAML::Load(yaml);
    const auto open_quotes = FindOpenQuotes(document, text);
    for (const auto& [line, column] : open_quotes) {
      faults.push_back(absl::StrCat(name, ":", line + 1, ":", column + 1,
                                    ": a quoted text must end on the line where it begins"));
    }
    if (!open_quotes.empty()) return {};
    return FileReader(name, &faults).Read(document);
  } catch (const YAML::Exception& error) {
    faults.push_back(
        absl::StrCat(name, ":", error.mark.line + 1, ":", error.mark.column + 1, ": ", error.msg));
    return {};
  }
}

}  // namespace onhook
