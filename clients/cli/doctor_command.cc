#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "clients/cli/admin_port.h"
#include "clients/cli/advice.h"
#include "clients/cli/command.h"
#include "clients/cli/connection_flags.h"
#include "clients/cli/diagnosis.h"
#include "clients/cli/metrics_text.h"
#include "clients/cli/printable.h"
#include "clients/cli/server_certificate.h"
#include "clients/cli/subscription_list.h"
#include "gateway/config/setting_values.h"

namespace onhook::cli {
namespace {

constexpr absl::string_view kDefaultAdmin = "127.0.0.1:8081";

// A failure in the words that every command uses.
Finding Failed(std::string subject, const absl::Status& status) {
  absl::string_view advice = "";
  const std::string words = Advice(status);
  advice = words;
  absl::ConsumePrefix(&advice, "; ");
  return {Verdict::kProblem, std::move(subject), Printable(status.message()), Printable(advice)};
}

class Doctor final : public Command {
 public:
  absl::string_view name() const override { return "doctor"; }
  absl::string_view summary() const override {
    return "looks whether all is well, and says what to do";
  }
  absl::string_view description() const override {
    return R"(Asks a gateway for what usually goes wrong, and says what to do about it. Changes nothing.

Over gRPC: the connection and who this client is, subscriptions that nobody reads or that lag, dead
letters. Over the port for administration: whether callbacks are taken, both clocks and versions, the
disk, settings and certificates that could not be read again, certificates that expire, callbacks that
were refused. And this client's own certificate.

The port for administration is asked if the gateway is on this machine, or if --admin names it. From
elsewhere it is reached with, for instance, `kubectl port-forward`.

Each line begins with what it means:
  ok        as it should be
  note      not looked at, or nothing to judge
  warning   works; somebody should look at it soon
  problem   does not work, or will not for long

Examples:
  onhook doctor
  onhook doctor --server gateway:50051 --ca ca.crt --cert crm.crt --key crm.key
  onhook doctor --admin https://gateway:8081 --ca ca.crt --token-file operator.token
  onhook doctor --json | jq -r 'select(.verdict == "problem") | .advice'

Exit codes: 0 no problem; 1 there is one; 2 wrong usage; 3 the gateway was not reached over gRPC.
)";
  }
  void Declare(Arguments& arguments) override {
    connection_.DeclareServer(arguments);
    arguments.Text("--admin", "HOST:PORT",
                   "The gateway's port for administration, also behind https://, which then takes "
                   "--ca, --cert and --key. Without it, 127.0.0.1:8081 if --server is on this "
                   "machine.",
                   &admin_);
    arguments.Switch("--json", "One JSON object a line: verdict, subject, seen, advice.", &json_);
  }

  ExitCode Run() override {
    ExamineCertificate();
    const absl::StatusOr<client::Client> client = connection_.Connect();
    if (!client.ok() && IsOfFlags(client.status())) return ReportFailure(client.status());
    if (client.ok()) {
      Add({Verdict::kOk, "connection", absl::StrCat(connection_.server(), " is reached"), ""});
      ExamineSubscriptions(*client);
    } else {
      Add(Failed("connection", client.status()));
    }
    if (absl::Status examined = ExamineAdminPort(); !examined.ok()) {
      Say(examined.message());
      return kExitUsage;
    }
    const absl::Status printed = Print(json_ ? FindingsJson(findings_) : FindingsText(findings_));
    if (!printed.ok()) return ReportFailure(printed);
    if (!client.ok()) return kExitFailed;
    return Worst(findings_) == Verdict::kProblem ? kExitNegative : kExitOk;
  }

 private:
  void Add(Finding finding) { findings_.push_back(std::move(finding)); }
  void Add(std::vector<Finding> findings) {
    for (Finding& finding : findings) findings_.push_back(std::move(finding));
  }

  void ExamineCertificate() {
    const std::string& file = connection_.security().certificate_file;
    if (file.empty()) return;
    const absl::StatusOr<absl::Time> good_until = CertificateExpiry(file);
    // What is wrong with the file is told by the connection.
    if (!good_until.ok()) return;
    Add(JudgeExpiry("own certificate", *good_until, absl::Now(),
                    absl::StrCat("whoever issued ", file, " issues another")));
  }

  void ExamineSubscriptions(const client::Client& client) {
    const absl::StatusOr<std::vector<v1::Subscription>> all = ListSubscriptions(client);
    if (all.ok()) {
      Add(JudgeSubscriptions(*all));
    } else {
      Add(Failed("subscriptions", all.status()));
    }
  }

  // Whether the gateway is on this machine, as far as its address tells.
  bool IsHere() const {
    if (absl::StartsWith(connection_.server(), "unix:")) return true;
    const absl::StatusOr<HostPort> address = ParseHostPort(connection_.server());
    return address.ok() && IsLoopback(*address);
  }

  // An error is one of usage.
  absl::Status ExamineAdminPort() {
    if (admin_.empty() && !IsHere()) {
      Add({Verdict::kNote, "port for administration", "not asked: it was not named",
           "--admin HOST:PORT names it"});
      return absl::OkStatus();
    }
    const std::string address = admin_.empty() ? std::string(kDefaultAdmin) : admin_;
    absl::StatusOr<std::unique_ptr<AdminPort>> port =
        AdminPort::Open(address, connection_.security());
    if (!port.ok()) return port.status();
    const absl::Time asked = absl::Now();
    const absl::StatusOr<AdminPort::Answer> ready = (*port)->Get("/readyz");
    if (!ready.ok()) {
      Add(Failed("port for administration", ready.status()));
      return absl::OkStatus();
    }
    const absl::Time answered = absl::Now();
    Add(JudgeReadiness(ready->http_status, ready->body));
    if (const absl::StatusOr<absl::Time> date = ParseHttpDate(ready->date); date.ok()) {
      Add(JudgeClock(*date, asked, answered));
    }
    ExamineMetrics(**port);
    return absl::OkStatus();
  }

  void ExamineMetrics(AdminPort& port) {
    const absl::StatusOr<AdminPort::Answer> answer = port.Get("/metrics");
    if (!answer.ok()) {
      Add(Failed("metrics", answer.status()));
      return;
    }
    constexpr int kHttpOk = 200;
    if (answer->http_status != kHttpOk) {
      Add({Verdict::kNote, "metrics",
           absl::StrCat("not shown (HTTP status ", answer->http_status,
                        "), so disk, versions and certificates were not looked at"),
           "an identity with the permission monitor may see them: --token-file, or --cert and "
           "--key, "
           "name who this is"});
      return;
    }
    const MetricsText metrics(answer->body);
    for (const MetricsText::Sample& sample : metrics.Of("onhook_build_info")) {
      const auto version = sample.labels.find("version");
      if (version != sample.labels.end()) Add(JudgeVersions(ONHOOK_VERSION, version->second));
    }
    Add(JudgeMetrics(metrics, absl::Now()));
  }

  ConnectionFlags connection_;
  std::string admin_;
  bool json_ = false;
  std::vector<Finding> findings_;
};

}  // namespace

std::unique_ptr<Command> DoctorCommand() { return std::make_unique<Doctor>(); }

}  // namespace onhook::cli
