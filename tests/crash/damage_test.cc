// The files of a killed gateway's store are damaged, cut off or deleted, and the next gateway
// started on them: no altered event reaches anybody, and what is missing is told.
//
//   ONHOOK_ROUNDS=300 ONHOOK_SEED=7 build/release/tests/crash/damage_test
#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/base/exit_code.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/controls/control_program.h"
#include "tests/crash/run_parameters.h"
#include "tests/support/onhookd_process.h"
#include "tests/support/raw_http_client.h"
#include "tests/support/stream_clients.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr int kCalls = 120;
constexpr int kParked = 5;

std::string CallOf(int number) { return absl::StrCat("call-", number); }

class DamageTest : public ::testing::Test {
 protected:
  using Files = std::map<std::string, std::string>;

  // What a look through a store, or a gateway started on it, came to.
  struct Outcome {
    int verify_exit = -1;
    std::optional<int> start_exit;  // nothing: it runs
    int altered = 0;                // events that were given otherwise than they were stored
    int missing = 0;                // events that were promised and cannot be had
    std::string told;
  };

  DamageTest() {
    options_.store_directory = directory_.path() + "/store";
    options_.more_arguments = {"--config",
                               directory_.Write("onhook.yaml",
                                                "sources: [{name: default, path: /release-events, "
                                                "acknowledge: {when: stored}}]\n")};
    Fill();
  }

  // A store that was closed with half of the events and killed with the rest, with dead letters and
  // a rejected callback.
  void Fill() {
    Start();
    {
      Subscriber subscriber(stub_.get());
      subscriber.Open("crm");
      PostSome(1, kCalls / 2);
      v1::SubscribeRequest park;
      for (const v1::Delivery& delivery : subscriber.Deliveries(kParked)) {
        if (park.nack().delivery_ids_size() == kParked) break;
        park.mutable_nack()->add_delivery_ids(delivery.delivery_id());
      }
      park.mutable_nack()->set_action(v1::NackRequest::ACTION_PARK);
      subscriber.Send(park);
      subscriber.Results();
    }
    RawHttpClient(onhookd_->http_port())
        .Send("POST /release-events HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n{")
        .ReadAnswer();
    onhookd_->Terminate();
    ASSERT_TRUE(onhookd_->Wait(kPatience).has_value());
    Start();
    PostSome(kCalls / 2 + 1, kCalls);
    for (int number = 1; number <= kCalls; ++number) {
      const std::optional<std::string> event = Get(number);
      ASSERT_TRUE(event.has_value());
      stored_[number] = *event;
    }
    onhookd_->Kill();
    killed_ = Image();
  }

