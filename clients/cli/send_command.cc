#include <cstdint>
#include <fstream>
#include <memory>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cli/command.h"
#include "clients/cli/printable.h"
#include "clients/cli/send_load.h"
#include "clients/cli/vendor_body.h"
#include "clients/cli/vendor_client.h"
#include "gateway/base/text.h"

namespace onhook::cli {
namespace {

// Far above what the gateway takes, so that its refusal can be tried.
constexpr size_t kMaxFileBytes = 64 << 20;

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

class Send final : public Command {
 public:
  absl::string_view name() const override { return "send"; }
  absl::string_view summary() const override {
    return "plays the contact centre: posts a hang-up callback";
  }
  absl::string_view description() const override {
    return R"(Posts a callback to the gateway as the contact centre would and prints the HTTP status and
the acknowledgment, letter by letter. The callback is one of the vendor's own samples, a file,
or made up: a plausible call with a new callSerialNo, in which --field sets what you like.

Examples:
  onhook send                                          a made-up call
  onhook send --sample javamap                         the vendor's sample, in Java's map form
  onhook send --field called=13800000000 --field releaseReason=5
  onhook send --file body.json --url http://gateway:8080/release-events
  onhook send --count 1000 --concurrency 20            some load, with a summary

Exit codes: 0 every callback was acknowledged (HTTP 200 and retCode "0"); 1 one was not;
2 wrong usage; 3 no answer came.
)";
  }

  void Declare(Arguments& arguments) override {
    arguments.Text("--url", "URL", "Where callbacks go.", &url_text_);
    arguments.Choice("--sample", {"javamap", "json"}, "Posts the vendor's sample in this form.",
                     &sample_);
    arguments.Text("--file", "FILE", "Posts this file's bytes as they are.", &file_);
    arguments.List("--field", "NAME=VALUE", "Sets a field of the made-up callback.", &fields_);
    arguments.Number("--count", "N", 1, 10'000'000,
                     "How many to post. Made-up ones each get their own callSerialNo, unless "
                     "--field sets it; samples and files are repeated.",
                     &count_);
    arguments.Number("--concurrency", "N", 1, 1000, "Over how many connections at once.",
                     &concurrency_);
    arguments.Number("--timeout-ms", "N", 1, 600'000, "How long to wait for an answer.",
                     &timeout_ms_);
    arguments.Switch("--json",
                     "One JSON object for each callback: httpStatus, body (verbatim), "
                     "acknowledged. Not with --count above 1.",
                     &json_);
  }

  absl::Status Check() override {
    const int chosen =
        (sample_.empty() ? 0 : 1) + (file_.empty() ? 0 : 1) + (fields_.empty() ? 0 : 1);
    if (chosen > 1) {
      return absl::InvalidArgumentError("only one of --sample, --file and --field");
    }
    if (json_ && count_ > 1) return absl::InvalidArgumentError("--json shows one callback only");
    absl::StatusOr<VendorUrl> url = ParseVendorUrl(url_text_);
    if (!url.ok()) return url.status();
    url_ = *url;
    absl::StatusOr<MadeUpCallback> made_up = MadeUpCallback::From(fields_);
    if (!made_up.ok()) return made_up.status();
    made_up_ = *std::move(made_up);
    if (sample_.empty() && file_.empty()) return absl::OkStatus();
    absl::StatusOr<std::string> body = sample_.empty() ? ReadBody(file_) : VendorSample(sample_);
    if (!body.ok()) return body.status();
    fixed_body_ = *std::move(body);
    return absl::OkStatus();
  }

  ExitCode Run() override { return count_ == 1 ? SendOne() : SendMany(); }

 private:
  // The serials of one run are consecutive, so they never repeat.
  std::string Body(int64_t n) const {
    if (fixed_body_.has_value()) return *fixed_body_;
    return made_up_->Body(first_serial_ + static_cast<uint64_t>(n), absl::Now());
  }

  ExitCode SendOne() {
    const absl::StatusOr<VendorAnswer> answer =
        VendorClient(url_, absl::Milliseconds(timeout_ms_)).Post(Body(0));
    if (!answer.ok()) return ReportFailure(answer.status());
    std::string text;
    if (json_) {
      absl::StrAppend(&text, "{\"httpStatus\":", answer->http_status, ",\"body\":");
      AppendJsonString(answer->body, text);
      absl::StrAppend(&text, ",\"acknowledged\":", answer->acknowledged ? "true" : "false", "}\n");
    } else {
      text = absl::StrCat("HTTP ", answer->http_status, "\n", Printable(answer->body), "\n");
    }
    if (const absl::Status status = Print(text); !status.ok()) return ReportFailure(status);
    return answer->acknowledged ? kExitOk : kExitNegative;
  }

  ExitCode SendMany() {
    const LoadSummary summary = SendLoad(url_, absl::Milliseconds(timeout_ms_), count_,
                                         concurrency_, [this](int64_t n) { return Body(n); });
    if (const absl::Status status = Print(summary.Text()); !status.ok()) {
      return ReportFailure(status);
    }
    if (summary.latencies.empty()) return kExitFailed;
    return summary.failed() == 0 ? kExitOk : kExitNegative;
  }

  std::string url_text_ = "http://127.0.0.1:8080/release-events";
  std::string sample_;
  std::string file_;
  std::vector<std::string> fields_;
  int64_t count_ = 1;
  int64_t concurrency_ = 1;
  int64_t timeout_ms_ = 10'000;
  bool json_ = false;

  VendorUrl url_;
  std::optional<std::string> fixed_body_;
  std::optional<MadeUpCallback> made_up_;
  const uint64_t first_serial_ = RandomSerial();
};

}  // namespace

std::unique_ptr<Command> SendCommand() { return std::make_unique<Send>(); }

}  // namespace onhook::cli
