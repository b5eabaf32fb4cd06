// What the single steps of an event's way cost, by Google Benchmark: one thread, no network, and no
// disk but where a commit is measured.
//
//   hot_functions [--benchmark_filter=REGEX] [--benchmark_format=json] ...
#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/delivery/responses.h"
#include "gateway/event/event_identity.h"
#include "gateway/event/release_event_mapper.h"
#include "gateway/http/request_head.h"
#include "gateway/ingress/callback_parser.h"
#include "gateway/ingress/signature.h"
#include "gateway/store/sqlite/sqlite_storage.h"
#include "google/protobuf/arena.h"
#include "tests/support/temporary_directory.h"

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

constexpr char kHead[] =
    "POST /release-events HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\nAccept: */*\r\n"
    "Content-Type: application/json;charset=UTF-8\r\nContent-Length: 640\r\n\r\n";

constexpr absl::string_view kKey = "a-key-of-thirty-two-characters--";
constexpr absl::string_view kStoreId = "0123456789abcdef";

VendorFields Fields() { return ParseCallback(kJson).value(); }

MappingOptions Options() {
  MappingOptions options;
  options.source = "default";
  options.received_at = absl::FromUnixMillis(1'645'524'276'318);
  return options;
}

v1::ReleaseEvent Event() {
  v1::ReleaseEvent event;
  if (!MapReleaseEvent(Fields(), Options(), event).ok()) std::abort();
  return event;
}

// The same words in the Java-map form.
std::string JavaMap() {
  const VendorFields fields = Fields();
  std::string map;
  for (size_t i = 0; i < fields.size(); ++i) {
    absl::StrAppend(&map, i == 0 ? "{" : ", ", std::string(fields[i].name), "=",
                    std::string(fields[i].value.value_or("null")));
  }
  return map.append("}");
}

void Parse(benchmark::State& state, const std::string& body) {
  while (state.KeepRunning()) benchmark::DoNotOptimize(ParseCallback(body));
}

// As the way of a callback does it: on an arena that begins on the stack.
size_t MapAndSerialise(const VendorFields& fields, const MappingOptions& options) {
  alignas(std::max_align_t) char room[2048];
  google::protobuf::Arena arena(room, sizeof(room));
  auto& event = *google::protobuf::Arena::CreateMessage<v1::ReleaseEvent>(&arena);
  if (!MapReleaseEvent(fields, options, event).ok()) std::abort();
  return event.SerializeAsString().size();
}

void Map(benchmark::State& state) {
  const VendorFields fields = Fields();
  const MappingOptions options = Options();
  while (state.KeepRunning()) {
    alignas(std::max_align_t) char room[2048];
    google::protobuf::Arena arena(room, sizeof(room));
    auto& event = *google::protobuf::Arena::CreateMessage<v1::ReleaseEvent>(&arena);
    benchmark::DoNotOptimize(MapReleaseEvent(fields, options, event));
  }
}

void Identity(benchmark::State& state) {
  const VendorFields fields = Fields();
  while (state.KeepRunning()) benchmark::DoNotOptimize(EventDigest("default", fields));
}

void Verify(benchmark::State& state) {
  const VendorFields unsigned_fields = Fields();
  const std::string signature = Sign(kKey, unsigned_fields, AbsentFields::kLeftOut);
  const std::string body =
      absl::StrCat(R"({"signature":")", signature, R"(",)", std::string(kJson).substr(1));
  const VendorFields fields = ParseCallback(body).value();
  const std::vector<absl::string_view> keys{kKey};
  if (!VerifySignature(keys, fields)) std::abort();
  while (state.KeepRunning()) benchmark::DoNotOptimize(VerifySignature(keys, fields));
}

void Serialise(benchmark::State& state) {
  const v1::ReleaseEvent event = Event();
  while (state.KeepRunning()) benchmark::DoNotOptimize(event.SerializeAsString());
}

void FromJsonToStoredBytes(benchmark::State& state) {
  const MappingOptions options = Options();
  while (state.KeepRunning()) {
    benchmark::DoNotOptimize(MapAndSerialise(ParseCallback(kJson).value(), options));
  }
}

void ParseRequestHead(benchmark::State& state) {
  constexpr RequestHeadLimits kLimits{.line_bytes = 8192,
                                      .header_bytes = 8192,
                                      .headers = 100,
                                      .head_bytes = 65536,
                                      .body_bytes = 65536};
  RequestHeadParser parser(kLimits);
  while (state.KeepRunning()) {
    if (parser.Parse(kHead) != ParseState::kDone) std::abort();
    parser.Reset();
  }
}

void EncodeDeliveriesMessage(benchmark::State& state) {
  const std::string bytes = Event().SerializeAsString();
  std::vector<Lease> leases;
  for (int64_t i = 0; i < state.range(0); ++i) {
    auto event = std::make_shared<LogEvent>();
    event->sequence = 1'000'000 + i;
    event->event = bytes;
    Lease lease;
    lease.delivery_id = absl::StrCat("1-", event->sequence, "-1");
    lease.event = std::move(event);
    lease.ack_deadline = absl::Seconds(30);
    leases.push_back(std::move(lease));
  }
  const std::string store_id(kStoreId);
  while (state.KeepRunning()) benchmark::DoNotOptimize(EncodeDeliveries(leases, store_id));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

// A transaction of so many new events, until it is on the disk.
void InsertAndCommit(benchmark::State& state) {
  const TemporaryDirectory directory;
  auto storage = SqliteStorage::Open(directory.path() + "/store");
  if (!storage.ok() || !(*storage)->Recover().ok()) std::abort();
  NewEvent event;
  event.source = "default";
  event.digest = std::string(kEventDigestSize, 'd');
  event.received_at = absl::FromUnixMillis(1'645'524'276'318);
  event.event = Event().SerializeAsString();
  LogPlace place{0, 0};
  while (state.KeepRunning()) {
    if (!(*storage)->Begin().ok()) std::abort();
    for (int64_t i = 0; i < state.range(0); ++i) {
      ++place.sequence;
      place.end_offset += static_cast<int64_t>(event.event.size());
      event.call_serial_no = absl::StrCat(1'197'765'390'000'000'000 + place.sequence);
      if (!(*storage)->InsertEvent(event, place, event.received_at).ok()) std::abort();
    }
    if (!(*storage)->Commit().ok()) std::abort();
    if ((*storage)->NeedsMaintenance() && !(*storage)->Maintain().ok()) std::abort();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  if (!(*storage)->Close().ok()) std::abort();
}

BENCHMARK_CAPTURE(Parse, json, std::string(kJson));
BENCHMARK_CAPTURE(Parse, java_map, JavaMap());
BENCHMARK(Map);
BENCHMARK(Identity);
BENCHMARK(Verify);
BENCHMARK(Serialise);
BENCHMARK(FromJsonToStoredBytes);
BENCHMARK(ParseRequestHead);
BENCHMARK(EncodeDeliveriesMessage)->Arg(1)->Arg(32);
BENCHMARK(InsertAndCommit)->Arg(1)->Arg(32)->Arg(256)->UseRealTime();

}  // namespace
}  // namespace onhook

BENCHMARK_MAIN();
