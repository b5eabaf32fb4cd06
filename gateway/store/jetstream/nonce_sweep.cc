#include "gateway/store/jetstream/nonce_sweep.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "gateway/store/embedded/random_bits.h"
#include "gateway/store/jetstream/stored_records.pb.h"

namespace onhook {
namespace {

constexpr int64_t kNoncesInOnePage = 1000;

absl::Duration RandomPartOf(absl::Duration whole) {
  constexpr double kAll = static_cast<double>(std::numeric_limits<uint64_t>::max());
  return whole * (static_cast<double>(RandomBits()) / kAll);
}

// The last token but one.
std::string SourceToken(const std::string& subject) {
  const std::vector<absl::string_view> tokens = absl::StrSplit(subject, '.');
  return tokens.size() < 2 ? "" : std::string(tokens[tokens.size() - 2]);
}

}  // namespace

NonceSweep::NonceSweep(JetStreamApi* api, const Subjects& subjects, const NoncePace& pace,
                       absl::Duration memory, absl::Duration request_timeout,
                       NonceHorizons* horizons, const CautiousClock* clock, const Log* log)
    : api_(api),
      subjects_(subjects),
      pace_(pace),
      horizons_(horizons),
      clock_(clock),
      log_(log),
      memory_ms_(absl::ToInt64Milliseconds(memory)),
      postponed_(clock),
      pages_(api, subjects.nonces_stream(), request_timeout, &postponed_, clock),
      next_round_(clock->Elapsed() + pace.interval) {}

void NonceSweep::Tick() {
  postponed_.Tick();
  pages_.Tick();
  if (!horizons_->known()) return;
  {
    absl::MutexLock lock(&mutex_);
    if (in_round_ || clock_->Elapsed() < next_round_) return;
    in_round_ = true;
  }
  auto round = std::make_shared<Round>();
  round->now = clock_->Now();
  round->memory = absl::Milliseconds(memory_ms_.load(std::memory_order_relaxed));
  round->patience = RandomPartOf(pace_.patience);
  Read(round);
}

void NonceSweep::Read(const RoundPtr& round) {
  StreamPages::Question question;
  question.after = round->after;
  question.through = std::numeric_limits<int64_t>::max();
  question.filter_subject = subjects_.nonces();
  question.max_messages = kNoncesInOnePage;
  pages_.Read(question, [this, round](absl::StatusOr<MessagePage> page) {
    if (!page.ok()) return EndRound();
    const bool is_first = round->after == 0;
    for (const StreamMessage& message : page->messages) {
      const absl::Time due = message.stored_at + round->memory;
      if (is_first && round->after == 0 && due + round->patience > round->now) return EndRound();
      round->after = message.sequence;
      if (!Take(message, *round)) return Raise(round);
    }
    if (page->at_end || page->messages.empty()) return Raise(round);
    Read(round);
  });
}

bool NonceSweep::Take(const StreamMessage& message, Round& round) const {
  if (message.stored_at + round.memory > round.now) return false;
  jetstream::StoredNonce stored;
  int64_t timestamp_ms = absl::ToUnixMillis(message.stored_at);
  if (stored.ParseFromString(message.data)) timestamp_ms = stored.timestamp_ms();
  Part& part = round.parts[SourceToken(message.subject)];
  part.ended = part.ended || absl::FromUnixMillis(timestamp_ms) + round.memory > round.now;
  if (part.ended) return true;
  part.through = message.sequence;
  part.horizon = std::max(part.horizon, timestamp_ms);
  ++part.nonces;
  return true;
}

void NonceSweep::Raise(const RoundPtr& round) {
  NonceHorizons::Horizons horizons;
  for (const auto& [source, part] : round->parts) {
    if (part.nonces > 0) horizons[source] = part.horizon;
  }
  if (horizons.empty()) return EndRound();
  horizons_->Raise(horizons, [this, round](const absl::Status& status) {
    if (!status.ok()) return EndRound();
    // All gateways have to know of it before anything goes.
    postponed_.Add(pace_.remove_after, [this, round](bool closing) {
      if (!closing) Remove(round, "");
    });
  });
}

void NonceSweep::Remove(const RoundPtr& round, const std::string& source) {
  const auto it = round->parts.upper_bound(source);
  if (it == round->parts.end()) return EndRound();
  const Part& part = it->second;
  if (part.nonces == 0) return Remove(round, it->first);
  api_->Purge(subjects_.nonces_stream(), part.through + 1, subjects_.NoncesOfToken(it->first),
              [this, round, it](const absl::Status& status) {
                if (status.ok()) {
                  log_->Debug("store", "nonces were forgotten",
                              {{"source", it->first}, {"nonces", it->second.nonces}});
                }
                Remove(round, it->first);
              });
}

void NonceSweep::EndRound() {
  absl::MutexLock lock(&mutex_);
  in_round_ = false;
  next_round_ = clock_->Elapsed() + pace_.interval;
}

void NonceSweep::Close() {
  pages_.Close();
  postponed_.Close();
}

}  // namespace onhook
