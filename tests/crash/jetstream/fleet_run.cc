#include "tests/crash/jetstream/fleet_run.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <limits>
#include <map>

#include "absl/strings/str_cat.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "tests/chaos/consumer_lines.h"
#include "tests/crash/gateway_audit.h"

namespace onhook {
namespace {

// A round is worth its strike only if the gateways did something in it.
constexpr int64_t kCallbacksEachRound = 100;
constexpr absl::Duration kBetweenLooks = absl::Milliseconds(20);
// Of a log, for a test that failed.
constexpr size_t kMostLog = 30'000;
// The consumers and the books know one gateway: FleetRun.
constexpr int kGeneration = 1;
constexpr size_t kMostFindings = 1'000'000;
// Asks a gateway. False: it did not answer as it should, which is a failure.
template <typename Method, typename Stub, typename Request, typename Response>
bool Asked(Method method, Stub& stub, const Request& request, Response& response) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(1));
  const grpc::Status status = (stub.*method)(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_code() << " " << status.error_message();
  return status.ok();
}

// A consumer at no gateway in particular.
constexpr int kRoaming = -1;

FleetServers::Options ClusterOptions(const FleetRun::Options& options) {
  return {options.servers, options.sync_always, options.gateways};
}

}  // namespace

FleetRun::FleetRun(const Options& options)
    : options_(options),
      random_(options.seed),
      cluster_(options.seed, ClusterOptions(options)),
      ledger_(absl::StrCat("fleet-", options.seed)),
      seats_(static_cast<size_t>(options.gateways)) {
  for (int i = 0; i < gateways(); ++i) {
    At(i).store_directory = absl::StrCat(directory_.path(), "/gateway", i);
    std::filesystem::create_directory(At(i).store_directory);
    At(i).settings_file =
        directory_.Write(absl::StrCat("gateway", i, ".yaml"), SettingsOf(i).Text());
  }
  for (const std::string& name : FleetSubscriptions()) {
    if (options.consumers || name == "plain") ledger_.OpenSubscription(name);
  }
}

FleetRun::~FleetRun() {
  if (!testing::Test::HasFailure()) return;
  for (int i = 0; i < gateways(); ++i) {
    ADD_FAILURE() << "gateway " << i << ", before:\n"
                  << At(i).earlier_log << "now:\n"
                  << (runs(i) ? At(i).process->log().substr(0, kMostLog) : "it does not run");
  }
  for (const Backend& each : backends_) {
    if (each.process == nullptr) continue;
    ADD_FAILURE() << each.subscription << " at " << each.gateway << " wrote:\n"
                  << each.process->report().words();
  }
}

FleetSettings FleetRun::SettingsOf(int gateway) const {
  FleetSettings settings;
  if (options_.servers > 0) settings.servers = cluster_.UrlsFor(gateway);
  settings.replicas = options_.servers;
  settings.servers_sync_always = options_.sync_always;
  settings.ownership = options_.ownership;
  settings.modes = options_.modes;
  if (options_.spool) {
    settings.spool_directory = absl::StrCat(directory_.path(), "/spool", gateway);
  }
  return settings;
}

bool FleetRun::Start() {
  if (!cluster_.StartAll() || !StartGateways()) return false;
  if (options_.consumers) {
    for (int i = 0; i < gateways(); ++i) AddConsumer("shared", "wild", i);
    AddConsumer("shared", "wild", kRoaming);
    for (int i = 0; i < gateways(); ++i) AddConsumer("plain", "calm", i);
    AddConsumer("holding", "holding", kRoaming);
  }
  load_.emplace(LoadOptions(), &ledger_);
  for (int i = 0; i < gateways(); ++i) load_->Lead(i, At(i).process->http_port());
  return true;
}

FleetLoad::Options FleetRun::LoadOptions() {
  FleetLoad::Options options;
  options.gateways = options_.gateways;
  options.connections = options_.connections;
  options.sources = SettingsOf(0).Sources();
  options.each_second = options_.each_second;
  options.seed = random_();
  return options;
}

