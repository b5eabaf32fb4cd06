#include "gateway/store/jetstream/event_appends.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/store/embedded/random_bits.h"
#include "gateway/store/jetstream/event_message.h"

namespace onhook {
namespace {

// What waits for the servers, beyond which more would only wait longer than a vendor does: as many
// as the servers take in a second or so, and a fraction of what a gateway may use of memory. Newer
// servers hold 10,000 messages or 128 MB of one stream back themselves, from all gateways together.
constexpr size_t kMostOpen = 8192;
constexpr size_t kMostOpenBytes = size_t{64} << 20;
constexpr size_t kOverheadBytes = 1024;

constexpr absl::Duration kTryAgainAfter = absl::Milliseconds(100);
// A message whose answer was lost is sent once more while that can help.
constexpr int kAttemptsWithoutAnswer = 2;
// What stands in a message beside its data: subject, headers.
constexpr int64_t kEnvelopeBytes = 512;
// Streams have leaders of their own, whose clocks may differ so much.
constexpr absl::Duration kClockDifference = absl::Minutes(1);

// For so long it counts that the servers said that there is no room, unless they took something.
constexpr absl::Duration kRoomIsDoubted = absl::Seconds(30);

absl::Status Closing() { return absl::UnavailableError("the store is closing"); }

// As Append may tell it.
absl::Status AppendError(const absl::Status& status) {
  if (absl::IsPermissionDenied(status) || absl::IsNotFound(status) ||
      absl::IsResourceExhausted(status) || absl::IsUnavailable(status)) {
    return status;
  }
  return absl::UnavailableError(status.message());
}

bool MayPass(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
}

}  // namespace

size_t EventAppends::Operation::bytes() const { return data.size() + kOverheadBytes; }

EventAppends::EventAppends(const Parts& parts, const Subjects& subjects,
                           absl::Duration request_timeout)
    : parts_(parts),
      subjects_(subjects),
      request_timeout_(request_timeout),
      next_number_(RandomBits()) {}

void EventAppends::Append(NewEvent event, EventLog::AppendDone done) {
  auto operation = std::make_shared<Operation>();
  operation->identity = IdentityOf(event);
  operation->only_if_known = event.only_if_known;
  operation->until = parts_.clock->Elapsed() + request_timeout_;
  operation->done = std::move(done);
  jetstream::StoredEvent stored;
  if (!event.only_if_known) stored = EncodeEvent(event);
  {
    absl::MutexLock lock(&mutex_);
    operation->number = ++next_number_;
  }
  if (!event.only_if_known) {
    stored.set_append(operation->number);
    operation->data = stored.SerializeAsString();
  }
  operation->source = std::move(event.source);
  operation->call_serial_no = std::move(event.call_serial_no);
  operation->digest = std::move(event.digest);
  operation->nonce = std::move(event.nonce);
  if (const absl::Status refusal = Admit(operation); !refusal.ok()) {
    return operation->done(refusal);
  }
  Begin(operation);
}

absl::Status EventAppends::Admit(const OperationPtr& operation) {
  const int64_t most = largest();
  if (most > 0 && static_cast<int64_t>(operation->data.size()) > most) {
    return absl::OutOfRangeError(absl::StrCat("the event takes ", operation->data.size(),
                                              " bytes, and the servers' max_payload is ",
                                              parts_.api->connection()->max_payload()));
  }
  absl::MutexLock lock(&mutex_);
  if (closed_) return Closing();
  if (open_.size() >= kMostOpen || bytes_ + operation->bytes() > kMostOpenBytes) {
    return absl::UnavailableError("too many events wait for the servers");
  }
  bytes_ += operation->bytes();
  open_.emplace(operation->number, operation);
  if (!operation->only_if_known) ++families_[operation->identity].storing;
  return absl::OkStatus();
}

int64_t EventAppends::largest() const {
  return std::max<int64_t>(parts_.api->connection()->max_payload() - kEnvelopeBytes, 0);
}

void EventAppends::Begin(const OperationPtr& operation) {
  if (operation->only_if_known) return Repeat(operation);
  if (!operation->nonce.has_value()) return Publish(operation);
  parts_.nonces->Bind(operation->source, *operation->nonce, operation->identity,
                      [this, operation](const absl::StatusOr<JetStreamNonces::Bound>& bound) {
                        Bound(operation, bound);
                      });
}

void EventAppends::Bound(const OperationPtr& operation,
                         const absl::StatusOr<JetStreamNonces::Bound>& bound) {
  if (!bound.ok()) return Answer(operation, AppendError(bound.status()));
  switch (bound->admits) {
    case JetStreamNonces::Admits::kNew:
      return Publish(operation);
    case JetStreamNonces::Admits::kRepeat:
      return Repeat(operation);
    case JetStreamNonces::Admits::kUnlessStored:
      return PublishUnlessStored(operation, bound->bound_at);
  }
}

// ----------------------------------------------------------------- events that may be stored

void EventAppends::Publish(const OperationPtr& operation) {
  PublishOptions options;
  options.message_id = operation->identity;
  options.timeout = std::max(std::min(operation->until - parts_.clock->Elapsed(),
                                      request_timeout_ / kAttemptsWithoutAnswer),
                             kTryAgainAfter);
  parts_.api->Publish(
      subjects_.Event(operation->source, operation->call_serial_no), {}, operation->data, options,
      [this, operation](const absl::StatusOr<PublishAck>& ack) { Published(operation, ack); });
}

void EventAppends::Published(const OperationPtr& operation, const absl::StatusOr<PublishAck>& ack) {
  if (absl::IsResourceExhausted(ack.status())) {
    absl::MutexLock lock(&mutex_);
    no_room_ = ack.status();
    no_room_since_ = parts_.clock->Elapsed();
    had_no_room_ = true;
  }
  if (ack.ok() && had_no_room_.exchange(false)) {
    absl::MutexLock lock(&mutex_);
    no_room_ = absl::OkStatus();
  }
  if (ack.ok()) return Answer(operation, AppendResult{ack->sequence, ack->duplicate});
  const bool is_late = parts_.clock->Elapsed() + kTryAgainAfter > operation->until;
  if (!MayPass(ack.status()) || is_late || !parts_.api->connection()->may_be_back_soon()) {
    return Answer(operation, AppendError(ack.status()));
  }
  parts_.postponed->Add(kTryAgainAfter, [this, operation](bool closing) {
    if (closing) return Answer(operation, Closing());
    {
      absl::MutexLock lock(&mutex_);
      if (!open_.contains(operation->number)) return;  // it came in meanwhile
    }
    Publish(operation);
  });
}

void EventAppends::PublishUnlessStored(const OperationPtr& operation, absl::Time bound_at) {
  parts_.search->FindIdentity(
      operation->source, operation->call_serial_no, operation->digest,
      [this, operation, bound_at](absl::StatusOr<Sequence> sequence) {
        if (!sequence.ok()) return Answer(operation, AppendError(sequence.status()));
        if (*sequence > 0) return Answer(operation, AppendResult{*sequence, /*duplicate=*/true});
        PublishIfItWouldBeKept(operation, bound_at);
      });
}

// An event is stored after its nonce was bound. So if the log still keeps what was stored before
// that, an event that is not there was never stored. Else it may have been, and have gone.
void EventAppends::PublishIfItWouldBeKept(const OperationPtr& operation, absl::Time bound_at) {
  parts_.lookup->Next(
      1, subjects_.events(), [this, operation, bound_at](absl::StatusOr<StreamMessage> oldest) {
        if (!oldest.ok() && !absl::IsNotFound(oldest.status())) {
          return Answer(operation, AppendError(oldest.status()));
        }
        // The newest event is always kept: where there is none, none was ever stored.
        const bool is_empty = !oldest.ok();
        const bool all_is_kept = oldest.ok() && oldest->sequence == 1;
        const bool would_be_kept = oldest.ok() && oldest->stored_at + kClockDifference < bound_at;
        if (is_empty || all_is_kept || would_be_kept) return Publish(operation);
        Answer(operation, absl::NotFoundError("the event is no longer known"));
      });
}

// ------------------------------------------------------------ events that may only be repeats

void EventAppends::Repeat(const OperationPtr& operation) {
  if (!operation->nonce.has_value()) return LookUp(operation);
  parts_.nonces->Check(operation->source, *operation->nonce, operation->identity,
                       [this, operation](const absl::Status& status) {
                         if (!status.ok()) return Answer(operation, AppendError(status));
                         LookUp(operation);
                       });
}

void EventAppends::LookUp(const OperationPtr& operation) {
  {
    absl::MutexLock lock(&mutex_);
    const auto family = families_.find(operation->identity);
    // Its original may be on its way.
    if (operation->only_if_known && family != families_.end()) {
      family->second.waiting.push_back(operation);
      return;
    }
  }
  parts_.search->FindIdentity(operation->source, operation->call_serial_no, operation->digest,
                              [this, operation](absl::StatusOr<Sequence> sequence) {
                                if (!sequence.ok())
                                  return Answer(operation, AppendError(sequence.status()));
                                if (*sequence == 0)
                                  return Answer(operation,
                                                absl::NotFoundError("no such event is known"));
                                Found(operation, *sequence);
                              });
}

void EventAppends::Found(const OperationPtr& operation, Sequence sequence) {
  const AppendResult repeat{sequence, /*duplicate=*/true};
  if (!operation->nonce.has_value()) return Answer(operation, repeat);
  parts_.nonces->BindRepeat(operation->source, *operation->nonce, operation->identity,
                            [this, operation, repeat](const absl::Status& status) {
                              if (!status.ok()) return Answer(operation, AppendError(status));
                              Answer(operation, repeat);
                            });
}

// -------------------------------------------------------------------------------- the answers

std::optional<Sequence> EventAppends::Arrived(uint64_t append, Sequence sequence) {
  OperationPtr operation;
  {
    absl::MutexLock lock(&mutex_);
    const auto it = open_.find(append);
    if (it != open_.end()) operation = it->second;
  }
  if (operation != nullptr) Answer(operation, AppendResult{sequence, /*duplicate=*/false});
  absl::MutexLock lock(&mutex_);
  arrived_ = sequence;
  if (answering_.contains(append)) awaited_.insert(append);
  if (!awaited_.empty()) return std::nullopt;
  return sequence;
}

void EventAppends::Answer(const OperationPtr& operation,
                          const absl::StatusOr<AppendResult>& result) {
  std::vector<OperationPtr> waiting;
  {
    absl::MutexLock lock(&mutex_);
    if (open_.erase(operation->number) == 0) return;  // it is answered
    answering_.insert(operation->number);
    bytes_ -= operation->bytes();
    if (!operation->only_if_known) {
      const auto family = families_.find(operation->identity);
      if (--family->second.storing == 0 || result.ok()) waiting.swap(family->second.waiting);
      if (family->second.storing == 0) families_.erase(family);
    }
  }
  if (result.ok()) {
    Sequence told = greatest_told();
    while (told < result->sequence &&
           !greatest_told_.compare_exchange_weak(told, result->sequence)) {
    }
  }
  operation->done(result);
  std::optional<Sequence> may_be_told;
  {
    absl::MutexLock lock(&mutex_);
    answering_.erase(operation->number);
    if (awaited_.erase(operation->number) > 0 && awaited_.empty()) may_be_told = arrived_;
  }
  if (may_be_told.has_value()) parts_.may_be_told(*may_be_told);
  for (const OperationPtr& repeat : waiting) {
    if (result.ok()) {
      Found(repeat, result->sequence);
    } else {
      LookUp(repeat);
    }
  }
}

void EventAppends::ForgetBehind(Sequence last) {
  Sequence told = greatest_told();
  while (told > last && !greatest_told_.compare_exchange_weak(told, last)) {
  }
}

absl::Status EventAppends::room() const {
  absl::MutexLock lock(&mutex_);
  if (parts_.clock->Elapsed() - no_room_since_ > kRoomIsDoubted) return absl::OkStatus();
  return no_room_;
}

void EventAppends::Close() {
  std::vector<OperationPtr> open;
  {
    absl::MutexLock lock(&mutex_);
    closed_ = true;
    for (const auto& [number, operation] : open_) open.push_back(operation);
  }
  for (const OperationPtr& operation : open) Answer(operation, Closing());
}

}  // namespace onhook
