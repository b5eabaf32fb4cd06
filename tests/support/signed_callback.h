#ifndef ONHOOK_TESTS_SUPPORT_SIGNED_CALLBACK_H_
#define ONHOOK_TESTS_SUPPORT_SIGNED_CALLBACK_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/ingress/callback_parser.h"
#include "gateway/ingress/signature.h"
#include "gtest/gtest.h"

namespace onhook {

// A JSON callback of `words` (members, without braces), signed with `key` at `at`.
inline std::string SignedCallback(absl::string_view key, absl::Time at, absl::string_view nonce,
                                  absl::string_view words) {
  const std::string proved = absl::StrCat("{", words, R"(,"nonce":")", nonce, R"(","timestamp":")",
                                          absl::ToUnixMillis(at), "\"");
  const absl::StatusOr<VendorFields> fields = ParseCallback(absl::StrCat(proved, "}"));
  EXPECT_TRUE(fields.ok()) << fields.status() << " of " << words;
  return absl::StrCat(proved, R"(,"signature":")", Sign(key, *fields, AbsentFields::kLeftOut),
                      "\"}");
}

}  // namespace onhook

#endif  // ONHOOK_TESTS_SUPPORT_SIGNED_CALLBACK_H_
