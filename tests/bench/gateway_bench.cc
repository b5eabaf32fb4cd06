// One measurement of one server, printed as one JSON object; tests/bench/run.sh puts many of them
// side by side. Measures whatever answers a POST: the gateway, bare cpp-httplib, nginx.
//
//   gateway_bench --http_port=N [--grpc_port=N --subscribers=1] [--pid=N] [--connections=64]
//                 [--seconds=5] [--warm_up_seconds=1] [--rate=0] [--posts=0] [--same_body]
//                 [--idle_connections=0] [--idle_streams=0 --idle_subscriptions=1]
//                 [--stalled_readers=0] [--body_bytes=0]
//                 [--first_number=0] [--latest]
//   gateway_bench --single_row_commits=2000 --directory=DIR
//
// A store that holds events from before wants --first_number behind theirs, and subscribers that
// begin with what is to come: --latest. Idle streams and stalled readers are opened before anything
// is measured. The server's memory is told as it was before all streams (at_rest), when the run
// ended (resident) and at its worst since the start (peak); its CPU as the kernel accounts it,
// until every subscriber has settled everything, which is so long after the end of the load
// (settled).
//
// Exit code: 0 measured, and every callback accepted and, if there are subscribers, received once
// by each; 1 measured, and not so; 2 not measured.
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "tests/bench/bench_arguments.h"
#include "tests/bench/bench_subscriber.h"
#include "tests/bench/idle_streams.h"
#include "tests/bench/load_generator.h"
#include "tests/bench/process_usage.h"
#include "tests/bench/single_row_commits.h"
#include "tests/bench/stalled_readers.h"

