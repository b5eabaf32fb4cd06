#include "clients/cpp/interop/reports.h"

#include <google/protobuf/util/json_util.h>

#include <cstdio>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/time/time.h"
#include "onhook/event_view.h"
#include "onhook/status.h"

namespace onhook::interop {

Json& Json::Set(const std::string& name, absl::string_view text) {
  (*object_.mutable_fields())[name].set_string_value(std::string(text));
  return *this;
}

Json& Json::Set(const std::string& name, double number) {
  (*object_.mutable_fields())[name].set_number_value(number);
  return *this;
}

Json& Json::Set(const std::string& name, bool flag) {
  (*object_.mutable_fields())[name].set_bool_value(flag);
  return *this;
}

Json& Json::Set(const std::string& name, const Json& object) {
  *(*object_.mutable_fields())[name].mutable_struct_value() = object.object();
  return *this;
}

Json& Json::Set(const std::string& name, const google::protobuf::ListValue& list) {
  *(*object_.mutable_fields())[name].mutable_list_value() = list;
  return *this;
}

Json& Json::SetNull(const std::string& name) {
  (*object_.mutable_fields())[name].set_null_value(google::protobuf::NULL_VALUE);
  return *this;
}

Json& Json::SetOptional(const std::string& name, const std::optional<absl::string_view>& text) {
  return text.has_value() ? Set(name, *text) : SetNull(name);
}

std::string Json::Text(const std::string& name) const {
  const auto found = object_.fields().find(name);
  return found == object_.fields().end() ? std::string() : found->second.string_value();
}

std::optional<double> Json::Number(const std::string& name) const {
  const auto found = object_.fields().find(name);
  if (found == object_.fields().end() || !found->second.has_number_value()) return std::nullopt;
  return found->second.number_value();
}

bool Json::Flag(const std::string& name) const {
  const auto found = object_.fields().find(name);
  return found != object_.fields().end() && found->second.bool_value();
}

void Reports::Write(const std::string& report, Json members) {
  members.Set("report", report);
  std::string line;
  // Of a Struct of our own nothing can fail.
  (void)google::protobuf::util::MessageToJsonString(members.object(), &line);
  line += '\n';
  absl::MutexLock lock(&mutex_);
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fflush(stdout);
}

void Reports::WriteEnd(const absl::Status& status) {
  Json report;
  report.Set("ok", status.ok());
  if (!status.ok()) {
    report.Set("code", CodeName(status))
        .Set("reason", client::ErrorReason(status))
        .Set("message", status.message());
  }
  if (const auto gap = client::GapOf(status); gap.has_value()) {
    report.Set("gap", Json()
                          .Set("oldest_cursor", gap->oldest_cursor)
                          .Set("events_lost", static_cast<double>(gap->events_lost)));
  }
  Write("ended", report);
}

std::string CodeName(const absl::Status& status) { return absl::StatusCodeToString(status.code()); }

std::string Encoded(const v1::ReleaseEvent& event) {
  return absl::Base64Escape(event.SerializeAsString());
}

Json Native(const v1::ReleaseEvent& event) {
  const client::EventView view(event);
  Json native;
  native.SetOptional("call_serial_no", view.call_serial_no())
      .SetOptional("called", view.called())
      .SetOptional("call_data", view.call_data())
      .SetNull("release_time")
      .SetNull("talk_duration_ms")
      .Set("release_reason", client::NameOf(view.release_reason()));
  if (const auto time = view.release_time(); time.has_value()) {
    native.Set("release_time",
               absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", *time, absl::UTCTimeZone()));
  }
  if (const auto duration = view.talk_duration(); duration.has_value()) {
    native.Set("talk_duration_ms", absl::ToDoubleMilliseconds(*duration));
  }
  Json extra;
  for (const auto& [name, value] : view.extra()) extra.Set(name, value);
  native.Set("extra", extra);
  const std::vector<std::pair<const char*, client::EventView::Text>> texts = {
      {"call_data", view.call_data()},
      {"call_serial_no", view.call_serial_no()},
      {"called", view.called()},
      {"caller", view.caller()},
      {"caller_present", view.caller_present()},
      {"location_id", view.location_id()},
      {"recordfile", view.recordfile()},
      {"release_reason_code", view.release_reason_code()},
      {"service_no", view.service_no()}};
  google::protobuf::ListValue unset;
  for (const auto& [name, text] : texts) {
    if (!text.has_value()) unset.add_values()->set_string_value(name);
  }
  return native.Set("unset", unset);
}

}  // namespace onhook::interop
