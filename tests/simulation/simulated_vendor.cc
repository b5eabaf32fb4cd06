#include "tests/simulation/simulated_vendor.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "onhook/v1/release_event.pb.h"

namespace onhook {
namespace {

// A call that nobody waits for: what was altered on the way.
constexpr size_t kNobodys = std::numeric_limits<size_t>::max();

std::string EventOf(const std::string& call_serial_no, const std::string& source,
                    const std::string& words) {
  v1::ReleaseEvent event;
  event.set_source(source);
  event.set_call_serial_no(call_serial_no);
  event.set_call_data(words);
  return event.SerializeAsString();
}

// Stands for the digest of the content: which it is to distinguish, no more.
std::string DigestOf(int64_t number, bool altered) {
  std::string digest = absl::StrCat(altered ? "altered" : "genuine", number);
  digest.resize(16, '.');
  return digest;
}

}  // namespace

NewEvent::Nonce SimulatedVendor::MakeNonce() {
  return {absl::StrCat("nonce", ++nonces_), absl::ToUnixMillis(world_.clock->Now()), true};
}

SimulatedVendor::Call SimulatedVendor::MakeCall() {
  const auto number = static_cast<int64_t>(calls_.size());
  Call call;
  // Now and then two sources speak of the same call, or one says something new of it.
  const bool known = number > 0 && world_.random->OneIn(10);
  call.event.call_serial_no =
      known ? calls_.back().event.call_serial_no : absl::StrCat("call", number);
  call.event.source = world_.random->OneIn(2) ? "east" : "west";
  call.event.digest = DigestOf(number, false);
  call.event.received_at = world_.clock->Now();
  call.event.event =
      EventOf(call.event.call_serial_no, call.event.source,
              absl::StrCat("words of ", number, " ", std::string(world_.random->Below(600), 'x')));
  if (!world_.random->OneIn(4)) call.event.nonce = MakeNonce();
  if (world_.random->OneIn(4)) call.event.raw_body = absl::StrCat("body of ", number);
  return call;
}

NewEvent SimulatedVendor::Repeat(const Call& call) {
  NewEvent event = call.event;
  event.received_at = world_.clock->Now();
  if (event.nonce.has_value() && world_.random->OneIn(2)) event.nonce = MakeNonce();
  event.only_if_known = world_.random->OneIn(10);
  return event;
}

NewEvent SimulatedVendor::Altered(size_t call) {
  NewEvent event = calls_[call].event;
  event.digest = DigestOf(static_cast<int64_t>(call), true);
  event.event = EventOf(event.call_serial_no, event.source, absl::StrCat("altered ", event.digest));
  return event;
}

void SimulatedVendor::Send() {
  if (calls_.empty() || world_.random->OneIn(2)) {
    calls_.push_back(MakeCall());
    return Transmit(calls_.back().event, calls_.size() - 1);
  }
  const size_t chosen = world_.random->Below(calls_.size());
  const Call& call = calls_[chosen];
  if (call.event.nonce.has_value() && world_.random->OneIn(8)) {
    return Transmit(Altered(chosen), kNobodys);
  }
  if (call.answered && !world_.random->OneIn(4)) return;
  Transmit(Repeat(call), chosen);
  if (world_.random->OneIn(8)) Transmit(Repeat(call), chosen);  // at once, over another connection
}

void SimulatedVendor::SendTheRest() {
  for (size_t i = 0; i < calls_.size(); ++i) {
    if (calls_[i].answered) continue;
    NewEvent event = calls_[i].event;
    // What was signed long ago may be refused for that alone.
    if (event.nonce.has_value()) event.nonce = MakeNonce();
    Transmit(std::move(event), i);
  }
}

bool SimulatedVendor::has_unanswered() const {
  return std::any_of(calls_.begin(), calls_.end(), [](const Call& call) { return !call.answered; });
}

void SimulatedVendor::Transmit(NewEvent event, size_t call) {
  const SimulatedNetwork::Connection connection = world_.network->Connect();
  world_.network->Send(connection, [this, event = std::move(event), call, connection] {
    Arrive(event, call, connection);
  });
}

void SimulatedVendor::Arrive(const NewEvent& event, size_t call,
                             SimulatedNetwork::Connection connection) {
  if (!world_.gateway->alive()) return;  // nobody listens
  const int64_t gateway = world_.gateway->number();
  const bool may_store = world_.log->Sent(event);
  world_.trace->Add("append ", event.call_serial_no, " ", event.digest);
  auto calls = std::make_shared<int>(0);
  world_.gateway->store().log().Append(event, [this, event, may_store, call, connection, gateway,
                                               calls](const absl::StatusOr<AppendResult>& result) {
    if (!world_.gateway->alive() || world_.gateway->number() != gateway) return;
    if (++*calls > 1) world_.trace->Find("P7: ", event.call_serial_no, " is answered twice");
    world_.trace->Add("appended ", event.call_serial_no, " ", event.digest, ": ",
                      result.ok()
                          ? absl::StrCat(result->sequence, result->duplicate ? " again" : "")
                          : absl::StatusCodeToString(result.status().code()));
    world_.log->Answered(event, may_store, result);
    if (!result.ok() || call == kNobodys) return;
    world_.network->Send(connection, [this, call] { calls_[call].answered = true; });
  });
}

}  // namespace onhook