  void Start() {
    onhookd_ = std::make_unique<OnhookdProcess>(options_);
    ASSERT_TRUE(onhookd_->WaitUntilListening(kPatience)) << onhookd_->log();
    Connect();
  }
  void Connect() {
    stub_ = v1::ReleaseEventService::NewStub(
        grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", onhookd_->grpc_port()),
                                  grpc::InsecureChannelCredentials(), OwnConnection()));
  }
  void PostSome(int from, int to) {
    for (int number = from; number <= to; ++number) {
      const std::string body =
          absl::StrCat(R"({"callSerialNo":")", CallOf(number), R"(","called":"2","callData":")",
                       std::string(300, 'a'), R"("})");
      const RawAnswer answer =
          RawHttpClient(onhookd_->http_port())
              .Send(absl::StrCat("POST /release-events HTTP/1.1\r\nHost: h\r\nContent-Length: ",
                                 body.size(), "\r\n\r\n", body))
              .ReadAnswer();
      ASSERT_THAT(answer.body, HasSubstr(R"("retCode":"0")"));
    }
  }
  // Nothing: it cannot be had.
  std::optional<std::string> Get(int number) const {
    grpc::ClientContext context;
    v1::ListEventsRequest request;
    v1::ListEventsResponse response;
    request.set_call_serial_no(CallOf(number));
    if (!stub_->ListEvents(&context, request, &response).ok()) return std::nullopt;
    if (response.stored_events_size() != 1) return std::nullopt;
    return response.stored_events(0).event().SerializeAsString();
  }

  Files Image() const {
    Files files;
    for (const auto& entry : std::filesystem::directory_iterator(options_.store_directory)) {
      std::ifstream file(entry.path(), std::ios::binary);
      files[entry.path().filename()] = {std::istreambuf_iterator<char>(file), {}};
    }
    return files;
  }
  void Lay(const Files& files) const {
    std::filesystem::remove_all(options_.store_directory);
    std::filesystem::create_directory(options_.store_directory);
    for (const auto& [name, content] : files) {
      std::ofstream(options_.store_directory + "/" + name, std::ios::binary) << content;
    }
  }
  // Runs the program for something else than a gateway; its exit code.
  int Run(const std::string& action, std::string* told = nullptr) const {
    ChildProcess process({OnhookdProgram(), action, options_.store_directory});
    const std::optional<ProcessEnd> end = process.Wait(kPatience);
    if (told != nullptr) *told = process.output();
    EXPECT_TRUE(end.has_value() && end->signal == 0) << process.output();
    return end.has_value() ? end->exit_code : -1;
  }

  // Looks through the store as it lies there, starts a gateway on it, and asks that for everything.
  Outcome Try() {
    Outcome outcome;
    outcome.verify_exit = Run("--verify", &outcome.told);
    onhookd_ = std::make_unique<OnhookdProcess>(options_);
    if (!onhookd_->WaitUntilListening(kPatience)) {
      const std::optional<ProcessEnd> end = onhookd_->Wait(kPatience);
      EXPECT_TRUE(end.has_value() && end->signal == 0) << onhookd_->log();
      outcome.start_exit = end.has_value() ? end->exit_code : -1;
      absl::StrAppend(&outcome.told, onhookd_->log());
      return outcome;
    }
    Connect();
    for (const auto& [number, stored] : stored_) {
      const std::optional<std::string> event = Get(number);
      outcome.missing += event.has_value() ? 0 : 1;
      outcome.altered += event.has_value() && *event != stored ? 1 : 0;
    }
    Receive(outcome);
    EXPECT_FALSE(onhookd_->Wait(absl::ZeroDuration()).has_value() && outcome.verify_exit == kExitOk)
        << onhookd_->log();
    absl::StrAppend(&outcome.told, onhookd_->log());
    onhookd_->Kill();
    return outcome;
  }
  // A sound store owes all but what is parked. What a damaged one still gives is taken for a while.
  void Receive(Outcome& outcome) {
    grpc::ClientContext context;
    if (outcome.verify_exit != kExitOk) {
      context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(500));
    }
    const auto stream = stub_->Subscribe(&context);
    v1::SubscribeRequest open;
    open.mutable_open()->set_subscription("crm");
    stream->Write(open);
    v1::SubscribeResponse response;
    for (int received = 0; received < kCalls - kParked && stream->Read(&response);) {
      for (const v1::Delivery& delivery : response.deliveries().deliveries()) {
        ++received;
        const auto is_it = [&](const auto& entry) {
          return entry.second == delivery.event().SerializeAsString();
        };
        outcome.altered += std::none_of(stored_.begin(), stored_.end(), is_it) ? 1 : 0;
      }
    }
    context.TryCancel();
    stream->Finish();
  }

  const TemporaryDirectory directory_;
  OnhookdProcess::Options options_;
  std::unique_ptr<OnhookdProcess> onhookd_;
  std::unique_ptr<v1::ReleaseEventService::Stub> stub_;
  std::map<int, std::string> stored_;  // as they were given before any damage
  Files killed_;
};

// Alters each event, and the body that it was made of.
void AlterEvents(std::string& database) {
  const std::string text(200, 'a');
  for (size_t at = 0; (at = database.find(text, at)) != std::string::npos; at += text.size()) {
    database[at] = 'b';
  }
}

// Damages one file at random, and says how.
std::string Damage(std::mt19937_64& random, std::map<std::string, std::string>& files) {
  const char* names[] = {"onhook.db", "onhook.db-wal", "onhook.db-shm"};
  const std::string name = names[random() % 8 == 0 ? 2 : random() % 2];
  std::string& content = files[name];
  const uint64_t how = random() % 10;
  if (how == 0) {
    files.erase(name);
    return name + " deleted";
  }
  if (how == 1) {
    content.resize(random() % content.size());
    return absl::StrCat(name, " cut off at ", content.size());
  }
  // A sector's worth of bits shows more than one.
  const uint64_t flips = how == 2 ? 500 : 1;
  const uint64_t at = random() % content.size();
  for (uint64_t i = 0; i < flips && at + i < content.size(); ++i) {
    content[at + i] = static_cast<char>(content[at + i] ^ (1 << (random() % 8)));
  }
  return absl::StrCat(name, ": ", flips, " bits from byte ", at);
}

