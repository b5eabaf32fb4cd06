#include "gateway/config/settings_table.h"

#include <iterator>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gateway/config/setting_rows.h"

namespace onhook {
namespace {

constexpr SettingGroup kGroups[] = {
    {"http", "the port for callbacks"},
    {"callbacks", "what one callback may hold"},
    {"acknowledge", "when a callback is answered with success; a source may say its own"},
    {"store", "what is kept"},
    {"quarantine", "callbacks that were refused and are kept"},
    {"grpc", "the port for subscribers"},
    {"admin", "the port for probes and metrics"},
    {"log", "what is logged"},
    {"shutdown", "how the gateway leaves"},
};

std::vector<Setting> MakeTable() {
  std::vector<Setting> table;
  for (const auto rows :
       {HttpRows, HttpTimeRows, ConnectionRows, HttpTlsRows, CallbackRows, StoreRows, JetStreamRows,
        SpoolRows, QuarantineRows, DeliveryRows, StreamRows, GrpcConnectionRows, GrpcCallRows,
        GrpcTlsRows, AdminRows, AdminTlsRows, ProcessRows}) {
    std::vector<Setting> part = rows();
    std::move(part.begin(), part.end(), std::back_inserter(table));
  }
  return table;
}

}  // namespace

bool Setting::is_list() const { return absl::EndsWith(form, ",..."); }

std::string Setting::Flag() const {
  return absl::StrCat("--", absl::StrReplaceAll(name, {{".", "-"}, {"_", "-"}}));
}

std::string Setting::Variable() const {
  return absl::StrCat("ONHOOK_", absl::AsciiStrToUpper(absl::StrReplaceAll(name, {{".", "_"}})));
}

absl::Span<const Setting> SettingsTable() {
  static const auto* const table = new std::vector<Setting>(MakeTable());
  return *table;
}

absl::Span<const SettingGroup> SettingGroups() { return kGroups; }

absl::string_view GroupOf(const Setting& setting) {
  return setting.name.substr(0, setting.name.find('.'));
}

}  // namespace onhook
