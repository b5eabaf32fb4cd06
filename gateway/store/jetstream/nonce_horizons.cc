#include "gateway/store/jetstream/nonce_horizons.h"

#include <algorithm>
#include <utility>

#include "gateway/store/jetstream/stored_records.pb.h"

namespace onhook {
namespace {

// Some looks may fail before the horizons count as unknown.
constexpr absl::Duration kLookInterval = absl::Seconds(5);
// While they are unknown.
constexpr absl::Duration kLookAgainAfter = absl::Milliseconds(200);

}  // namespace

absl::Status NonceHorizons::Begin(absl::Duration most) {
  const absl::Duration until = clock_->Elapsed() + most;
  while (true) {
    Tick();
    absl::MutexLock lock(&mutex_);
    if (known_since_.has_value()) return absl::OkStatus();
    if (clock_->Elapsed() >= until) {
      return absl::UnavailableError("the servers do not tell which nonces are forgotten");
    }
    learnt_.WaitFor(&mutex_, kLookAgainAfter);
  }
}

std::optional<int64_t> NonceHorizons::Of(const std::string& source) {
  {
    absl::MutexLock lock(&mutex_);
    if (known_since_.has_value() && clock_->Elapsed() - *known_since_ <= kTrusted) {
      if (damaged_) return std::numeric_limits<int64_t>::max();
      const auto it = horizons_.find(SubjectToken(source));
      return it == horizons_.end() ? kNothingForgotten : it->second;
    }
  }
  Tick();
  return std::nullopt;
}

bool NonceHorizons::known() const {
  absl::MutexLock lock(&mutex_);
  return known_since_.has_value() && clock_->Elapsed() - *known_since_ <= kTrusted;
}

void NonceHorizons::Tick() {
  {
    absl::MutexLock lock(&mutex_);
    const absl::Duration now = clock_->Elapsed();
    const bool is_known = known_since_.has_value() && now - *known_since_ <= kTrusted;
    if (looking_ || now - looked_ < (is_known ? kLookInterval : kLookAgainAfter)) return;
    looking_ = true;
    looked_ = now;
  }
  Look();
}

void NonceHorizons::Look() {
  const absl::Duration began = clock_->Elapsed();
  api_->GetLast(subjects_.nonces_stream(), subjects_.horizons(),
                [this, began](const absl::StatusOr<StreamMessage>& newest) {
                  if (newest.ok()) Learn(*newest);
                  absl::MutexLock lock(&mutex_);
                  looking_ = false;
                  if (newest.ok() || absl::IsNotFound(newest.status())) known_since_ = began;
                  learnt_.SignalAll();
                });
}

void NonceHorizons::Learn(const StreamMessage& message) {
  jetstream::StoredHorizons stored;
  if (!stored.ParseFromString(message.data)) {
    absl::MutexLock lock(&mutex_);
    damaged_ = true;
    return;
  }
  Learn({stored.timestamp_ms_by_source().begin(), stored.timestamp_ms_by_source().end()},
        message.sequence);
}

void NonceHorizons::Learn(const Horizons& horizons, int64_t sequence) {
  absl::MutexLock lock(&mutex_);
  newest_ = std::max(newest_, sequence);
  for (const auto& [source, timestamp_ms] : horizons) {
    int64_t& horizon = horizons_.emplace(source, kNothingForgotten).first->second;
    horizon = std::max(horizon, timestamp_ms);
  }
}

void NonceHorizons::Raise(const Horizons& to, std::function<void(const absl::Status&)> done) {
  PublishOptions options;
  Horizons raised;
  bool is_that_high = true;
  {
    absl::MutexLock lock(&mutex_);
    options.expected_last_of_subject = newest_;
    raised = horizons_;
    for (const auto& [source, timestamp_ms] : to) {
      int64_t& horizon = raised.emplace(source, kNothingForgotten).first->second;
      is_that_high = is_that_high && horizon >= timestamp_ms;
      horizon = std::max(horizon, timestamp_ms);
    }
  }
  if (is_that_high) return done(absl::OkStatus());
  jetstream::StoredHorizons stored;
  stored.mutable_timestamp_ms_by_source()->insert(raised.begin(), raised.end());
  api_->Publish(subjects_.horizons(), {}, stored.SerializeAsString(), options,
                [this, raised, done = std::move(done)](const absl::StatusOr<PublishAck>& ack) {
                  if (!ack.ok()) return done(ack.status());
                  Learn(raised, ack->sequence);
                  // What it replaces says nothing any more.
                  api_->Purge(subjects_.nonces_stream(), ack->sequence, subjects_.horizons(),
                              [](const absl::Status&) {});
                  done(absl::OkStatus());
                });
}

}  // namespace onhook
