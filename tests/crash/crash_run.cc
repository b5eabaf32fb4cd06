#include "tests/crash/crash_run.h"

#include <filesystem>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "tests/chaos/consumer_lines.h"
#include "tests/crash/callback_load.h"
#include "tests/crash/gateway_audit.h"

namespace onhook {
namespace {

// A round is worth its kill only if the gateway did something in it.
constexpr int64_t kCallbacksEachRound = 100;

// Between two looks at what can only be asked for.
constexpr absl::Duration kBetweenLooks = absl::Milliseconds(20);

}  // namespace

CrashRun::CrashRun(uint64_t seed, int connections, std::string key, std::string enforce)
    : connections_(connections),
      key_(std::move(key)),
      previous_key_(key_),
      enforce_(std::move(enforce)),
      seed_(seed),
      random_(seed),
      ledger_(absl::StrCat("crash-", seed)) {}

void CrashRun::BeginLoad() {
  const auto consumer = [this](const std::string& subscription, const std::string& manner) {
    ledger_.OpenSubscription(subscription);
    return std::vector<std::string>{subscription, "consumer", absl::StrCat(random_()), manner};
  };
  acking_.emplace(consumer("acking", "leaving"), &ledger_);
  holding_.emplace(consumer("holding", "holding"), &ledger_);
  vendor_.emplace(ledger_.content().run(), connections_, key_, &ledger_);
}

void CrashRun::TellEverybody() {
  GatewayAddress::Ports ports{++generation_, gateway_->http_port(), gateway_->grpc_port()};
  for (const auto& fault : faults_) fault->Route(ports);
  acking_->TellGateway(generation_, ports.grpc);
  holding_->TellGateway(generation_, ports.grpc);
  vendor_->TellGateway(generation_, ports.http);
  address_.Publish(gateway_->http_port(), gateway_->grpc_port());
}

CrashRun::~CrashRun() {
  if (testing::Test::HasFailure() && gateway_.has_value()) {
    ADD_FAILURE() << "struck by: " << absl::StrJoin(strikes_, ", ") << "\nthe consumers wrote:\n"
                  << acking_->report().words() << holding_->report().words()
                  << "\nthe vendor wrote:\n"
                  << vendor_->report().words() << "\nthe last gateway's log:\n"
                  << gateway_->log();
  }
  address_.Close();
  gateway_.reset();
}

void CrashRun::Add(std::unique_ptr<Fault> fault) {
  fault->Begin(*this);
  faults_.push_back(std::move(fault));
}

bool CrashRun::Start() {
  if (!vendor_.has_value()) BeginLoad();
  const absl::Duration begun = clock_.Elapsed();
  gateway_.emplace(GatewayOptions());
  if (!gateway_->WaitUntilListening(patience_)) {
    ADD_FAILURE() << "the gateway did not come up:\n" << gateway_->log();
    return false;
  }
  TellEverybody();
  start_took_ = clock_.Elapsed() - begun;
  running_ = true;
  return true;
}

bool CrashRun::Rounds(int64_t rounds, absl::Duration most) {
  for (int64_t round = 0; round < rounds && !testing::Test::HasFailure(); ++round) {
    // Whatever a strike drew, the next round is the same.
    std::seed_seq seeds{seed_, static_cast<uint64_t>(strikes_.size())};
    random_.seed(seeds);
    CrashFigures figures;
    figures -= CrashFigures::UpToNow(ledger_);
    Fault& fault = *faults_[random_() % faults_.size()];
    WorkFor(most);
    strikes_.emplace_back(fault.name());
    fault.Strike(*this);
    if (!running_ && !Start()) return false;
    figures += CrashFigures::UpToNow(ledger_);
    figures.strikes = 1;
    figures_[strikes_.back()] += figures;
  }
  for (const auto& fault : faults_) fault->End(*this);
  return running_ || Start();
}

void CrashRun::WorkFor(absl::Duration most) {
  EXPECT_TRUE(ledger_.WaitUntilPromised(ledger_.promised() + kCallbacksEachRound, patience_));
  const std::optional<ProcessEnd> ended = gateway_->Wait(RandomBelow(most));
  EXPECT_FALSE(ended.has_value()) << *ended << "\n" << gateway_->log();
}

void CrashRun::Kill() {
  gateway_->Kill();
  running_ = false;
  ++kills_;
}

std::optional<ProcessEnd> CrashRun::RunsFor(absl::Duration duration) {
  const std::optional<ProcessEnd> end = gateway_->Wait(duration);
  running_ = running_ && !end.has_value();
  return end;
}

void CrashRun::ExpectEnd(int exit_code) {
  const std::optional<ProcessEnd> end = gateway_->Wait(patience_);
  ASSERT_TRUE(end.has_value()) << "still running:\n" << gateway_->log();
  EXPECT_EQ(*end, (ProcessEnd{exit_code, 0})) << gateway_->log();
  running_ = false;
}

void CrashRun::KillSomeStarts() {
  while (random_() % 4 == 0) KillDuringStart();
}

void CrashRun::KillDuringStart() {
  gateway_.emplace(GatewayOptions());
  const std::optional<ProcessEnd> end = gateway_->Wait(RandomBelow(2 * start_took_));
  EXPECT_FALSE(end.has_value()) << *end << "\n" << gateway_->log();
  Kill();
}

void CrashRun::Terminate() {
  gateway_->Terminate();
  ExpectEnd(0);
}

void CrashRun::PlaceKeys(const std::string& current, const std::string& previous) {
  key_ = current;
  previous_key_ = previous;
  directory_.Write("previous", previous_key_);
  directory_.Write("key", key_);
}

void CrashRun::LoseWriteAheadLog() {
  EXPECT_TRUE(std::filesystem::remove(store_directory_ + "/onhook.db-wal"));
}

void CrashRun::AcceptLoss() {
  ChildProcess process({OnhookdProgram(), "--accept-loss", store_directory_});
  EXPECT_EQ(process.Wait(patience_), std::optional(ProcessEnd{0, 0})) << process.output();
}

void CrashRun::FinishLoad() {
  vendor_->Finish();
  EXPECT_TRUE(vendor_->report().WaitUntilFinished(patience_))
      << "not every callback was accepted in the end";
  Audit();
  Kill();
  acking_->Tell(consumer_lines::kBehave);
  holding_->Tell(consumer_lines::kBehave);
}

void CrashRun::SettleEverything() {
  ExpectEverythingSettled();
  Kill();
  if (!Start()) return;
  SettleOneMore();
  Audit();
}

void CrashRun::Audit() {
  GatewayAudit::Options options;
  options.may_be_removed = may_be_removed_;
  options.wait = [this] { gateway_->Wait(kBetweenLooks); };
  options.patience = patience_;
  audited_ = GatewayAudit(gateway_->grpc_port(), &ledger_, options).Run();
}

bool CrashRun::SettleFor(absl::Duration patience) {
  int64_t before = -1;
  int64_t settled = 0;
  while (settled > before) {
    if (ledger_.WaitUntilSettled(patience)) return true;
    before = settled;
    settled = ledger_.settled("acking") + ledger_.settled("holding");
  }
  return false;
}

void CrashRun::ExpectEverythingSettled() {
  if (SettleFor(patience_)) return;
  ADD_FAILURE() << ledger_.settled("acking") << " and " << ledger_.settled("holding") << " of "
                << ledger_.promised() << " are settled";
}

void CrashRun::SettleOneMore() {
  const int64_t number = ledger_.opened();
  CallbackLoad load(&address_, &ledger_, 1, 1, key_);
  EXPECT_TRUE(ledger_.WaitUntilPromised(ledger_.promised() + 1, patience_));
  EXPECT_TRUE(ledger_.WaitUntilSettled(number, patience_));
  if (!load.Finish(patience_)) address_.Close();
}

std::string CrashRun::Summary() const {
  std::string summary;
  for (const auto& [name, figures] : figures_) {
    absl::StrAppend(&summary, name, ": ", figures.Sentence(), "\n");
  }
  for (const std::unique_ptr<Fault>& fault : faults_) {
    if (fault->Figures().empty()) continue;
    absl::StrAppend(&summary, fault->name(), ": ", fault->Figures(), "\n");
  }
  CrashFigures whole = CrashFigures::UpToNow(ledger_);
  whole.strikes = static_cast<int64_t>(strikes_.size());
  absl::StrAppend(&summary, "in all: ", whole.Sentence(), "; ", kills_, " kills; ", audited_,
                  " events in the log\n");
  return summary;
}

absl::Duration CrashRun::RandomBelow(absl::Duration most) {
  return absl::Microseconds(
      static_cast<int64_t>(random_() % static_cast<uint64_t>(absl::ToInt64Microseconds(most))));
}

OnhookdProcess::Options CrashRun::GatewayOptions() {
  OnhookdProcess::Options options;
  options.store_directory = store_directory_;
  if (!key_.empty()) {
    PlaceKeys(key_, previous_key_);
    const std::string settings = directory_.Write(
        "onhook.yaml",
        absl::StrCat("sources: [{name: default, path: /release-events, authentication: "
                     "{shared_key: {key_files: [",
                     directory_.path(), "/key, ", directory_.path(),
                     "/previous], enforce: ", enforce_, "}}}]\n"));
    options.more_arguments = {"--config", settings};
  }
  for (const auto& fault : faults_) fault->Prepare(options);
  return options;
}

}  // namespace onhook
