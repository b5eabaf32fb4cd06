#include "gateway/delivery/grpc_log.h"

#include <grpc/support/log.h>

#include <cstdint>
#include <list>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/log_throttle.h"

namespace onhook {
namespace {

constexpr absl::Duration kLineInterval = absl::Seconds(10);
// Behind this come words of OpenSSL's. Other lines of that file name what the client asked for.
constexpr absl::string_view kHandshakes = "ssl_transport_security.cc";
constexpr absl::string_view kHandshakeFailed = "Handshake failed";

struct Sink {
  Sink(const GrpcLog* owner_, Metrics* metrics, const Clock* clock, const Log* log_)
      : owner(owner_), log(log_), throttle(clock, kLineInterval) {
    if (metrics == nullptr) return;
    failed_handshakes = metrics->AddCounter("onhook_grpc_handshakes_failed_total",
                                            "TLS handshakes of the gRPC port that failed.", {});
  }
  const GrpcLog* owner;
  Metrics::Counter failed_handshakes;
  const Log* log;
  LogThrottle throttle;
};

struct Sinks {
  absl::Mutex mutex;
  std::list<Sink> all ABSL_GUARDED_BY(mutex);
};

Sinks& AllSinks() {
  static Sinks& sinks = *new Sinks;  // never destroyed: gRPC's threads may outlive main()
  return sinks;
}

absl::string_view NameOf(absl::string_view file) { return file.substr(file.rfind('/') + 1); }

bool IsOfFailedHandshake(absl::string_view file, absl::string_view message) {
  return NameOf(file) == kHandshakes && absl::StartsWith(message, kHandshakeFailed);
}

void Pass(gpr_log_func_args* line) {
  if (line->severity != GPR_LOG_SEVERITY_ERROR) return;
  Sinks& sinks = AllSinks();
  absl::ReaderMutexLock lock(&sinks.mutex);  // held meanwhile, so that the log does outlive it
  if (sinks.all.empty()) return;
  Sink& sink = sinks.all.back();
  if (IsOfFailedHandshake(line->file, line->message)) sink.failed_handshakes.Increment();
  const int64_t lines = sink.throttle.Occurred();
  if (lines == 0) return;
  sink.log->Warning(
      "delivery", "gRPC reports an error",
      {{"error", TellableOfGrpc(line->file, line->line, line->message)}, {"errors", lines}});
}

}  // namespace

std::string TellableOfGrpc(absl::string_view file, int line, absl::string_view message) {
  std::string told = absl::StrCat(NameOf(file), ":", line);
  if (IsOfFailedHandshake(file, message)) absl::StrAppend(&told, " ", message);
  return told;
}

GrpcLog::GrpcLog(Metrics* metrics, const Clock* clock, const Log* log) {
  Sinks& sinks = AllSinks();
  absl::MutexLock lock(&sinks.mutex);
  sinks.all.emplace_back(this, metrics, clock, log);
  gpr_set_log_function(Pass);
}

GrpcLog::~GrpcLog() {
  Sinks& sinks = AllSinks();
  absl::MutexLock lock(&sinks.mutex);
  sinks.all.remove_if([this](const Sink& sink) { return sink.owner == this; });
}

}  // namespace onhook
