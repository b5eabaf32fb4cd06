#include <algorithm>
#include <cstdint>
#include <fstream>
#include <memory>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cli/command.h"
#include "clients/cli/printable.h"
#include "clients/cli/send_load.h"
#include "clients/cli/sender_flags.h"
#include "clients/cli/vendor_body.h"
#include "clients/cli/vendor_client.h"
#include "clients/cli/vendor_profile.h"
#include "gateway/base/text.h"

namespace onhook::cli {
namespace {

// Far above what the gateway takes, so that its refusal can be tried.
constexpr size_t kMaxFileBytes = 64 << 20;
constexpr size_t kStatusDigits = 3;

constexpr absl::string_view kIntroduction =
    R"(Posts a callback to the gateway as the contact centre would, and prints what it was answered: the
HTTP status, retCode and retMsg. The callback is made up (a plausible call with a new callSerialNo,
in which --field sets what you like), one of the vendor's own samples, or a file.

A profile shapes the made-up callback, so that each rule of the front door can be tried by hand. What
is answered depends on the source's settings; with shared_key.enforce: report, what fails the
signature is answered with success too, and the event says UNVERIFIED. "Success" further needs
somebody who receives, unless the source is set to acknowledge what is stored. "Under shared_key"
means a source that has it; the profiles signed, dropped-nulls, stale, forged and replayed need
--key-file.

)";

constexpr absl::string_view kExamples = R"(
Examples:
  onhook send                                          a made-up call
  onhook send --sample javamap                         the vendor's sample, in Java's map form
  onhook send --field called=13800000000 --field releaseReason=5
  onhook send --file body.json --url http://gateway:8080/release-events
  onhook send --url https://gateway:8080/release-events --ca ca.crt
  onhook send --path /release-events/sales --key-file key --profile replayed --expect 403
  onhook send --path /release-events/sales --path-token-file token --user us --password-file word
  onhook send --count 1000 --concurrency 20            some load, with a summary

Exit codes: 0 every callback was acknowledged (HTTP 200 and retCode "0"), or answered as --expect
says; 1 one was not; 2 wrong usage; 3 no answer came.
)";

absl::StatusOr<std::string> ReadBody(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  if (!file || !(content << file.rdbuf())) {
    return absl::InvalidArgumentError(absl::StrCat("cannot read ", path, ", or it is empty"));
  }
  if (content.str().size() > kMaxFileBytes) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is larger than 64 MiB"));
  }
  return content.str();
}

// 19 digits, as the vendor's own have, with room to count up from it.
uint64_t RandomSerial() {
  std::random_device random;
  return std::uniform_int_distribution<uint64_t>(1'000'000'000'000'000'000,
                                                 8'999'999'999'000'000'000)(random);
}

std::vector<std::string> ProfileNames() {
  std::vector<std::string> names;
  for (const VendorProfile& profile : VendorProfiles()) names.emplace_back(profile.name);
  return names;
}

// What an answer is to be: a success, or, if it is given, an HTTP status or a retCode.
bool IsExpected(const VendorAnswer& answer, const std::string& code) {
  if (code.empty()) return answer.acknowledged;
  return code.size() == kStatusDigits ? absl::StrCat(answer.http_status) == code
                                      : answer.ret_code == code;
}

class Send final : public Command {
 public:
  absl::string_view name() const override { return "send"; }
  absl::string_view summary() const override {
    return "plays the contact centre: posts a hang-up callback";
  }
  absl::string_view description() const override { return description_; }

  void Declare(Arguments& arguments) override {
    sender_.Declare(arguments);
    arguments.Choice("--profile", ProfileNames(),
                     "Shapes the made-up callback; see above. Default: json.", &profile_);
    arguments.List("--field", "NAME=VALUE", "Sets a field of the made-up callback.", &fields_);
    arguments.Choice("--sample", {"javamap", "json"},
                     "Posts the vendor's sample in this form instead.", &sample_);
    arguments.Text("--file", "FILE", "Posts this file's bytes as they are instead.", &file_);
    arguments.Value("--expect", "CODE",
                    "The answer that is success for the exit code: an HTTP status (403) or a "
                    "retCode (2). Of a profile that posts twice, the second answer.",
                    [this](const std::string& value) { return SetExpected(value); });
    arguments.Number("--count", "N", 1, 10'000'000,
                     "How many to post. Made-up ones each get their own callSerialNo, unless "
                     "--field sets it; samples and files are repeated.",
                     &count_);
    arguments.Number("--concurrency", "N", 1, 1000, "Over how many connections at once.",
                     &concurrency_);
    arguments.Number("--timeout-ms", "N", 1, 600'000, "How long to wait for an answer.",
                     &timeout_ms_);
    arguments.Switch("--json",
                     "One JSON object for each callback: profile, httpStatus, retCode, retMsg, "
                     "body (verbatim), acknowledged. Not with --count above 1.",
                     &json_);
  }

  absl::Status Check() override {
    if (absl::Status status = CheckCombinations(); !status.ok()) return status;
    if (absl::Status status = sender_.Check(); !status.ok()) return status;
    absl::StatusOr<MadeUpCallback> made_up = MadeUpCallback::From(fields_);
    if (!made_up.ok()) return made_up.status();
    made_up_ = *std::move(made_up);
    if (sample_.empty() && file_.empty()) return CheckProfile();
    if (!sender_.key().empty()) {
      return absl::InvalidArgumentError("--key-file signs made-up callbacks only");
    }
    absl::StatusOr<std::string> body = sample_.empty() ? ReadBody(file_) : VendorSample(sample_);
    if (!body.ok()) return body.status();
    fixed_body_ = *std::move(body);
    label_ = sample_.empty() ? "file" : absl::StrCat("sample ", sample_);
    return absl::OkStatus();
  }