TEST_F(DamageTest, NothingAlteredIsGivenAndWhatIsMissingIsTold) {
  std::mt19937_64 random(SeedOfRun());
  std::map<std::string, int> outcomes;
  const auto rounds = FromEnvironment("ONHOOK_ROUNDS", 8);
  for (uint64_t round = 0; round < rounds && !HasFailure(); ++round) {
    Files files = killed_;
    const std::string damage = Damage(random, files);
    Lay(files);
    const Outcome outcome = Try();
    SCOPED_TRACE(absl::StrCat(damage, "\n", outcome.told));
    EXPECT_EQ(outcome.altered, 0);
    EXPECT_THAT(outcome.verify_exit, ::testing::AnyOf(kExitOk, kExitBadStore));
    if (outcome.start_exit.has_value()) {
      EXPECT_EQ(*outcome.start_exit, kExitBadStore);
      EXPECT_EQ(outcome.verify_exit, kExitBadStore);
      EXPECT_THAT(outcome.told, HasSubstr(options_.store_directory));
      ++outcomes["refused"];
    } else if (outcome.verify_exit == kExitOk) {
      EXPECT_EQ(outcome.missing, 0);
      ++outcomes["whole"];
    } else {
      ++outcomes["damaged and told"];
    }
  }
  for (const auto& [outcome, count] : outcomes) std::cout << outcome << ": " << count << ", ";
  std::cout << "rounds: " << rounds << std::endl;
}

TEST_F(DamageTest, UndamagedEverythingIsGiven) {
  const Outcome outcome = Try();
  EXPECT_EQ(outcome.verify_exit, kExitOk) << outcome.told;
  EXPECT_FALSE(outcome.start_exit.has_value()) << outcome.told;
  EXPECT_EQ(outcome.missing, 0);
  EXPECT_EQ(outcome.altered, 0);
}

// Each of the fatal conditions at a start that FAILURES.md lists, and its exit code.
TEST_F(DamageTest, EachFileThatIsGoneOrCutOffEndsTheStartAndIsAcceptedOnPurposeOnly) {
  const std::pair<std::function<void(Files&)>, const char*> losses[] = {
      {[](Files& files) { files.erase("onhook.db-wal"); }, "onhook.db-wal is missing"},
      {[](Files& files) { files["onhook.db-wal"].clear(); }, "onhook.db-wal is empty"},
      {[](Files& files) { files["onhook.db-wal"][0] ^= 1; }, "does not begin as one"},
      {[](Files& files) { files["onhook.db-wal"].pop_back(); }, "damaged or cut off"},
      {[](Files& files) { files.erase("onhook.db"); }, "onhook.db is missing"}};
  for (const auto& [lose, told] : losses) {
    SCOPED_TRACE(told);
    Files files = killed_;
    lose(files);
    Lay(files);
    const Outcome refused = Try();
    EXPECT_EQ(refused.verify_exit, kExitBadStore);
    EXPECT_EQ(refused.start_exit, std::optional<int>(kExitBadStore));
    EXPECT_THAT(refused.told, HasSubstr(told));
    EXPECT_THAT(refused.told,
                HasSubstr(absl::StrCat("onhookd --accept-loss ", options_.store_directory)));
    EXPECT_EQ(Run("--accept-loss"), kExitOk);
    Start();
    onhookd_->Kill();
  }
}

TEST_F(DamageTest, WhereverAcceptingALossIsKilledNoGatewayStartsAsIfNothingWereLost) {
  std::mt19937_64 random(SeedOfRun());
  Files files = killed_;
  files["onhook.db-wal"].resize(files["onhook.db-wal"].size() / 2);
  for (uint64_t round = 0; round < FromEnvironment("ONHOOK_ROUNDS", 12); ++round) {
    SCOPED_TRACE(round);
    Lay(files);
    {
      ChildProcess accepting({OnhookdProgram(), "--accept-loss", options_.store_directory});
      accepting.Wait(absl::Microseconds(random() % 30000));
      accepting.Signal(SIGKILL);
      accepting.Wait(kPatience);
    }
    const int verified = Run("--verify");
    OnhookdProcess gateway(options_);
    if (gateway.WaitUntilListening(kPatience)) {
      EXPECT_EQ(verified, kExitOk);
      EXPECT_THAT(gateway.log(), HasSubstr("goes on without what was lost"));
      continue;
    }
    EXPECT_EQ(verified, kExitBadStore);
    EXPECT_EQ(gateway.Wait(kPatience), (ProcessEnd{kExitBadStore, 0})) << gateway.log();
    EXPECT_EQ(Run("--accept-loss"), kExitOk);
    Start();
    EXPECT_THAT(onhookd_->log(), HasSubstr("goes on without what was lost"));
    onhookd_->Kill();
  }
}

