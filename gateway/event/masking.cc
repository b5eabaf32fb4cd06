#include "gateway/event/masking.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace onhook {
namespace {

constexpr absl::string_view kHidden = "***";
constexpr size_t kShortestShown = 8;

void Hide(std::string& text) {
  if (!text.empty()) text.assign(kHidden.data(), kHidden.size());
}

}  // namespace

std::string MaskNumber(absl::string_view number) {
  if (number.empty()) return std::string();
  const bool ascii = std::all_of(number.begin(), number.end(), [](char c) {
    return absl::ascii_isprint(static_cast<unsigned char>(c));
  });
  if (number.size() < kShortestShown || !ascii) return std::string(kHidden);
  return absl::StrCat(number.substr(0, 3), kHidden, number.substr(number.size() - 2));
}

v1::ReleaseEvent MaskedCopy(const v1::ReleaseEvent& event) {
  v1::ReleaseEvent masked = event;
  if (masked.has_called()) masked.set_called(MaskNumber(event.called()));
  if (masked.has_caller()) masked.set_caller(MaskNumber(event.caller()));
  if (masked.has_caller_present()) masked.set_caller_present(MaskNumber(event.caller_present()));
  if (masked.has_call_data()) Hide(*masked.mutable_call_data());
  if (masked.has_recordfile()) Hide(*masked.mutable_recordfile());
  for (auto& [name, value] : *masked.mutable_extra()) Hide(value);
  return masked;
}

}  // namespace onhook
