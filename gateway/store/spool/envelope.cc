#include "gateway/store/spool/envelope.h"

#include "absl/time/time.h"
#include "gateway/store/spool/spooled_event.pb.h"

namespace onhook {
namespace {

// All but what is to be kept.
NewEvent OfTheSameIdentity(const NewEvent& event) {
  NewEvent same;
  same.call_serial_no = event.call_serial_no;
  same.source = event.source;
  same.digest = event.digest;
  same.received_at = event.received_at;
  same.nonce = event.nonce;
  return same;
}

}  // namespace

NewEvent ToEnvelope(const NewEvent& event) {
  spool::SpooledEvent envelope;
  envelope.set_source(event.source);
  envelope.set_call_serial_no(event.call_serial_no);
  envelope.set_digest(event.digest);
  envelope.set_received_at_us(absl::ToUnixMicros(event.received_at));
  envelope.set_event(event.event);
  if (event.nonce.has_value()) {
    spool::SpooledEvent::Nonce* const nonce = envelope.mutable_nonce();
    nonce->set_nonce(event.nonce->nonce);
    nonce->set_timestamp_ms(event.nonce->timestamp_ms);
    nonce->set_refuse_forgotten(event.nonce->refuse_forgotten);
  }
  envelope.set_raw_body(event.raw_body);
  NewEvent spooled = OfTheSameIdentity(event);
  spooled.event = envelope.SerializeAsString();
  return spooled;
}

NewEvent ToQuestion(const NewEvent& event) {
  NewEvent question = OfTheSameIdentity(event);
  question.only_if_known = true;
  return question;
}

std::optional<NewEvent> FromEnvelope(const LogEvent& spooled) {
  spool::SpooledEvent envelope;
  if (spooled.corrupt || !envelope.ParseFromString(spooled.event)) return std::nullopt;
  NewEvent event;
  event.source = envelope.source();
  event.call_serial_no = envelope.call_serial_no();
  event.digest = envelope.digest();
  event.received_at = absl::FromUnixMicros(envelope.received_at_us());
  event.event = envelope.event();
  if (envelope.has_nonce()) {
    event.nonce = NewEvent::Nonce{envelope.nonce().nonce(), envelope.nonce().timestamp_ms(),
                                  envelope.nonce().refuse_forgotten()};
  }
  event.raw_body = envelope.raw_body();
  // What every event has. Another format would lack it.
  if (event.call_serial_no.empty() || event.digest.empty()) return std::nullopt;
  return event;
}

}  // namespace onhook
