#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_SUBJECTS_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_SUBJECTS_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "gateway/store/jetstream/jetstream_options.h"

namespace onhook {

// The one place that names subjects, streams and consumers.
//
// What others chose (a callSerialNo, a source, a subscription) is one token of a subject: bytes
// other than letters, digits, "-" and "_" are written as "=" and two hexadecimal digits; an empty
// text is "=". Of a text that would be longer than 128 bytes so, the first 64 bytes as written
// and the 128-bit XXH3 of the whole in hexadecimal stand for it, with "==" between.
std::string SubjectToken(absl::string_view text);

class Subjects {
 public:
  explicit Subjects(const JetStreamOptions& options)
      : stream_(options.stream), prefix_(options.subject_prefix) {}

  // --- streams
  std::string events_stream() const { return stream_; }
  std::string state_stream() const { return stream_ + "_STATE"; }
  std::string dead_stream() const { return stream_ + "_DEAD"; }
  std::string rejected_stream() const { return stream_ + "_REJECTED"; }
  std::string nonces_stream() const { return stream_ + "_NONCES"; }

  // --- subjects. `*_of_all` have wildcards.
  // PREFIX.event.SOURCE.CALL
  std::string Event(absl::string_view source, absl::string_view call_serial_no) const;
  std::string EventsOfCall(absl::string_view call_serial_no) const;  // of any source
  std::string EventsOfSource(absl::string_view source) const;
  std::string events() const { return prefix_ + ".event.>"; }
  // PREFIX.state.SUBSCRIPTION
  std::string State(absl::string_view subscription) const;
  std::string states() const { return prefix_ + ".state.>"; }
  // PREFIX.dead.SUBSCRIPTION, PREFIX.redriven.SUBSCRIPTION
  std::string Dead(absl::string_view subscription) const;
  std::string Redriven(absl::string_view subscription) const;
  std::string dead() const { return prefix_ + ".dead.>"; }
  std::string redriven() const { return prefix_ + ".redriven.>"; }
  // PREFIX.rejected.SOURCE.HASH, PREFIX.nonce.SOURCE.HASH, PREFIX.horizons
  std::string Rejected(absl::string_view source, absl::string_view hash) const;
  std::string rejected() const { return prefix_ + ".rejected.>"; }
  std::string Nonce(absl::string_view source, absl::string_view hash) const;
  std::string nonces() const { return prefix_ + ".nonce.>"; }
  std::string NoncesOfToken(absl::string_view source_token) const;  // all of a source
  std::string horizons() const { return prefix_ + ".horizons"; }
  // Between gateways, kept nowhere.
  std::string forwarded() const { return prefix_ + ".forwarded"; }
  std::string discarded() const { return prefix_ + ".discarded"; }

  // --- durable consumers: of a subscription's events since its last seek, and of what is redriven.
  std::string EventsConsumer(absl::string_view subscription, uint64_t epoch) const;
  std::string RedrivenConsumer(absl::string_view subscription) const;

 private:
  std::string stream_;
  std::string prefix_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_SUBJECTS_H_