void FleetRun::AddConsumer(const std::string& subscription, const std::string& manner,
                           int gateway) {
  const std::string name = absl::StrCat("consumer", backends_.size());
  const std::vector<std::string> arguments = {subscription, name, absl::StrCat(random_()), manner};
  backends_.push_back(
      {subscription, manner, gateway, std::make_unique<ConsumerProcess>(arguments, &ledger_)});
  Introduce(backends_.back());
}

void FleetRun::Introduce(const Backend& backend) {
  const int gateway = backend.gateway == kRoaming ? Below(gateways()) : backend.gateway;
  if (!runs(gateway) || backend.process == nullptr) return;
  backend.process->TellGateway(kGeneration, At(gateway).process->grpc_port());
}

void FleetRun::MoveRoamers() {
  for (const Backend& each : backends_) {
    if (each.gateway == kRoaming) Introduce(each);
  }
}

// --------------------------------------------------------------------------------- the gateways

void FleetRun::Launch(int gateway) {
  OnhookdProcess::Options options;
  if (options_.servers == 0) options.store_directory = At(gateway).store_directory;
  options.more_arguments = {"--config", At(gateway).settings_file};
  At(gateway).process.emplace(options);
}

bool FleetRun::AwaitListening(int gateway) {
  OnhookdProcess& process = *At(gateway).process;
  if (!process.WaitUntilListening(patience_)) {
    ADD_FAILURE() << "gateway " << gateway << " did not come up:\n" << process.log();
    return false;
  }
  if (load_.has_value()) load_->Lead(gateway, process.http_port());
  for (const Backend& each : backends_) {
    if (each.gateway == gateway) Introduce(each);
  }
  return true;
}

bool FleetRun::StartGateway(int gateway) {
  Launch(gateway);
  return AwaitListening(gateway);
}

bool FleetRun::StartGateways() {
  std::vector<int> started;
  for (int i = 0; i < gateways(); ++i) {
    if (runs(i)) continue;
    Launch(i);
    started.push_back(i);
  }
  bool all = true;
  for (const int each : started) all = AwaitListening(each) && all;
  return all;
}

void FleetRun::Gone(int gateway) {
  const std::string log = At(gateway).process->log();
  At(gateway).earlier_log = log.size() <= kMostLog ? log : log.substr(log.size() - kMostLog);
  At(gateway).process.reset();
  if (load_.has_value()) load_->Lead(gateway, 0);
  MoveRoamers();
}

void FleetRun::KillGateway(int gateway) {
  At(gateway).process->Kill();
  ++kills_;
  Gone(gateway);
}

void FleetRun::TerminateGateway(int gateway) {
  At(gateway).process->Terminate();
  const std::optional<ProcessEnd> end = At(gateway).process->Wait(patience_);
  EXPECT_EQ(end, std::optional(ProcessEnd{0, 0})) << At(gateway).process->log();
  Gone(gateway);
}

void FleetRun::SignalGateway(int gateway, int signal_number) {
  kill(At(gateway).process->pid(), signal_number);
}

void FleetRun::KillPair(int gateway) {
  for (Backend& each : backends_) {
    if (each.gateway != gateway) continue;
    each.process->Kill();
    each.process = nullptr;
  }
  KillGateway(gateway);
}

absl::Duration FleetRun::RandomBelow(absl::Duration most) {
  return absl::Microseconds(static_cast<int64_t>(
      random_() % static_cast<uint64_t>(std::max<int64_t>(1, absl::ToInt64Microseconds(most)))));
}

void FleetRun::WaitFor(absl::Duration duration) {
  const absl::Duration until = clock_.Elapsed() + duration;
  for (int i = 0; i < gateways(); ++i) {
    if (!runs(i)) continue;
    const absl::Duration rest = std::max(absl::ZeroDuration(), until - clock_.Elapsed());
    const std::optional<ProcessEnd> end = At(i).process->Wait(rest);
    if (!end.has_value()) continue;
    ADD_FAILURE() << "gateway " << i << ": " << *end << "\n" << At(i).process->log();
    Gone(i);
  }
}

