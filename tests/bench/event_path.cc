// What a callback's way from bytes to a stored event's bytes costs, step by step: one thread, no
// disk, no network. The whole is measured in one run of its own, so the steps need not add up.
#include <cstddef>
#include <cstdio>
#include <ctime>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "gateway/event/event_identity.h"
#include "gateway/event/release_event_mapper.h"
#include "gateway/ingress/callback_parser.h"
#include "google/protobuf/arena.h"

namespace onhook {
namespace {

constexpr char kJson[] =
    R"({"agentAlertingTime":"2022/02/22,10:04:29:004","agentReleaseTime":"2022/02/22,10:04:36:004",)"
    R"("agentTalkDuration":"7","agentTalkingTime":"2022/02/22,10:04:29:004",)"
    R"("alertingTime":"2022/02/22,10:04:29:004","callData":"order 42","callSerialNo":)"
    R"("1197765398201387012","called":"88880067","caller":"960003","callerPresent":"960003",)"
    R"("createCallTime":"2022/02/22,10:04:28:823","locationId":"0","nonce":"-1482421808053124529",)"
    R"("recordfile":"Y:/2/mobileAgent/20220222/1645524268-824.wav","releaseReason":"0",)"
    R"("releaseTime":"2022/02/22,10:04:36:318","serviceNo":null,"talkDuration":"6",)"
    R"("talkingTime":"2022/02/22,10:04:30:418","timestamp":"1645524163326"})";

// The same words in the Java-map form.
std::string JavaMap() {
  const VendorFields fields = ParseCallback(kJson).value();
  std::string map = "{";
  for (size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) map.append(", ");
    map.append(std::string(fields[i].name)).append("=");
    map.append(std::string(fields[i].value.value_or("null")));
  }
  return map.append("}");
}

// Keeps the compiler from leaving the work out.
size_t sink = 0;

// This thread's, so that what else the machine does does not count.
absl::Duration ProcessorTime() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return absl::DurationFromTimespec(time);
}

template <typename Step>
void Measure(absl::string_view name, const Step& step) {
  constexpr int kRuns = 200'000;
  for (int i = 0; i < kRuns / 10; ++i) sink += step();
  const absl::Duration begin = ProcessorTime();
  for (int i = 0; i < kRuns; ++i) sink += step();
  std::printf("%-22s %6.0f ns\n", std::string(name).c_str(),
              absl::ToDoubleNanoseconds(ProcessorTime() - begin) / kRuns);
}

void Run() {
  const std::string json = kJson;
  const std::string java_map = JavaMap();
  const VendorFields fields = ParseCallback(json).value();
  MappingOptions options;
  options.source = "default";
  options.received_at = absl::Now();
  v1::ReleaseEvent event;
  sink += MapReleaseEvent(fields, options, event)->size();
  const auto map = [&](const VendorFields& words) {
    alignas(std::max_align_t) char room[2048];
    google::protobuf::Arena arena(room, sizeof(room));
    auto& mapped = *google::protobuf::Arena::CreateMessage<v1::ReleaseEvent>(&arena);
    sink += MapReleaseEvent(words, options, mapped)->size();
    return mapped.SerializeAsString().size();
  };

  Measure("parse, JSON", [&] { return ParseCallback(json)->size(); });
  Measure("parse, Java map", [&] { return ParseCallback(java_map)->size(); });
  Measure("digest", [&] { return EventDigest("default", fields).size(); });
  Measure("serialise", [&] { return event.SerializeAsString().size(); });
  Measure("map and serialise", [&] { return map(fields); });
  Measure("all, from JSON", [&] { return map(*ParseCallback(json)); });
}

}  // namespace
}  // namespace onhook

int main() {
  onhook::Run();
  return onhook::sink == 0 ? 1 : 0;
}
