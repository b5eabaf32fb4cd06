// The table of gateway/ingress/REFUSALS.md, provoked row by row.
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gateway/base/text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/signed_callback.h"
#include "tests/unit/ingress/callback_handler_fixture.h"

namespace onhook {
namespace {

constexpr char kKey[] = "0123456789abcdef";
constexpr char kCall[] = R"({"callSerialNo":"42","called":"88880067"})";

struct Row {
  std::string label, status, ret_code, ret_msg, outcome, kept, header;
};

std::vector<Row> ReadTable() {
  std::ifstream file(ONHOOK_CALLBACK_REFUSALS_DOCUMENT);
  std::vector<Row> rows;
  for (std::string line; std::getline(file, line);) {
    std::vector<std::string> cells = absl::StrSplit(line, '|');
    for (std::string& cell : cells) absl::StripAsciiWhitespace(&cell);
    if (cells.size() != 10 || cells[1] == "label" || cells[1] == "---") continue;
    rows.push_back({cells[1], cells[2], cells[3], cells[4], cells[5], cells[6], cells[7]});
  }
  return rows;
}

class CallbackRefusalsTest : public CallbackHandlerFixture {
 protected:
  // Posts a callback with a right signature.
  HttpResponse PostSigned(absl::string_view more = "") {
    return Post(SignedCallback(kKey, clock_.Now(), "7",
                               absl::StrCat(R"("callSerialNo":"42","called":"1")", more)));
  }
  void DemandSignature() {
    source_.shared_key = Settings::Source::SharedKey();
    source_.shared_key->key_files = {SecretFile("key", kKey)};
  }

  // How each label is brought about.
  const std::map<std::string, std::function<HttpResponse()>> provocations_ = {
      {"accepted", [this] { return Post(kCall); }},
      {"path", [this] { return Send("POST", "/elsewhere", kCall); }},
      {"method", [this] { return Send("GET", source_.path, ""); }},
      {"network",
       [this] {
         source_.allowed_networks = {*IpNetwork::Parse("198.51.100.0/24")};
         return Post(kCall);
       }},
      {"credentials",
       [this] {
         source_.bearer = Settings::Source::Bearer();
         source_.bearer->token_files = {SecretFile("token", kKey)};
         return Post(kCall);
       }},
      {"malformed", [this] { return Post(""); }},
      {"unsigned",
       [this] {
         DemandSignature();
         return Post(kCall);
       }},
      {"unsignable_name",
       [this] {
         DemandSignature();
         return PostSigned(R"(,"a=b":"1")");
       }},
      {"signature",
       [this] {
         DemandSignature();
         source_.shared_key->key_files = {SecretFile("key", "another key of 16 bytes")};
         return PostSigned();
       }},
      {"replay_window",
       [this] {
         DemandSignature();
         event_log_.FailWith(absl::NotFoundError("no such event"));
         return PostSigned();
       }},
      {"nonce_reused",
       [this] {
         DemandSignature();
         event_log_.FailWith(absl::PermissionDeniedError("another content"));
         return PostSigned();
       }},
      {"invalid_field", [this] { return Post(R"({"callSerialNo":"42"})"); }},
      {"not_forwarded",
       [this] {
         source_.acknowledge = {Settings::Acknowledge::When::kForwarded, {}, absl::ZeroDuration()};
         return Post(kCall);
       }},
      {"not_stored",
       [this] {
         event_log_.FailWith(absl::UnavailableError("the disk is away"));
         return Post(kCall);
       }},
  };

  std::string KeptAs() {
    const std::vector<RejectedCallback> kept = Kept();
    if (kept.empty()) return "-";
    return v1::RejectedCallback::Reason_Name(kept.at(0).callback.reason)
        .substr(sizeof("REASON_") - 1);
  }
  static std::string HeadersOf(const HttpResponse& response) {
    std::vector<std::string> names;
    for (const auto& [name, value] : response.headers) names.push_back(name);
    return names.empty() ? "-" : absl::StrJoin(names, " ");
  }
};

TEST_F(CallbackRefusalsTest, TheTableHasEveryLabelOnce) {
  std::multiset<std::string> written;
  for (const Row& row : ReadTable()) written.insert(row.label);
  std::multiset<std::string> known = {"accepted", "not_forwarded", "not_stored"};
  for (const RejectionRule& rule : RejectionRules()) known.emplace(rule.label);
  EXPECT_EQ(written, known);
  for (const std::string& label : known) EXPECT_EQ(provocations_.count(label), 1u) << label;
}

class CallbackRefusalsRowTest : public CallbackRefusalsTest,
                                public ::testing::WithParamInterface<Row> {};

TEST_P(CallbackRefusalsRowTest, IsAnsweredCountedAndKeptAsTheTableSays) {
  const Row& row = GetParam();
  const HttpResponse response = provocations_.at(row.label)();
  EXPECT_EQ(absl::StrCat(response.status), row.status);
  std::string escaped;
  AppendJsonString(row.ret_msg, escaped);
  EXPECT_EQ(response.body,
            absl::StrCat(R"({"retCode":")", row.ret_code, R"(","retMsg":)", escaped, "}"));
  EXPECT_FALSE(response.close);
  EXPECT_EQ(HeadersOf(response), row.header);
  EXPECT_EQ(KeptAs(), row.kept);
  const std::string source = row.label == "path" ? "" : "default";
  EXPECT_TRUE(Counts(absl::StrCat("onhook_callbacks_total{outcome=\"", row.outcome, "\",source=\"",
                                  source, "\"} 1")));
  if (row.outcome != "rejected") return;
  EXPECT_TRUE(Counts(absl::StrCat("onhook_rejected_callbacks_total{reason=\"", row.label,
                                  "\",source=\"", source, "\"} 1")));
}

INSTANTIATE_TEST_SUITE_P(Refusals, CallbackRefusalsRowTest, ::testing::ValuesIn(ReadTable()),
                         [](const auto& test) { return test.param.label; });

}  // namespace
}  // namespace onhook
