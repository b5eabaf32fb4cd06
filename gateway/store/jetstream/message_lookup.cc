#include "gateway/store/jetstream/message_lookup.h"

#include <utility>

namespace onhook {
namespace {

constexpr absl::Duration kAskAgainAfter = absl::Milliseconds(100);

}  // namespace

absl::Status LookupError(const absl::Status& status) {
  if (absl::IsNotFound(status) || absl::IsUnavailable(status)) return status;
  if (absl::IsDeadlineExceeded(status)) return absl::UnavailableError(status.message());
  return absl::InternalError(status.message());
}

MessageLookup::MessageLookup(JetStreamApi* api, std::string stream, absl::Duration patience,
                             WhileAway away, PostponedWork* postponed, const Clock* clock)
    : api_(api),
      stream_(std::move(stream)),
      patience_(patience),
      away_(away),
      postponed_(postponed),
      clock_(clock) {}

void MessageLookup::At(int64_t sequence, Done done) {
  AskOn(
      [this, sequence](Done answered) { api_->GetMessage(stream_, sequence, std::move(answered)); },
      clock_->Elapsed() + patience_, std::move(done));
}

void MessageLookup::Next(int64_t sequence, const std::string& subject, Done done) {
  AskOn([this, sequence, subject](
            Done answered) { api_->GetNext(stream_, sequence, subject, std::move(answered)); },
        clock_->Elapsed() + patience_, std::move(done));
}

void MessageLookup::Last(const std::string& subject, Done done) {
  AskOn([this, subject](Done answered) { api_->GetLast(stream_, subject, std::move(answered)); },
        clock_->Elapsed() + patience_, std::move(done));
}

void MessageLookup::AskOn(const Ask& ask, absl::Duration until, Done done) {
  ask([this, ask, until, done = std::move(done)](absl::StatusOr<StreamMessage> message) mutable {
    if (message.ok()) return done(std::move(message));
    absl::Status status = LookupError(message.status());
    const bool hopeless = away_ == WhileAway::kFail && !api_->connection()->may_be_back_soon();
    if (!absl::IsUnavailable(status) || hopeless || clock_->Elapsed() + kAskAgainAfter > until) {
      return done(std::move(status));
    }
    postponed_->Add(kAskAgainAfter,
                    [this, ask, until, done = std::move(done), status](bool closing) mutable {
                      if (closing) return done(status);
                      AskOn(ask, until, std::move(done));
                    });
  });
}

}  // namespace onhook
