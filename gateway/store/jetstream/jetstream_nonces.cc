#include "gateway/store/jetstream/jetstream_nonces.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gateway/event/sha256.h"
#include "gateway/store/jetstream/stored_records.pb.h"

namespace onhook {
namespace {

constexpr absl::Duration kTryAgainAfter = absl::Milliseconds(100);
constexpr size_t kHashBytes = 16;
// See admission.h.
constexpr absl::Duration kMostAhead = absl::Hours(30 * 24);

absl::Status OtherContent() {
  return absl::PermissionDeniedError("the nonce came with another content");
}

std::string Encoded(const NewEvent::Nonce& nonce, const std::string& identity, absl::Time now) {
  absl::Time timestamp = absl::FromUnixMillis(nonce.timestamp_ms);
  if (!nonce.refuse_forgotten) timestamp = std::min(timestamp, now + kMostAhead);
  jetstream::StoredNonce stored;
  stored.set_identity(identity);
  stored.set_timestamp_ms(absl::ToUnixMillis(timestamp));
  return stored.SerializeAsString();
}

}  // namespace

JetStreamNonces::JetStreamNonces(JetStreamApi* api, const Subjects& subjects,
                                 const JetStreamOptions& options, const Clock* clock,
                                 const CautiousClock* cautious_clock, const Log* log,
                                 const NoncePace& pace)
    : api_(api),
      subjects_(subjects),
      request_timeout_(options.nats.request_timeout),
      clock_(clock),
      postponed_(clock),
      lookup_(api, subjects.nonces_stream(), request_timeout_, MessageLookup::WhileAway::kFail,
              &postponed_, clock),
      horizons_(api, subjects, clock),
      sweep_(api, subjects, pace, options.retention.nonce_memory, request_timeout_, &horizons_,
             cautious_clock, log) {}

absl::Status JetStreamNonces::Begin() { return horizons_.Begin(request_timeout_); }

std::string JetStreamNonces::SubjectOf(const std::string& source,
                                       const NewEvent::Nonce& nonce) const {
  const std::string sum = Sha256(absl::StrCat(nonce.timestamp_ms, ":", nonce.nonce));
  return subjects_.Nonce(source,
                         absl::BytesToHexString(absl::string_view(sum).substr(0, kHashBytes)));
}

JetStreamNonces::AttemptPtr JetStreamNonces::NewAttempt(const std::string& source,
                                                        const NewEvent::Nonce& nonce,
                                                        const std::string& identity,
                                                        BindDone done) const {
  return std::make_shared<Attempt>(Attempt{source, nonce, identity, false,
                                           clock_->Elapsed() + request_timeout_, std::move(done)});
}

void JetStreamNonces::Bind(const std::string& source, const NewEvent::Nonce& nonce,
                           const std::string& identity, BindDone done) {
  Try(NewAttempt(source, nonce, identity, std::move(done)));
}

void JetStreamNonces::BindRepeat(const std::string& source, const NewEvent::Nonce& nonce,
                                 const std::string& identity, DoneStatus done) {
  const AttemptPtr attempt = NewAttempt(
      source, nonce, identity,
      [done = std::move(done)](const absl::StatusOr<Bound>& bound) { done(bound.status()); });
  attempt->is_repeat = true;
  Publish(attempt);
}

void JetStreamNonces::Check(const std::string& source, const NewEvent::Nonce& nonce,
                            const std::string& identity, DoneStatus done) {
  lookup_.Last(SubjectOf(source, nonce),
               [identity, done = std::move(done)](absl::StatusOr<StreamMessage> message) {
                 if (absl::IsNotFound(message.status())) return done(absl::OkStatus());
                 if (!message.ok()) return done(absl::UnavailableError(message.status().message()));
                 jetstream::StoredNonce stored;
                 const bool fits =
                     stored.ParseFromString(message->data) && stored.identity() == identity;
                 done(fits ? absl::OkStatus() : OtherContent());
               });
}

void JetStreamNonces::Try(const AttemptPtr& attempt) {
  if (attempt->nonce.refuse_forgotten) {
    const std::optional<int64_t> horizon = horizons_.Of(attempt->source);
    if (!horizon.has_value()) {
      return TryAgain(attempt,
                      absl::UnavailableError("it is not known which nonces are forgotten"));
    }
    if (attempt->nonce.timestamp_ms <= *horizon) return attempt->done(Bound{});
  }
  Publish(attempt);
}

void JetStreamNonces::Publish(const AttemptPtr& attempt) {
  PublishOptions options;
  options.expected_last_of_subject = 0;
  options.timeout = std::max(attempt->until - clock_->Elapsed(), kTryAgainAfter);
  api_->Publish(SubjectOf(attempt->source, attempt->nonce), {},
                Encoded(attempt->nonce, attempt->identity, clock_->Now()), options,
                [this, attempt](absl::StatusOr<PublishAck> ack) {
                  if (ack.ok()) return Finish(attempt, Bound{Admits::kNew, absl::Time()});
                  if (absl::IsAborted(ack.status())) return Compare(attempt);
                  if (absl::IsResourceExhausted(ack.status())) return attempt->done(ack.status());
                  TryAgain(attempt, absl::UnavailableError(ack.status().message()));
                });
}

void JetStreamNonces::Compare(const AttemptPtr& attempt) {
  lookup_.Last(
      SubjectOf(attempt->source, attempt->nonce),
      [this, attempt](absl::StatusOr<StreamMessage> message) {
        // Not found: it was forgotten meanwhile, which the horizon tells next time.
        if (!message.ok()) {
          return TryAgain(attempt, absl::UnavailableError(message.status().message()));
        }
        jetstream::StoredNonce stored;
        if (!stored.ParseFromString(message->data) || stored.identity() != attempt->identity) {
          return attempt->done(OtherContent());
        }
        Finish(attempt, Bound{Admits::kUnlessStored, message->stored_at});
      });
}

void JetStreamNonces::Finish(const AttemptPtr& attempt, Bound bound) {
  if (attempt->nonce.refuse_forgotten && !attempt->is_repeat) {
    const std::optional<int64_t> horizon = horizons_.Of(attempt->source);
    // Trying again finds it bound.
    if (!horizon.has_value()) {
      return TryAgain(attempt,
                      absl::UnavailableError("it is not known which nonces are forgotten"));
    }
    if (attempt->nonce.timestamp_ms <= *horizon) bound = Bound{};
  }
  attempt->done(bound);
}

void JetStreamNonces::TryAgain(const AttemptPtr& attempt, const absl::Status& status) {
  const bool is_late = clock_->Elapsed() + kTryAgainAfter > attempt->until;
  if (is_late || !api_->connection()->may_be_back_soon()) return attempt->done(status);
  postponed_.Add(kTryAgainAfter, [this, attempt, status](bool closing) {
    if (closing) return attempt->done(status);
    if (attempt->is_repeat) return Publish(attempt);
    Try(attempt);
  });
}

void JetStreamNonces::Tick() {
  horizons_.Tick();
  postponed_.Tick();
  sweep_.Tick();
}

void JetStreamNonces::Close() {
  sweep_.Close();
  postponed_.Close();
}

}  // namespace onhook