  ExitCode Run() override { return count_ == 1 ? SendOne() : SendMany(); }

 private:
  absl::Status SetExpected(const std::string& code) {
    const bool digits = std::all_of(code.begin(), code.end(), absl::ascii_isdigit);
    if (code.empty() || code.size() > kStatusDigits || !digits) {
      return absl::InvalidArgumentError("must be an HTTP status of three digits, or a retCode");
    }
    expected_ = code;
    return absl::OkStatus();
  }

  absl::Status CheckCombinations() const {
    const int chosen = (sample_.empty() ? 0 : 1) + (file_.empty() ? 0 : 1) +
                       (fields_.empty() && profile_.empty() ? 0 : 1);
    if (chosen > 1) {
      return absl::InvalidArgumentError(
          "only one of --sample, --file and a made-up callback (--profile, --field)");
    }
    if (count_ == 1) return absl::OkStatus();
    if (json_) return absl::InvalidArgumentError("--json shows one callback only");
    if (!expected_.empty()) {
      return absl::InvalidArgumentError("--expect is about one callback only");
    }
    return absl::OkStatus();
  }

  absl::Status CheckProfile() {
    const VendorProfile& profile = FindVendorProfile(profile_);
    label_ = std::string(profile.name);
    if (profile.needs_key && sender_.key().empty()) {
      return absl::InvalidArgumentError(absl::StrCat("--profile ", label_, " needs --key-file"));
    }
    if (profile.posts > 1 && count_ > 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("--profile ", label_, " goes with --count 1 only"));
    }
    return absl::OkStatus();
  }

  // The serials of one run are consecutive, so they never repeat.
  std::vector<std::string> Bodies(int64_t n) const {
    if (fixed_body_.has_value()) return {*fixed_body_};
    const uint64_t serial = first_serial_ + static_cast<uint64_t>(n);
    const absl::Time now = absl::Now();
    return FindVendorProfile(profile_).bodies(
        {made_up_->Fields(serial, now), sender_.key(), serial, now});
  }

  ExitCode SendOne() {
    VendorClient client(sender_.target(), absl::Milliseconds(timeout_ms_));
    const std::vector<std::string> bodies = Bodies(0);
    bool expected = true;
    for (size_t i = 0; i < bodies.size(); ++i) {
      const absl::StatusOr<VendorAnswer> answer = client.Post(bodies[i]);
      if (!answer.ok()) return ReportFailure(answer.status());
      const absl::Status printed = Print(json_ ? AnswerJson(*answer) : AnswerText(*answer));
      if (!printed.ok()) return ReportFailure(printed);
      expected = expected && IsExpected(*answer, i + 1 < bodies.size() ? "" : expected_);
    }
    return expected ? kExitOk : kExitNegative;
  }

  ExitCode SendMany() {
    const LoadSummary summary = SendLoad(sender_.target(), absl::Milliseconds(timeout_ms_), count_,
                                         concurrency_, [this](int64_t n) { return Bodies(n)[0]; });
    if (const absl::Status status = Print(summary.Text()); !status.ok()) {
      return ReportFailure(status);
    }
    if (summary.latencies.empty()) return kExitFailed;
    return summary.failed() == 0 ? kExitOk : kExitNegative;
  }

  std::string AnswerText(const VendorAnswer& answer) const {
    const std::string begin = absl::StrCat(label_, ": HTTP ", answer.http_status, ", ");
    if (!answer.ret_code.has_value()) {
      return absl::StrCat(begin, "no retCode: ", Printable(answer.body), "\n");
    }
    return absl::StrCat(begin, "retCode ", Printable(*answer.ret_code), ", retMsg ",
                        Printable(answer.ret_msg), "\n");
  }

  std::string AnswerJson(const VendorAnswer& answer) const {
    std::string text = "{\"profile\":";
    AppendJsonString(label_, text);
    absl::StrAppend(&text, ",\"httpStatus\":", answer.http_status);
    if (answer.ret_code.has_value()) {
      text.append(",\"retCode\":");
      AppendJsonString(*answer.ret_code, text);
      text.append(",\"retMsg\":");
      AppendJsonString(answer.ret_msg, text);
    }
    text.append(",\"body\":");
    AppendJsonString(answer.body, text);
    absl::StrAppend(&text, ",\"acknowledged\":", answer.acknowledged ? "true" : "false", "}\n");
    return text;
  }

  const std::string description_ = absl::StrCat(kIntroduction, VendorProfilesHelp(), kExamples);
  SenderFlags sender_;
  std::string profile_;
  std::string sample_;
  std::string file_;
  std::vector<std::string> fields_;
  std::string expected_;
  int64_t count_ = 1;
  int64_t concurrency_ = 1;
  int64_t timeout_ms_ = 10'000;
  bool json_ = false;

  std::string label_;
  std::optional<std::string> fixed_body_;
  std::optional<MadeUpCallback> made_up_;
  const uint64_t first_serial_ = RandomSerial();
};

}  // namespace

std::unique_ptr<Command> SendCommand() { return std::make_unique<Send>(); }

}  // namespace onhook::cli
