#include "gateway/store/jetstream/loss_doubt.h"

#include <algorithm>
#include <utility>

namespace onhook {

absl::StatusOr<bool> IsThere(JetStreamApi& api, const std::string& stream,
                             const SequenceMarks::Mark& mark) {
  if (mark.sequence == 0) return false;
  const absl::StatusOr<StreamMessage> there = AwaitAnswer<StreamMessage>(
      [&](auto done) { api.GetMessage(stream, mark.sequence, std::move(done)); });
  if (!there.ok() && !absl::IsNotFound(there.status())) return there.status();
  return there.ok() && there->stored_at == mark.stored_at;
}

void LossDoubt::Note(Loss loss, absl::Duration now) {
  loss.number = ++count_;
  if (loss_.has_value()) loss.kept = std::min(loss.kept, loss_->kept);
  loss_ = std::move(loss);
  noted_at_ = now;
}

LossDoubt::Verdict LossDoubt::Judge(bool back, absl::Duration now) const {
  if (!loss_.has_value()) return Verdict::kNoLoss;
  if (loss_->lost.sequence == 0) return Verdict::kLoss;
  if (back) return Verdict::kNoLoss;
  return now < noted_at_ + kDoubt ? Verdict::kWait : Verdict::kLoss;
}

void LossDoubt::Forget(const Loss& loss) {
  if (loss_.has_value() && loss_->number == loss.number) loss_.reset();
}

}  // namespace onhook
