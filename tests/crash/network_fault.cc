#include "tests/crash/network_fault.h"

#include <cstdint>
#include <iostream>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/crash/crash_run.h"
#include "tests/support/chaos_proxy.h"

namespace onhook {
namespace {

constexpr absl::Duration kLongest = absl::Milliseconds(400);
constexpr absl::Duration kLongestDelay = absl::Milliseconds(100);
// A delivery takes some hundred bytes, a callback too.
constexpr int64_t kMostBytesBeforeCut = 5000;
constexpr int64_t kFewestBytesEachSecond = 500;
constexpr uint64_t kKinds = 5;

class NetworkFault final : public Fault {
 public:
  absl::string_view name() const override { return "network"; }

  void Begin(CrashRun& run) override {
    to_http_.emplace(run.random()());
    to_grpc_.emplace(run.random()());
  }

  void Route(GatewayAddress::Ports& ports) override {
    to_http_->LeadTo(ports.http);
    to_grpc_->LeadTo(ports.grpc);
    ports.http = to_http_->port();
    ports.grpc = to_grpc_->port();
  }

  void Strike(CrashRun& run) override {
    ChaosProxy& proxy = run.random()() % 2 == 0 ? *to_http_ : *to_grpc_;
    // Often one direction only, and not every connection.
    for (const auto direction : {ChaosProxy::kToServer, ChaosProxy::kToClient}) {
      if (run.random()() % 3 != 0) Disturb(proxy, direction, run);
    }
    const std::optional<ProcessEnd> end = run.RunsFor(run.RandomBelow(kLongest));
    ASSERT_FALSE(end.has_value()) << *end << "\n" << run.gateway().log();
    proxy.Clear();
  }

  void End(CrashRun&) override {
    to_http_->Clear();
    to_grpc_->Clear();
    for (const auto& proxy : {&*to_http_, &*to_grpc_}) {
      const ChaosProxy::Tally tally = proxy->tally();
      std::cout << absl::StrCat(proxy == &*to_http_ ? "vendor: " : "backends: ", tally.connections,
                                " connections, ", tally.cuts, " cut in a message, ", tally.vanished,
                                " of ", tally.bytes + tally.vanished, " bytes vanished\n");
    }
  }

 private:
  static void Disturb(ChaosProxy& proxy, ChaosProxy::Direction direction, CrashRun& run) {
    const int percent = run.random()() % 2 == 0 ? 100 : 50;
    ChaosProxy::Weather weather;
    switch (run.random()() % kKinds) {
      case 0:
        weather.delay = run.RandomBelow(kLongestDelay);
        return proxy.SetWeather(direction, weather, percent);
      case 1:
        weather.bytes_per_second = kFewestBytesEachSecond
                                   << (run.random()() % 8);  // up to a message each 10 ms
        return proxy.SetWeather(direction, weather, percent);
      case 2:
        weather.vanishes = true;
        return proxy.SetWeather(direction, weather, percent);
      case 3:
        return proxy.Cut(direction, ChaosProxy::End::kFinish, kMostBytesBeforeCut, percent);
      default:
        return proxy.Cut(direction, ChaosProxy::End::kReset, kMostBytesBeforeCut, percent);
    }
  }

  std::optional<ChaosProxy> to_http_;
  std::optional<ChaosProxy> to_grpc_;
};

}  // namespace

std::unique_ptr<Fault> MakeNetworkFault() { return std::make_unique<NetworkFault>(); }

}  // namespace onhook