bool FleetRun::WaitForPromises(int64_t more) {
  const bool came = ledger_.WaitUntilPromised(ledger_.promised() + more, patience_);
  EXPECT_TRUE(came) << "no more callbacks are accepted";
  return came;
}

bool FleetRun::Recover() {
  if (options_.servers > 0) {
    cluster_.MendAll();
    if (!cluster_.StartAll()) return false;
    const bool current = cluster_.WaitUntilCurrent(SettingsOf(0).Streams(), patience_);
    EXPECT_TRUE(current) << "the replicas do not become current";
    if (!current) return false;
  }
  if (!StartGateways()) return false;
  MoveRoamers();
  return WaitForPromises(kCallbacksEachRound);
}

// --------------------------------------------------------------------------------- the end

void FleetRun::FinishLoad() {
  EXPECT_TRUE(load_->Finish(patience_)) << "not every callback was accepted in the end";
  for (const Backend& each : backends_) {
    if (each.process != nullptr) each.process->Tell(consumer_lines::kBehave);
  }
}

int64_t FleetRun::Settled() const {
  int64_t settled = 0;
  for (const std::string& each : ledger_.Subscriptions()) settled += ledger_.settled(each);
  return settled;
}

bool FleetRun::SettleFor(absl::Duration patience) {
  int64_t before = -1;
  for (int64_t settled = Settled(); settled > before; settled = Settled()) {
    if (ledger_.WaitUntilSettled(patience)) return true;
    before = settled;
  }
  return false;
}

bool FleetRun::Drain() {
  int64_t least = std::numeric_limits<int64_t>::max();
  absl::Duration given_up = clock_.Elapsed() + patience_;
  while (clock_.Elapsed() < given_up && !testing::Test::HasFailure()) {
    int64_t owed = 0;
    for (int i = 0; i < gateways(); ++i) {
      if (!runs(i)) continue;
      for (const std::string& each : ledger_.Subscriptions()) owed += OwedBy(i, each);
    }
    if (owed == 0) return true;
    if (owed < least) given_up = clock_.Elapsed() + patience_;
    least = std::min(least, owed);
    WaitFor(kBetweenLooks);
  }
  ADD_FAILURE() << "the gateways still owe " << least << " events";
  return false;
}

void FleetRun::SettleEverything() {
  EXPECT_TRUE(SettleFor(patience_)) << "not everything that was promised is settled";
  if (options_.servers > 0) cluster_.KillAll();
  for (int i = 0; i < gateways(); ++i) {
    if (runs(i)) KillGateway(i);
  }
  if (options_.servers > 0 && !cluster_.StartAll()) return;
  if (!StartGateways()) return;
  MoveRoamers();
  const int64_t before = ledger_.promised();
  FleetLoad::Options options = LoadOptions();
  options.callbacks = gateways();
  FleetLoad load(options, &ledger_);
  for (int i = 0; i < gateways(); ++i) load.Lead(i, At(i).process->http_port());
  EXPECT_TRUE(ledger_.WaitUntilPromised(before + gateways(), patience_));
  EXPECT_TRUE(load.Finish(patience_));
  EXPECT_TRUE(SettleFor(patience_)) << "not everything is settled after the last start";
  WaitFor(options_.ownership + absl::Seconds(1));
}

void FleetRun::EnterDeadLetters() {
  for (const std::string& subscription : ledger_.Subscriptions()) {
    const std::vector<v1::DeadLetter> letters = DeadLettersOf(0, subscription);
    ledger_.EnterDeadLetters(subscription, letters);
    for (int i = 1; i < gateways(); ++i) ExpectDeadLetters(i, subscription, letters.size());
  }
}

void FleetRun::ExpectDeadLetters(int gateway, const std::string& subscription, size_t wanted) {
  const absl::Duration given_up = clock_.Elapsed() + patience_;
  size_t found = DeadLettersOf(gateway, subscription).size();
  while (found != wanted && clock_.Elapsed() < given_up) {
    WaitFor(kBetweenLooks);
    found = DeadLettersOf(gateway, subscription).size();
  }
  EXPECT_EQ(found, wanted) << "dead letters of " << subscription << " at gateway " << gateway;
}

