// What a backlog costs, in two steps; tests/bench/run.sh puts them together.
//
//   backlog_bench --fill=5000000 --directory=DIR
//       Makes a store in which the subscription "dead" is owed so many events.
//   backlog_bench --catch_up=5000000 --http_port=N --grpc_port=N --pid=N [--rate=1000]
//                 [--first_number=5000000]
//       Sends "dead" back to the oldest event, attaches to it, and measures until it has received
//       and acknowledged so many, while callbacks go on coming, which another subscription
//       receives. Prints one JSON object.
//
// Exit code: 0 done, and each event received once; 1 done, and not so; 2 not done.
#include <cstdio>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "onhook/v1/subscription_service.grpc.pb.h"
#include "tests/bench/bench_arguments.h"
#include "tests/bench/bench_subscriber.h"
#include "tests/bench/load_generator.h"
#include "tests/bench/process_usage.h"
#include "tests/bench/store_filler.h"

namespace onhook {
namespace {

constexpr char kDead[] = "dead";
constexpr absl::Duration kPatience = absl::Minutes(10);

double Mebibytes(int64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

int Fill(const BenchArguments& arguments) {
  const absl::Status filled = FillStore(arguments.Text("directory"), kDead,
                                        static_cast<int64_t>(arguments.Number("fill", 0)));
  if (!filled.ok()) std::fprintf(stderr, "%s\n", filled.ToString().c_str());
  return filled.ok() ? 0 : 2;
}

// Callbacks at a steady rate from a thread of its own, until it is stopped.
class SteadyLoad {
 public:
  explicit SteadyLoad(const LoadGenerator::Options& options)
      : load_(options), thread_([this] { result_ = load_.Run(2 * kPatience); }) {}
  ~SteadyLoad() { Stop(); }
  SteadyLoad(const SteadyLoad&) = delete;
  SteadyLoad& operator=(const SteadyLoad&) = delete;

  const LoadResult& Stop() {
    load_.Stop();
    if (thread_.joinable()) thread_.join();
    return result_;
  }
  // Once it is stopped.
  int64_t callbacks() const { return load_.callbacks(); }

 private:
  LoadGenerator load_;
  LoadResult result_;
  std::thread thread_;
};

// False, and said why: it could not be.
bool SendBack(const std::string& server) {
  const auto stub = v1::SubscriptionService::NewStub(
      grpc::CreateChannel(server, grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  v1::SeekRequest request;
  request.set_name(kDead);
  request.set_position(v1::START_POSITION_EARLIEST);
  v1::SeekResponse response;
  const grpc::Status status = stub->Seek(&context, request, &response);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.error_message().c_str());
  return status.ok();
}

int CatchUp(const BenchArguments& arguments) {
  const auto events = static_cast<int64_t>(arguments.Number("catch_up", 0));
  BenchSubscriber::Options live_options;
  live_options.server = absl::StrCat("127.0.0.1:", arguments.Integer("grpc_port", 0));
  live_options.subscription = "live";
  live_options.start = v1::START_POSITION_LATEST;
  live_options.first_number = static_cast<int64_t>(arguments.Number("first_number", 0));
  if (!SendBack(live_options.server) ||
      !ForgetSubscription(live_options.server, live_options.subscription)) {
    return 2;
  }
  const BenchSubscriber live(live_options);
  if (!live.WaitUntilOpened(kPatience)) return 2;
  LoadGenerator::Options load_options;
  load_options.port = arguments.Integer("http_port", 0);
  load_options.connections = 8;
  load_options.rate = arguments.Number("rate", 1000);
  load_options.first_number = live_options.first_number;
  SteadyLoad load(load_options);

  const auto pid = static_cast<pid_t>(arguments.Integer("pid", 0));
  const ProcessUsage before = UsageOf(pid);
  BenchSubscriber::Options dead_options;
  dead_options.server = live_options.server;
  dead_options.subscription = kDead;
  const absl::Time began = absl::Now();
  const BenchSubscriber dead(dead_options);
  const bool caught_up = dead.WaitUntilSettled(events, kPatience);
  const absl::Duration took = absl::Now() - began;
  const ProcessUsage after = UsageOf(pid);
  const LoadResult& result = load.Stop();
  const bool once = caught_up && dead.unexpected() == 0 &&
                    live.WaitUntilSettled(load.callbacks(), kPatience) && live.unexpected() == 0;
  if (!once)
    std::fprintf(stderr, "received %d; %s\n", static_cast<int>(dead.distinct()),
                 dead.end().c_str());
  absl::PrintF(R"({"events_per_second":%.0f,"seconds":%.1f,"server_cpu_us":%.2f,)"
               R"("server_peak_mib":%.1f,"accepted":%d,"not_forwarded":%d,"refused":%d,"lost":%d,)"
               R"("p50_us":%.0f,"p99_us":%.0f})"
               "\n",
               static_cast<double>(events) / absl::ToDoubleSeconds(took),
               absl::ToDoubleSeconds(took),
               absl::ToDoubleMicroseconds(after.cpu() - before.cpu()) / static_cast<double>(events),
               Mebibytes(after.peak_resident_bytes), result.accepted, result.not_forwarded,
               result.refused, result.lost, absl::ToDoubleMicroseconds(result.Percentile(0.5)),
               absl::ToDoubleMicroseconds(result.Percentile(0.99)));
  return once && result.errors() == 0 ? 0 : 1;
}

int Main(int argc, char** argv) {
  const BenchArguments arguments(argc, argv);
  if (!arguments.Text("fill").empty()) return Fill(arguments);
  if (arguments.Number("catch_up", 0) > 0) return CatchUp(arguments);
  std::fprintf(stderr, "--fill or --catch_up is missing; see the file's head\n");
  return 2;
}

}  // namespace
}  // namespace onhook

int main(int argc, char** argv) { return onhook::Main(argc, argv); }
