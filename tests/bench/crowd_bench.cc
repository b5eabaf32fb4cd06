// How long healthy requests take beside a crowd of slow and idle connections: 1,000 from several
// addresses and 1,100 from one, which are opened again whenever the server ends them.
//
//   crowd_bench [--server=onhook|bare] [--seconds=20] [--rate=50] [--crowd=0|1]
//
// `bare` is cpp-httplib alone with a pool of 1,024 threads: what the numbers of the gateway's
// server are to be compared with. Healthy requests come from an address of their own, each over a
// new connection, at a fixed rate; times count from when each was due. A request without an answer
// within ten seconds is lost.
#include <httplib.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/http/http_server.h"
#include "tests/bench/bench_arguments.h"
#include "tests/bench/slow_crowd.h"
#include "tests/support/raw_http_client.h"

namespace onhook {
namespace {

constexpr char kRequest[] =
    "POST /release-events HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}";

// What answers 200 to everything.
class Server {
 public:
  virtual ~Server() = default;
  virtual int port() const = 0;
};

class OnhookServer final : public Server {
 public:
  OnhookServer() {
    HttpOptions options;
    options.listen = "127.0.0.1:0";
    options.cap_loopback = true;  // as if the crowd came from elsewhere
    const auto answer = [](auto&&...) { return HttpResponse(); };
    server_ = std::make_unique<HttpServer>(options, HttpServer::Callbacks{answer, answer}, &clock_,
                                           &log_);
    if (!server_->Start().ok()) std::abort();
  }
  int port() const override { return server_->port(); }

 private:
  SystemClock clock_;
  Log log_{&clock_, LogLevel::kError, Log::Format::kText, Log::StandardError()};
  std::unique_ptr<HttpServer> server_;
};

class BareServer final : public Server {
 public:
  BareServer() {
    server_.new_task_queue = [] { return new httplib::ThreadPool(1024, 1024); };
    server_.set_tcp_nodelay(true);
    server_.Post(".*", [](const httplib::Request&, httplib::Response&) {});
    port_ = server_.bind_to_any_port("127.0.0.1");
    listener_ = std::thread([this] { server_.listen_after_bind(); });
  }
  ~BareServer() override {
    server_.stop();
    listener_.join();
  }
  int port() const override { return port_; }

 private:
  httplib::Server server_;
  int port_ = 0;
  std::thread listener_;
};

struct Healthy {
  std::vector<absl::Duration> latencies;
  int lost = 0;
  int refused = 0;

  double Percentile(double fraction) {
    if (latencies.empty()) return 0;
    std::sort(latencies.begin(), latencies.end());
    const auto at = static_cast<size_t>(fraction * static_cast<double>(latencies.size() - 1));
    return absl::ToDoubleMilliseconds(latencies[at]);
  }
};

Healthy SendHealthy(int port, double rate, double seconds) {
  Healthy healthy;
  const absl::Time begun = absl::Now();
  for (int i = 0; i < rate * seconds; ++i) {
    const absl::Time due = begun + absl::Seconds(i / rate);
    absl::SleepFor(due - absl::Now());
    RawHttpClient client;
    const RawAnswer answer = client.From("127.0.3.1").Connect(port).Send(kRequest).ReadAnswer();
    healthy.latencies.push_back(absl::Now() - due);
    healthy.lost += answer.status == 0 ? 1 : 0;
    healthy.refused += answer.status != 0 && answer.status != 200 ? 1 : 0;
  }
  return healthy;
}

int Main(int argc, char** argv) {
  const BenchArguments arguments(argc, argv);
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);

  const bool is_bare = arguments.Text("server") == "bare";
  std::unique_ptr<Server> server;
  if (is_bare) {
    server = std::make_unique<BareServer>();
  } else {
    server = std::make_unique<OnhookServer>();
  }
  std::unique_ptr<SlowCrowd> crowd;
  if (arguments.Integer("crowd", 1) != 0) {
    SlowCrowd::Options options;
    options.port = server->port();
    crowd = std::make_unique<SlowCrowd>(options);
  }
  Healthy healthy =
      SendHealthy(server->port(), arguments.Number("rate", 50), arguments.Number("seconds", 20));
  std::printf(
      "%s: %zu healthy requests, %d refused, %d lost; p50 %.2f ms, p99 %.2f ms, max %.2f ms",
      is_bare ? "bare" : "onhook", healthy.latencies.size(), healthy.refused, healthy.lost,
      healthy.Percentile(0.5), healthy.Percentile(0.99), healthy.Percentile(1));
  if (crowd != nullptr) {
    std::printf("; the crowd was ended %lld times", static_cast<long long>(crowd->ended()));
  }
  std::printf("\n");
  return healthy.lost + healthy.refused == 0 ? 0 : 1;
}

}  // namespace
}  // namespace onhook

int main(int argc, char** argv) { return onhook::Main(argc, argv); }
