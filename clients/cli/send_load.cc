#include "clients/cli/send_load.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <numeric>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "clients/cli/printable.h"

namespace onhook::cli {
namespace {

absl::Duration Elapsed() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

void Merge(LoadSummary&& part, LoadSummary& whole) {
  whole.acknowledged += part.acknowledged;
  for (const auto& [what, count] : part.failures) whole.failures[what] += count;
  whole.latencies.insert(whole.latencies.end(), part.latencies.begin(), part.latencies.end());
}

// The latency that `share` of all answers did not exceed. `sorted` is not empty.
double PercentileMs(const std::vector<absl::Duration>& sorted, double share) {
  const auto index = std::lround(share * static_cast<double>(sorted.size() - 1));
  return absl::ToDoubleMilliseconds(sorted[static_cast<size_t>(index)]);
}

}  // namespace

int64_t LoadSummary::failed() const {
  return std::accumulate(failures.begin(), failures.end(), int64_t{0},
                         [](int64_t sum, const auto& failure) { return sum + failure.second; });
}

std::string LoadSummary::Text() const {
  const int64_t sent = acknowledged + failed();
  const double seconds = std::max(absl::ToDoubleSeconds(took), 1e-9);
  std::string text =
      absl::StrFormat("sent %d in %.2f s (%.0f a second): %d acknowledged, %d not\n", sent, seconds,
                      static_cast<double>(sent) / seconds, acknowledged, failed());
  if (!latencies.empty()) {
    std::vector<absl::Duration> sorted = latencies;
    std::sort(sorted.begin(), sorted.end());
    absl::StrAppendFormat(&text, "answer after ms: p50 %.2f  p99 %.2f  max %.2f\n",
                          PercentileMs(sorted, 0.5), PercentileMs(sorted, 0.99),
                          PercentileMs(sorted, 1.0));
  }
  for (const auto& [what, count] : failures) {
    absl::StrAppend(&text, "  ", count, " x ", Printable(what), "\n");
  }
  return text;
}

LoadSummary SendLoad(const VendorTarget& target, absl::Duration timeout, int64_t count,
                     int64_t concurrency, const std::function<std::string(int64_t n)>& body) {
  std::atomic<int64_t> next{0};
  const auto send = [&](LoadSummary* part) {
    VendorClient client(target, timeout);
    for (int64_t n = next++; n < count; n = next++) {
      const absl::Duration begun = Elapsed();
      const absl::StatusOr<VendorAnswer> answer = client.Post(body(n));
      if (!answer.ok()) {
        ++part->failures[std::string(answer.status().message())];
        continue;
      }
      part->latencies.push_back(Elapsed() - begun);
      if (answer->acknowledged) {
        ++part->acknowledged;
      } else {
        ++part->failures[absl::StrCat("HTTP ", answer->http_status)];
      }
    }
  };
  const absl::Duration begun = Elapsed();
  std::vector<LoadSummary> parts(static_cast<size_t>(std::min(count, concurrency)));
  std::vector<std::thread> threads;
  threads.reserve(parts.size());
  for (LoadSummary& part : parts) threads.emplace_back(send, &part);
  for (std::thread& thread : threads) thread.join();
  LoadSummary whole;
  for (LoadSummary& part : parts) Merge(std::move(part), whole);
  whole.took = Elapsed() - begun;
  return whole;
}

}  // namespace onhook::cli