namespace onhook {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(20);

double Microseconds(absl::Duration duration) { return absl::ToDoubleMicroseconds(duration); }
double Mebibytes(int64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

int MeasureCommits(const BenchArguments& arguments) {
  const auto times =
      TimeSingleRowCommits(arguments.Text("directory"), arguments.Integer("single_row_commits", 0));
  if (!times.ok() || times->empty()) {
    std::fprintf(stderr, "%s\n", times.status().ToString().c_str());
    return 2;
  }
  absl::PrintF(R"({"commits":%d,"p50_us":%.1f,"p99_us":%.1f})"
               "\n",
               times->size(), Microseconds((*times)[times->size() / 2]),
               Microseconds((*times)[times->size() * 99 / 100]));
  return 0;
}

absl::Duration CpuOfThisProcess() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return absl::DurationFromTimeval(usage.ru_utime) + absl::DurationFromTimeval(usage.ru_stime);
}

using Subscribers = std::vector<std::unique_ptr<BenchSubscriber>>;

std::string GrpcAddress(const BenchArguments& arguments) {
  return absl::StrCat("127.0.0.1:", arguments.Integer("grpc_port", 0));
}

// Every connection is a file, and those of streams are a few.
void AllowManyFiles() {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

bool OpenSubscribers(const BenchArguments& arguments, Subscribers& subscribers) {
  BenchSubscriber::Options options;
  options.server = GrpcAddress(arguments);
  options.first_number = static_cast<int64_t>(arguments.Number("first_number", 0));
  if (arguments.Has("latest")) options.start = v1::START_POSITION_LATEST;
  for (int i = 0; i < arguments.Integer("subscribers", 0); ++i) {
    options.subscription = absl::StrCat("bench-", i);
    // One of an earlier run would be owed what has come since.
    if (!ForgetSubscription(options.server, options.subscription)) return false;
    subscribers.push_back(std::make_unique<BenchSubscriber>(options));
    if (!subscribers.back()->WaitUntilOpened(kPatience)) {
      std::fprintf(stderr, "no stream: %s\n", subscribers.back()->end().c_str());
      return false;
    }
  }
  return true;
}

LoadGenerator::Options LoadOptions(const BenchArguments& arguments) {
  LoadGenerator::Options options;
  options.port = arguments.Integer("http_port", 0);
  options.connections = arguments.Integer("connections", 64);
  options.rate = arguments.Number("rate", 0);
  options.same_body = arguments.Has("same_body");
  options.idle_connections = arguments.Integer("idle_connections", 0);
  options.first_number = static_cast<int64_t>(arguments.Number("first_number", 0));
  options.body_bytes = static_cast<size_t>(arguments.Integer("body_bytes", 0));
  if (const int posts = arguments.Integer("posts", 0); posts > 0) options.posts = posts;
  return options;
}

// Whether every subscriber has received every callback exactly once.
bool Delivered(const Subscribers& subscribers, int64_t callbacks) {
  bool all = true;
  for (const auto& each : subscribers) {
    all = each->WaitUntilSettled(callbacks, kPatience) && each->unexpected() == 0 && all;
    if (!all) {
      std::fprintf(stderr, "received %lld of %lld callbacks, and %lld unexpected; %s\n",
                   static_cast<long long>(each->distinct()), static_cast<long long>(callbacks),
                   static_cast<long long>(each->unexpected()), each->end().c_str());
    }
  }
  return all;
}

// The streams that are there while others work.
struct Bystanders {
  std::optional<IdleStreams> idle;
  std::optional<StalledReaders> stalled;
  double idle_stream_kib = 0;  // of the server's memory, for each

  // False: not all could be opened.
  bool Open(const BenchArguments& arguments, pid_t pid) {
    if (const int streams = arguments.Integer("idle_streams", 0); streams > 0) {
      const int64_t before = UsageOf(pid).resident_bytes;
      idle.emplace(GrpcAddress(arguments), streams, arguments.Integer("idle_subscriptions", 1));
      idle_stream_kib =
          static_cast<double>(UsageOf(pid).resident_bytes - before) / (1 << 10) / streams;
    }
    if (const int readers = arguments.Integer("stalled_readers", 0); readers > 0) {
      stalled.emplace(GrpcAddress(arguments), readers);
    }
    return (!idle.has_value() || idle->opened()) && (!stalled.has_value() || stalled->opened());
  }
};

std::string LatenciesOf(const LoadResult& result) {
  return absl::StrFormat(
      R"("p50_us":%.0f,"p90_us":%.0f,"p99_us":%.0f,"p999_us":%.0f,"max_us":%.0f,"behind_us":%.0f)",
      Microseconds(result.Percentile(0.5)), Microseconds(result.Percentile(0.9)),
      Microseconds(result.Percentile(0.99)), Microseconds(result.Percentile(0.999)),
      Microseconds(result.Percentile(1)), Microseconds(result.behind));
}

std::string ServerCpu(const ProcessUsage& before, const ProcessUsage& after, double events) {
  return absl::StrFormat(R"("server_cpu_us":%.2f,"server_user_us":%.2f,"server_system_us":%.2f)",
                         Microseconds(after.cpu() - before.cpu()) / events,
                         Microseconds(after.user - before.user) / events,
                         Microseconds(after.system - before.system) / events);
}

int MeasureServer(const BenchArguments& arguments) {
  AllowManyFiles();
  const auto pid = static_cast<pid_t>(arguments.Integer("pid", 0));
  const int64_t at_rest = UsageOf(pid).resident_bytes;
  Bystanders bystanders;
  if (!bystanders.Open(arguments, pid)) {
    std::fprintf(stderr, "not all idle or stalled streams could be opened\n");
    return 2;
  }
  Subscribers subscribers;
  if (!OpenSubscribers(arguments, subscribers)) return 2;
  LoadGenerator load(LoadOptions(arguments));
  const LoadResult warm_up = load.Run(absl::Seconds(arguments.Number("warm_up_seconds", 1)));
  if (warm_up.errors() > 0) {
    std::fprintf(stderr, "warming up: %lld not accepted\n",
                 static_cast<long long>(warm_up.errors()));
  }
  // What subscribers that lag behind are still owed is part of what its events cost.
  bool delivered = Delivered(subscribers, load.callbacks());
  const ProcessUsage before = UsageOf(pid);
  const absl::Duration own_before = CpuOfThisProcess();
  const LoadResult result = load.Run(absl::Seconds(arguments.Number("seconds", 5)));
  const int64_t resident = UsageOf(pid).resident_bytes;
  const absl::Time ended = absl::Now();
  delivered = Delivered(subscribers, load.callbacks()) && delivered;
  const absl::Duration settled = absl::Now() - ended;
  const ProcessUsage after = UsageOf(pid);
  const absl::Duration own_cpu = CpuOfThisProcess() - own_before;
  const double events = static_cast<double>(std::max<int64_t>(result.accepted, 1));
  absl::PrintF(R"({"requests_per_second":%.0f,%s,%s,)"
               R"("server_at_rest_mib":%.1f,"server_resident_mib":%.1f,"server_peak_mib":%.1f,)"
               R"("idle_stream_kib":%.1f,"settled_ms":%.1f,"load_cpu_us":%.2f,"bench_cpu_us":%.2f,)"
               R"("accepted":%d,"not_forwarded":%d,"refused":%d,"lost":%d,"delivered_once":%s})"
               "\n",
               result.requests_per_second(), LatenciesOf(result), ServerCpu(before, after, events),
               Mebibytes(at_rest), Mebibytes(resident), Mebibytes(after.peak_resident_bytes),
               bystanders.idle_stream_kib, absl::ToDoubleMilliseconds(settled),
               Microseconds(result.cpu) / events, Microseconds(own_cpu) / events, result.accepted,
               result.not_forwarded, result.refused, result.lost, delivered ? "true" : "false");
  return delivered && result.errors() == 0 && warm_up.errors() == 0 ? 0 : 1;
}

int Main(int argc, char** argv) {
  const BenchArguments arguments(argc, argv);
  if (arguments.Integer("single_row_commits", 0) > 0) return MeasureCommits(arguments);
  if (arguments.Integer("http_port", 0) > 0) return MeasureServer(arguments);
  std::fprintf(stderr, "--http_port or --single_row_commits is missing; see the file's head\n");
  return 2;
}

}  // namespace
}  // namespace onhook

int main(int argc, char** argv) { return onhook::Main(argc, argv); }
