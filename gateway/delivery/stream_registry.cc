#include "gateway/delivery/stream_registry.h"

#include "absl/strings/str_cat.h"
#include "gateway/delivery/grpc_status.h"

namespace onhook {
namespace {

// What a stream needs to end once its drain is over: a last write given up, a cancellation.
constexpr absl::Duration kEndAllowance = absl::Seconds(3);

}  // namespace

StreamRegistry::StreamRegistry(const DeliveryOptions& options, const Clock* clock)
    : tick_interval_(options.tick_interval),
      clock_(clock),
      max_streams_(options.max_streams),
      max_streams_per_identity_(options.max_streams_per_identity),
      ticking_(options.tick_interval, [this] { Tick(); }) {}

StreamRegistry::~StreamRegistry() { Stop(); }

void StreamRegistry::SetLimits(const DeliveryOptions& options) {
  absl::MutexLock lock(&mutex_);
  max_streams_ = options.max_streams;
  max_streams_per_identity_ = options.max_streams_per_identity;
}

absl::Status StreamRegistry::Add(const std::shared_ptr<DeliveryStream>& stream) {
  absl::MutexLock lock(&mutex_);
  if (draining_) return GoingAway();
  if (streams_.size() >= static_cast<size_t>(max_streams_)) {
    return WithReason(
        absl::ResourceExhaustedError(absl::StrCat("the gateway serves ", max_streams_,
                                                  " streams already, which is its limit")),
        kReasonTooManyStreams, {{"limit", "gateway"}});
  }
  const std::string identity = stream->identity();
  if (!identity.empty()) {  // anybody is no one in particular
    int& of_identity = per_identity_[identity];
    if (of_identity >= max_streams_per_identity_) {
      return WithReason(absl::ResourceExhaustedError(absl::StrCat(
                            "identity \"", identity, "\" has ", max_streams_per_identity_,
                            " streams already, which is the limit of each")),
                        kReasonTooManyStreams, {{"limit", "identity"}, {"identity", identity}});
    }
    ++of_identity;
  }
  stream->set_id(next_id_++);
  streams_[stream->id()] = {stream, identity};
  snapshot_ = nullptr;
  return absl::OkStatus();
}

void StreamRegistry::Remove(uint64_t id) {
  std::shared_ptr<DeliveryStream> last;         // destroyed outside the lock,
  std::shared_ptr<const Streams> old_snapshot;  // and so is this
  absl::MutexLock lock(&mutex_);
  const auto it = streams_.find(id);
  if (it == streams_.end()) return;
  const auto of_identity = per_identity_.find(it->second.identity);
  if (of_identity != per_identity_.end() && --of_identity->second == 0) {
    per_identity_.erase(of_identity);
  }
  last = std::move(it->second.stream);
  streams_.erase(it);
  old_snapshot = std::move(snapshot_);
  snapshot_ = nullptr;
  changed_.SignalAll();
}

std::shared_ptr<const StreamRegistry::Streams> StreamRegistry::Snapshot() const {
  absl::MutexLock lock(&mutex_);
  if (snapshot_ == nullptr) {
    auto list = std::make_shared<Streams>();
    for (const auto& [id, entry] : streams_) list->push_back(entry.stream);
    snapshot_ = std::move(list);
  }
  return snapshot_;
}

void StreamRegistry::TailGrew() {
  const std::shared_ptr<const Streams> streams = Snapshot();
  for (const auto& stream : *streams) stream->TailGrew();
}

void StreamRegistry::Opened(const DeliveryStream& stream) {
  const std::string key = stream.successor_key();
  if (key.empty()) return;
  const std::shared_ptr<const Streams> streams = Snapshot();
  for (const auto& other : *streams) {
    if (other->id() != stream.id() && other->successor_key() == key) other->SuccessorOpened();
  }
}

void StreamRegistry::Tick() const {
  const std::shared_ptr<const Streams> streams = Snapshot();
  const absl::Duration now = clock_->Elapsed();
  for (const auto& stream : *streams) stream->Tick(now);
}

size_t StreamRegistry::Drain(absl::Duration drain) {
  {
    absl::MutexLock lock(&mutex_);
    draining_ = true;
  }
  const absl::Duration until = clock_->Elapsed() + drain + kEndAllowance;
  const std::shared_ptr<const Streams> streams = Snapshot();
  for (const auto& stream : *streams) {
    stream->GoAway(v1::GoAway::REASON_SHUTDOWN, drain, GoingAway());
  }
  absl::MutexLock lock(&mutex_);
  while (!streams_.empty() && clock_->Elapsed() < until) {
    changed_.WaitFor(&mutex_, tick_interval_);
  }
  return streams_.size();
}

void StreamRegistry::Stop() { ticking_.Stop(); }

size_t StreamRegistry::size() const {
  absl::MutexLock lock(&mutex_);
  return streams_.size();
}

}  // namespace onhook
