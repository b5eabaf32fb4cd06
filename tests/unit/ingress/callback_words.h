#ifndef ONHOOK_TESTS_UNIT_INGRESS_CALLBACK_WORDS_H_
#define ONHOOK_TESTS_UNIT_INGRESS_CALLBACK_WORDS_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "gateway/ingress/callback_parser.h"
#include "gtest/gtest.h"

namespace onhook {

// A callback's words in order, in a shape that GoogleTest compares and prints.
using Words = std::vector<std::pair<std::string, std::optional<std::string>>>;

inline Words WordsOf(absl::string_view body) {
  const absl::StatusOr<VendorFields> fields = ParseCallback(body);
  EXPECT_TRUE(fields.ok()) << fields.status() << "\nof " << body;
  Words words;
  for (size_t i = 0; fields.ok() && i < fields->size(); ++i) {
    std::optional<std::string> value;
    if ((*fields)[i].value.has_value()) value = std::string(*(*fields)[i].value);
    words.emplace_back(std::string((*fields)[i].name), value);
  }
  return words;
}

// The message with which a body is refused.
inline std::string RefusalOf(absl::string_view body) {
  const absl::StatusOr<VendorFields> fields = ParseCallback(body);
  if (fields.ok()) return "accepted";
  EXPECT_EQ(fields.status().code(), absl::StatusCode::kInvalidArgument) << body;
  return std::string(fields.status().message());
}

}  // namespace onhook

#endif  // ONHOOK_TESTS_UNIT_INGRESS_CALLBACK_WORDS_H_
