// Settings that change back and forth, with bad ones between, under load.
#include <atomic>
#include <set>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "tests/component/reload_fixture.h"

namespace onhook {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAreArray;

constexpr int kPosters = 4;
constexpr int kReloads = 60;
constexpr int kPostsBetweenReloads = 10;
constexpr char kToken[] = "token-of-steady-000000";

// Threads that post to one source, each over a connection that is kept and then over a new one, and
// expect success of every single post.
class Posters {
 public:
  explicit Posters(int port) : port_(port) {
    for (int i = 0; i < kPosters; ++i) threads_.emplace_back([this] { Post(); });
  }
  ~Posters() { Stop(); }

  void AwaitPosts(int more) {
    absl::MutexLock lock(&mutex_);
    const int until = posted_ + more;
    const auto are_done = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return posted_ >= until; };
    mutex_.Await(absl::Condition(&are_done));
  }
  void Stop() {
    stopping_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  std::vector<std::string> accepted() {
    absl::MutexLock lock(&mutex_);
    return accepted_;
  }
  std::vector<std::string> failures() {
    absl::MutexLock lock(&mutex_);
    return failures_;
  }

 private:
  void Post() {
    RawHttpClient kept(port_);
    while (!stopping_) {
      PostOver(kept);
      RawHttpClient fresh(port_);
      PostOver(fresh);
    }
  }
  void PostOver(RawHttpClient& client) {
    const std::string call = absl::StrCat(++calls_);
    const std::string body = absl::StrCat(R"({"callSerialNo":")", call, R"(","called":"1"})");
    const RawAnswer answer =
        client
            .Send(absl::StrCat("POST /steady HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer ",
                               kToken, "\r\nContent-Length: ", body.size(), "\r\n\r\n", body))
            .ReadAnswer();
    absl::MutexLock lock(&mutex_);
    ++posted_;
    if (answer.status == 200 && answer.body == kSuccess) {
      accepted_.push_back(call);
    } else {
      failures_.push_back(absl::StrCat(call, ": ", answer.status, " ", answer.body));
    }
  }

  const int port_;
  std::atomic<bool> stopping_{false};
  std::atomic<int> calls_{0};
  absl::Mutex mutex_;
  int posted_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::string> accepted_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> failures_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

class ReloadLoadTest : public ReloadFixture {
 protected:
  ReloadLoadTest() {
    settings_.sources = {Storing("steady"), Storing("other")};
    settings_.sources[0].bearer.emplace().token_files = {directory_.Write("token", kToken)};
    settings_.subscriptions = {{"crm", {}}};
  }

  // Everything about the sources, and the limits, but for what the posts need.
  std::vector<absl::StatusOr<Invocation>> Variants() const {
    Settings other = settings_;
    other.sources.pop_back();
    other.sources[0].time_zone = "Asia/Shanghai";
    other.sources[0].allowed_networks = {*IpNetwork::Parse("127.0.0.0/8")};
    other.http.server.max_body_bytes = 2048;
    other.http.server.max_connections = 64;
    other.grpc.server.max_streams = 2;
    other.store.keep_raw_body = true;
    Settings waiting = settings_;
    waiting.sources[0].always_200 = true;
    waiting.sources[0].acknowledge.subscriptions = {"crm"};
    waiting.store.minimum_free_disk = 16 << 20;
    waiting.store.deduplication_window = absl::Hours(1);
    Settings bad = other;
    bad.sources[0].bearer->token_files = {directory_.path() + "/absent"};
    std::vector<absl::StatusOr<Invocation>> variants;
    for (const Settings& settings : {other, bad, waiting, settings_}) {
      variants.emplace_back(Invocation()).value().settings = settings;
    }
    variants.insert(variants.begin() + 2, absl::InvalidArgumentError("f:1:1: a: no such key"));
    return variants;
  }
};

TEST_F(ReloadLoadTest, ReloadsUnderLoadFailNoValidRequestEndNoStreamAndLoseNothing) {
  settings_.acknowledge.when = Settings::Acknowledge::When::kForwarded;
  StartGateway();
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");
  Posters posters(gateway_->http_port());
  std::set<std::string> received;
  std::thread consumer([&] {
    while (true) {
      const v1::SubscribeResponse response = subscriber.Next();
      if (response.response_case() == v1::SubscribeResponse::RESPONSE_NOT_SET) return;
      std::vector<v1::Delivery> deliveries(response.deliveries().deliveries().begin(),
                                           response.deliveries().deliveries().end());
      for (const v1::Delivery& delivery : deliveries) {
        received.insert(delivery.event().call_serial_no());
      }
      subscriber.Ack(deliveries);
    }
  });
  const std::vector<absl::StatusOr<Invocation>> variants = Variants();
  for (int i = 0; i < kReloads; ++i) {
    Reload(variants[static_cast<size_t>(i) % variants.size()]);
    posters.AwaitPosts(kPostsBetweenReloads);
  }
  posters.Stop();
  EXPECT_THAT(posters.failures(), IsEmpty());
  EXPECT_EQ(PostTo("/steady", "the last").status, 401) << "the token is asked for as ever";
  subscriber.HalfClose();  // had it ended before, it would not end with OK
  consumer.join();
  EXPECT_TRUE(subscriber.End().ok());
  const std::vector<std::string> accepted = posters.accepted();
  EXPECT_GE(accepted.size(), static_cast<size_t>(kReloads) * kPostsBetweenReloads);
  EXPECT_THAT(StoredCalls(), UnorderedElementsAreArray(accepted));
  EXPECT_EQ(received, std::set<std::string>(accepted.begin(), accepted.end()));
}

}  // namespace
}  // namespace onhook