std::unique_ptr<v1::SubscriptionService::Stub> FleetRun::Administer(int gateway) {
  return v1::SubscriptionService::NewStub(
      grpc::CreateChannel(absl::StrCat("127.0.0.1:", At(gateway).process->grpc_port()),
                          grpc::InsecureChannelCredentials()));
}

std::vector<v1::DeadLetter> FleetRun::DeadLettersOf(int gateway, const std::string& subscription) {
  const auto stub = Administer(gateway);
  std::vector<v1::DeadLetter> letters;
  v1::ListDeadLettersRequest request;
  request.set_subscription(subscription);
  do {
    v1::ListDeadLettersResponse page;
    if (!Asked(&v1::SubscriptionService::Stub::ListDeadLetters, *stub, request, page)) break;
    letters.insert(letters.end(), page.dead_letters().begin(), page.dead_letters().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return letters;
}

int64_t FleetRun::OwedBy(int gateway, const std::string& subscription) {
  v1::GetSubscriptionRequest request;
  request.set_name(subscription);
  v1::GetSubscriptionResponse response;
  if (!Asked(&v1::SubscriptionService::Stub::GetSubscription, *Administer(gateway), request,
             response)) {
    return 1;
  }
  const v1::SubscriptionStats& stats = response.subscription().stats();
  return stats.backlog_events() + stats.outstanding_events();
}

void FleetRun::Audit() {
  if (options_.servers > 0) {
    EXPECT_TRUE(cluster_.WaitUntilCurrent(SettingsOf(0).Streams(), patience_))
        << "the replicas do not become current";
  }
  GatewayAudit::Options options;
  options.wait = [this] { WaitFor(kBetweenLooks); };
  options.patience = patience_;
  for (int i = 0; i < gateways(); ++i) {
    if (!runs(i)) continue;
    audited_ = GatewayAudit(At(i).process->grpc_port(), &ledger_, options).Run();
  }
}

std::string FleetRun::Findings() const {
  std::map<std::string, std::pair<int64_t, std::string>> kinds;
  const std::string prefix = absl::StrCat(ledger_.content().run(), "-");
  for (const std::string& finding : ledger_.Findings(kMostFindings)) {
    std::string kind = finding;
    const size_t number = kind.find(prefix);
    if (number != std::string::npos) {
      const size_t digits = number + prefix.size();
      kind.replace(number, kind.find_first_not_of("0123456789", digits) - number, "one");
    }
    ++kinds.try_emplace(std::move(kind), 0, finding).first->second.first;
  }
  std::string text;
  for (const auto& [kind, found] : kinds) {
    absl::StrAppend(&text, found.first, " times: ", found.second, "\n");
  }
  return text;
}

std::string FleetRun::Summary() const {
  const FleetLoad::Figures load = load_->figures();
  const AnswerCounts replies = ledger_.replies();
  const auto answered = [&](CallbackAnswer answer) { return replies[static_cast<size_t>(answer)]; };
  std::string text = absl::StrCat(
      ledger_.promised(), " callbacks promised, ", audited_, " events in the log; ", load.posts,
      " posts, answered \"0\" ", answered(CallbackAnswer::kAccepted), ", \"2\" ",
      answered(CallbackAnswer::kNotForwarded), ", \"3\" ", answered(CallbackAnswer::kNotStored),
      ", not at all ", answered(CallbackAnswer::kNone), "; to another gateway went ",
      load.repeats_elsewhere, " repeats of what was not accepted, ",
      load.accepted_repeated_elsewhere, " of what was, ", load.doubled,
      " were posted by two at once; ", kills_, " gateways killed\n");
  for (const std::string& name : ledger_.Subscriptions()) {
    const CallLedger::Tally tally = ledger_.TallyOf(name);
    absl::StrAppend(&text, name, ": ", tally.received, " events in ", tally.deliveries,
                    " deliveries, ", tally.requested, " parked on demand, ", tally.unanswered,
                    " settled by a request without answer\n");
  }
  return text;
}

}  // namespace onhook