TEST_F(DamageTest, WhoseLossCannotBeAcceptedIsNotStartedOnAfterwardsEither) {
  Files files = killed_;
  files["onhook.db-wal"].resize(files["onhook.db-wal"].size() / 2);
  std::string& database = files["onhook.db"];
  ASSERT_GT(database.size(), 8192U);
  database.replace(4096, database.size() - 4096, database.size() - 4096, 'x');
  Lay(files);
  std::string told;
  EXPECT_EQ(Run("--accept-loss", &told), kExitBadStore);
  EXPECT_THAT(told, HasSubstr("does not hold together"));
  const Outcome outcome = Try();
  EXPECT_EQ(outcome.verify_exit, kExitBadStore);
  EXPECT_EQ(outcome.start_exit, std::optional<int>(kExitBadStore));
  EXPECT_THAT(outcome.told, HasSubstr("not brought to an end"));
}

TEST_F(DamageTest, WhoAsksForADamagedEventIsToldThatItIsThere) {
  Lay(killed_);
  Start();
  onhookd_->Terminate();
  ASSERT_TRUE(onhookd_->Wait(kPatience).has_value());
  Files files = Image();
  AlterEvents(files["onhook.db"]);
  Lay(files);
  Start();
  int corrupt = 0;
  for (const auto& [number, stored] : stored_) {
    grpc::ClientContext context;
    v1::ListEventsRequest request;
    v1::ListEventsResponse response;
    request.set_call_serial_no(CallOf(number));
    ASSERT_TRUE(stub_->ListEvents(&context, request, &response).ok());
    EXPECT_EQ(response.stored_events_size() + response.corrupt_events(), 1) << number;
    corrupt += response.corrupt_events();
  }
  EXPECT_EQ(corrupt, kCalls);
}

TEST_F(DamageTest, AStoreThatCannotBeReadEndsTheStart) {
  const std::pair<std::function<void(Files&)>, const char*> damages[] = {
      {[](Files& files) {
         files = {{"onhook.db", std::string(8192, 'x')}};
       },
       "file is not a database"},
      // user_version, in a store without a write-ahead log
      {[](Files& files) { files["onhook.db"][63] = 9; }, "has format 9"}};
  onhookd_ = nullptr;
  Lay(killed_);
  Start();
  onhookd_->Terminate();
  ASSERT_TRUE(onhookd_->Wait(kPatience).has_value());
  const Files closed = Image();
  for (const auto& [damage, told] : damages) {
    SCOPED_TRACE(told);
    Files files = closed;
    damage(files);
    Lay(files);
    const Outcome outcome = Try();
    EXPECT_EQ(outcome.verify_exit, kExitBadStore);
    EXPECT_EQ(outcome.start_exit, std::optional<int>(kExitBadStore));
    EXPECT_THAT(outcome.told, HasSubstr(told));
  }
}

TEST_F(DamageTest, AStoreInUseIsNotVerified) {
  Start();
  std::string told;
  EXPECT_EQ(Run("--verify", &told), kExitFailed);
  EXPECT_THAT(told, HasSubstr("a gateway uses"));
  EXPECT_EQ(Run("--accept-loss", &told), kExitFailed);
}

// The control: a gateway that delivers whatever the disk gives is caught.
TEST_F(DamageTest, AGatewayThatIgnoresChecksumsIsCaught) {
  options_.program = ControlProgram("checksum_ignored");
  // Each event's own bytes, in a database without a log, which has checksums of its own.
  Lay(killed_);
  Start();
  onhookd_->Terminate();
  ASSERT_TRUE(onhookd_->Wait(kPatience).has_value());
  Files files = Image();
  AlterEvents(files["onhook.db"]);
  Lay(files);
  const Outcome outcome = Try();
  EXPECT_EQ(outcome.verify_exit, kExitBadStore);
  EXPECT_GT(outcome.altered, 0) << outcome.told;
  options_.program.clear();
  Lay(files);
  const Outcome right = Try();
  EXPECT_EQ(right.altered, 0);
  EXPECT_GT(right.missing, 0);
}

}  // namespace
}  // namespace onhook
