#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_LOSS_DOUBT_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_LOSS_DOUBT_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/store/jetstream/jetstream_api.h"
#include "gateway/store/jetstream/sequence_marks.h"
#include "gateway/store/sequence.h"

namespace onhook {

// Whether what `mark` tells of is in the stream; of sequence 0 nothing is. Blocking: for an answer.
// Errors: as JetStreamApi.
absl::StatusOr<bool> IsThere(JetStreamApi& api, const std::string& stream,
                             const SequenceMarks::Mark& mark);

// Whether the stream of events has lost its end, or only seems to have: a leader that was chosen
// just now may not know yet all that it has.
//
// Threads: one at a time. Blocking: never.
class LossDoubt {
 public:
  // For so long a loss may be none.
  static constexpr absl::Duration kDoubt = absl::Seconds(3);

  struct Loss {
    Sequence kept = 0;         // what lies behind is another's, or nobody's
    SequenceMarks::Mark lost;  // the newest that was there; none: sequence 0
    // Of the subscriptions, when it was noted: who is at another by now was sent elsewhere since.
    std::map<std::string, int64_t> epoch_numbers;
    int64_t number = 0;  // of all that were noted
  };
  enum class Verdict { kWait, kNoLoss, kLoss };

  // Its number is given here.
  void Note(Loss loss, absl::Duration now);

  // Nothing: none is noted. Of several the newest, kept through what the worst of them kept.
  std::optional<Loss> noted() const { return loss_; }
  // Of the newest that is noted; `back`: what it lost is there again. Where it is not known what
  // was lost there is no doubt.
  Verdict Judge(bool back, absl::Duration now) const;
  // Forgets what is noted, unless more was noted since `loss` was taken.
  void Forget(const Loss& loss);

 private:
  std::optional<Loss> loss_;
  absl::Duration noted_at_;
  int64_t count_ = 0;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_LOSS_DOUBT_H_
