// The floor under every benchmark of callbacks: a server that does nothing but answer 200 with the
// vendor's acknowledgment, either bare cpp-httplib or this project's HttpServer. Shows what the
// connection layer costs or saves.
//
//   http_floor onhook|bare [HOST:PORT]
//
// Prints the address, serves until SIGINT or SIGTERM, then prints the CPU time it took:
//
//   wrk -t1 -c64 -d10s -s tests/bench/post_callback.lua http://127.0.0.1:PORT/release-events
#include <httplib.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <string>
#include <thread>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/http/http_server.h"

namespace onhook {
namespace {

constexpr char kAnswer[] = R"({"retCode":"0","retMsg":"success"})";
constexpr char kContentType[] = "application/json;charset=UTF-8";

std::atomic<int64_t> requests{0};

void WaitForSignal() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  int received = 0;
  sigwait(&signals, &received);
}

// Before any thread starts, so that all of them leave the signals to WaitForSignal().
void BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

void Announce(int port) {
  std::printf("listening on 127.0.0.1:%d\n", port);
  std::fflush(stdout);
}

absl::Duration CpuTime() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return absl::DurationFromTimeval(usage.ru_utime) + absl::DurationFromTimeval(usage.ru_stime);
}

int ServeOnhook(const std::string& listen) {
  SystemClock clock;
  Log log(&clock, LogLevel::kInfo, Log::Format::kText, Log::StandardError());
  HttpOptions options;
  options.listen = listen;
  HttpServer::Callbacks callbacks;
  callbacks.handler = [](const HttpRequest&) {
    requests.fetch_add(1, std::memory_order_relaxed);
    HttpResponse response;
    response.content_type = kContentType;
    response.body = kAnswer;
    return response;
  };
  callbacks.error_body = [](int, absl::string_view reason) {
    HttpResponse response;
    response.body = std::string(reason);
    return response;
  };
  HttpServer server(options, callbacks, &clock, &log);
  if (const absl::Status started = server.Start(); !started.ok()) {
    std::fprintf(stderr, "%s\n", started.ToString().c_str());
    return 1;
  }
  Announce(server.port());
  WaitForSignal();
  server.Stop(absl::Seconds(1));
  return 0;
}

// As a program would write it that uses cpp-httplib alone; only its pool and its backlog, which is
// 5, are made large enough for the connections of the measurement: some would else be opened in
// vain.
int ServeBare() {
  httplib::Server server;
  server.new_task_queue = [] { return new httplib::ThreadPool(64, 1024); };
  server.set_tcp_nodelay(true);
  server.set_keep_alive_max_count(1'000'000'000);
  server.Post(".*", [](const httplib::Request&, httplib::Response& response) {
    requests.fetch_add(1, std::memory_order_relaxed);
    response.set_content(kAnswer, kContentType);
  });
  int listening = -1;
  server.set_socket_options([&](int socket) {
    listening = socket;
    const int on = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  });
  const int port = server.bind_to_any_port("127.0.0.1");
  listen(listening, 1024);
  Announce(port);
  std::thread listener([&] { server.listen_after_bind(); });
  WaitForSignal();
  server.stop();
  listener.join();
  return 0;
}

int Main(int argc, char** argv) {
  const absl::string_view mode = argc > 1 ? argv[1] : "";
  if (mode != "onhook" && mode != "bare") {
    std::fprintf(stderr, "usage: http_floor onhook|bare [HOST:PORT]\n");
    return 2;
  }
  BlockSignals();
  const int result = mode == "bare" ? ServeBare() : ServeOnhook(argc > 2 ? argv[2] : "127.0.0.1:0");
  const int64_t served = requests;
  if (served > 0) {
    std::printf("%s: %lld requests, %.2f us of CPU each\n", argv[1], static_cast<long long>(served),
                absl::ToDoubleMicroseconds(CpuTime()) / served);
  }
  return result;
}

}  // namespace
}  // namespace onhook

int main(int argc, char** argv) { return onhook::Main(argc, argv); }
