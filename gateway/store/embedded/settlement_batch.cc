#include "gateway/store/embedded/settlement_batch.h"

#include "gateway/store/decision_words.h"

namespace onhook {
namespace {

using Decision = SubscriptionState::Decision;
using Outcome = SubscriptionState::Outcome;
using Entry = v1::TimelineEntry;

}  // namespace

void SettlementBatch::Add(const Decision& decision, const std::string& consumer_name,
                          const std::string& reason, bool settled) {
  const Sequence sequence = decision.sequence;
  if (settled) {
    if (decision.outcome != Outcome::kSettle || !decision.ends_dead_letter) return;
    AddHistory(decision, decision.kind, consumer_name, reason);
    ended_dead_letters_.push_back(sequence);
    return;
  }
  SettlementRow::Kind kind = SettlementRow::Kind::kAcked;
  if (decision.outcome != Outcome::kSettle) {
    AddHistory(decision, decision.kind, consumer_name, WordsFor(decision, reason));
    if (decision.outcome == Outcome::kRetry) return;
    if (decision.kind != Entry::KIND_PARKED) {
      AddHistory(decision, Entry::KIND_PARKED, consumer_name, WordsFor(decision, reason));
    }
    AddDeadLetter(decision, consumer_name, reason);
    kind = SettlementRow::Kind::kParked;
  } else if (decision.kind == Entry::KIND_SKIPPED) {
    AddHistory(decision, decision.kind, consumer_name, reason);
    kind = SettlementRow::Kind::kSkipped;
  } else if (decision.redriven) {
    AddHistory(decision, decision.kind, consumer_name, reason);
  }
  processed_.Add(sequence);
  if (decision.ends_dead_letter) ended_dead_letters_.push_back(sequence);
  SequenceSet& written = written_[decision.epoch];
  if (decision.redriven || written.Contains(sequence)) return;
  written.Add(sequence);
  RunsOf(decision.epoch, kind, consumer_name).Add(sequence);
}

void SettlementBatch::AddRuns(int64_t epoch, const SequenceSet& runs, SettlementRow::Kind kind) {
  if (runs.empty()) return;
  SequenceSet& set = RunsOf(epoch, kind, "");
  for (const auto& [first, last] : runs.runs()) set.Add({first, last});
}

SequenceSet& SettlementBatch::RunsOf(int64_t epoch, SettlementRow::Kind kind,
                                     const std::string& consumer_name) {
  const std::pair<int64_t, SettlementRow::Kind> of(epoch, kind);
  if (last_runs_ == settled_.end() || last_runs_->first.first != of ||
      last_runs_->first.second != consumer_name) {
    last_runs_ = settled_.try_emplace({of, consumer_name}).first;
  }
  return last_runs_->second;
}

void SettlementBatch::AddHistory(const Decision& decision, Entry::Kind kind,
                                 const std::string& consumer_name, const std::string& reason) {
  HistoryRow row;
  row.subscription_id = subscription_id_;
  row.epoch_number = first_epoch_number_ + decision.epoch;
  row.sequence = decision.sequence;
  row.kind = kind;
  row.at = now_;
  row.consumer_name = consumer_name;
  row.attempt = decision.attempt;
  row.reason = reason;
  row.trials = decision.trials;
  history_.push_back(std::move(row));
}

void SettlementBatch::AddDeadLetter(const Decision& decision, const std::string& consumer_name,
                                    const std::string& reason) {
  DeadLetterRow row;
  row.subscription_id = subscription_id_;
  row.sequence = decision.sequence;
  row.reason = ReasonOf(decision);
  row.detail = WordsFor(decision, reason);
  row.attempts = decision.trials.attempts;
  row.parked_at = now_;
  row.consumer_name = consumer_name;
  dead_letters_.push_back(std::move(row));
}

absl::Status SettlementBatch::Write(Storage& storage) const {
  for (const auto& [key, sequences] : settled_) {
    SettlementRow row;
    row.subscription_id = subscription_id_;
    row.epoch_number = first_epoch_number_ + key.first.first;
    row.kind = key.first.second;
    row.consumer_name = key.second;
    row.settled_at = now_;
    for (const auto& [first, last] : sequences.runs()) {
      row.range = {first, last};
      if (absl::Status status = storage.InsertSettlement(row); !status.ok()) return status;
    }
  }
  for (const HistoryRow& row : history_) {
    if (absl::Status status = storage.InsertHistory(row); !status.ok()) return status;
  }
  for (const DeadLetterRow& row : dead_letters_) {
    if (absl::Status status = storage.InsertDeadLetter(row); !status.ok()) return status;
  }
  for (const Sequence sequence : ended_dead_letters_) {
    absl::Status status = storage.DeleteDeadLetter(subscription_id_, sequence);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace onhook
