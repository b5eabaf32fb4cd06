#ifndef ONHOOK_TESTS_UNIT_INGRESS_AUTHENTICATOR_FIXTURE_H_
#define ONHOOK_TESTS_UNIT_INGRESS_AUTHENTICATOR_FIXTURE_H_

#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "absl/types/variant.h"
#include "gateway/ingress/authenticator.h"
#include "gateway/ingress/signature.h"
#include "gtest/gtest.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_directory.h"

namespace onhook {

// One source, whose secrets lie in files named after what they are.
class AuthenticatorFixture : public ::testing::Test {
 protected:
  using Enforce = Settings::Source::SharedKey::Enforce;
  using Headers = std::vector<HttpHeader>;
  using Words = std::vector<std::pair<std::string, std::string>>;

  static constexpr absl::string_view kToken = "Secret_path-token.1";
  static constexpr absl::string_view kKey = "0123456789abcdef";

  AuthenticatorFixture() { source_.path = "/release-events/sales"; }

  std::string File(absl::string_view name, absl::string_view content) {
    const std::string path = absl::StrCat(directory_.path(), "/", name);
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }
  // Writes the file anew and lets the time pass in which nobody looks.
  void Change(absl::string_view name, absl::string_view content) {
    File(name, content);
    clock_.Advance(absl::Seconds(1));
  }

  void UsePathToken() { source_.path_token_file = File("path", absl::StrCat(kToken, "\n")); }
  void UseBearer() {
    source_.bearer.emplace();
    source_.bearer->token_files = {File("current", "current-token-1=="),
                                   File("previous", "previous+token/1")};
  }
  void UseBasic() {
    source_.basic.emplace();
    source_.basic->username = "vendor";
    source_.basic->password_files = {File("current", "pass:word \xC3\xBC"),
                                     File("previous", "password-2")};
  }
  void UseSharedKey(Enforce enforce = Enforce::kReject) {
    source_.shared_key = Settings::Source::SharedKey();
    source_.shared_key->key_files = {File("current", kKey), File("previous", "previous-key-of-16")};
    source_.shared_key->enforce = enforce;
  }

  // The source as it has been set up.
  Authenticator& Opened() {
    if (opened_ == nullptr) {
      auto opened = Authenticator::Open(source_, secrets_);
      EXPECT_TRUE(opened.ok()) << opened.status();
      opened_ = *std::move(opened);
    }
    return *opened_;
  }
  std::string RefusalToOpen() {
    const absl::Status status = Authenticator::Open(source_, secrets_).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    return std::string(status.message());
  }

  absl::optional<Distrust> CheckRequest(const Headers& headers,
                                        absl::string_view peer = "192.0.2.1") {
    HttpRequest request;
    request.peer = peer;
    request.headers = headers;
    return Opened().CheckRequest(request);
  }
  bool LetsIn(const std::string& authorization) {
    const auto distrust = CheckRequest({{"Host", "x"}, {"Authorization", authorization}});
    EXPECT_TRUE(!distrust.has_value() || *distrust == Distrust::kCredentials) << authorization;
    return !distrust.has_value();
  }
  bool LetsInBasic(absl::string_view credentials) {
    return LetsIn(absl::StrCat("Basic ", absl::Base64Escape(credentials)));
  }

  absl::variant<Proof, Distrust> CheckFields(const Words& words,
                                             ReplayWindow window = ReplayWindow::kEnforced) {
    return Opened().CheckFields(FieldsOf(words), clock_.Now(), window);
  }
  // Of fields that are let in.
  Proof ProofOf(const Words& words, ReplayWindow window = ReplayWindow::kEnforced) {
    const auto checked = CheckFields(words, window);
    EXPECT_TRUE(absl::holds_alternative<Proof>(checked)) << DistrustName(DistrustOf(checked));
    return absl::holds_alternative<Proof>(checked) ? absl::get<Proof>(checked) : Proof();
  }
  static Distrust DistrustOf(const absl::variant<Proof, Distrust>& checked) {
    const auto* distrust = absl::get_if<Distrust>(&checked);
    EXPECT_NE(distrust, nullptr) << "was let in";
    return distrust == nullptr ? Distrust::kNetwork : *distrust;
  }

  // An empty value stands for null: no signature field of these tests is empty.
  static VendorFields FieldsOf(const Words& words) {
    VendorFields fields;
    for (const auto& [name, value] : words) {
      VendorFields::Value text;
      if (!value.empty()) text = value;
      EXPECT_TRUE(fields.Add(name, text)) << name;
    }
    return fields;
  }
  static Words Signed(Words words, absl::string_view key = kKey) {
    words.emplace_back("signature", Sign(key, FieldsOf(words), AbsentFields::kLeftOut));
    return words;
  }
  std::string Milliseconds(absl::Duration from_now = absl::ZeroDuration()) const {
    return absl::StrCat(absl::ToUnixMillis(clock_.Now() + from_now));
  }
  Words Callback(const std::string& timestamp, const std::string& nonce = "-42") const {
    return {{"callSerialNo", "1197765398201387012"},
            {"called", "88880067"},
            {"callData", "order 42"},
            {"timestamp", timestamp},
            {"nonce", nonce}};
  }

  TemporaryDirectory directory_;
  ManualClock clock_;
  Log log_{&clock_, LogLevel::kError, Log::Format::kText, [](absl::string_view) {}};
  SecretPool secrets_{&clock_, &log_};
  Settings::Source source_;
  std::unique_ptr<Authenticator> opened_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_UNIT_INGRESS_AUTHENTICATOR_FIXTURE_H_
