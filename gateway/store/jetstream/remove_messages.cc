#include "gateway/store/jetstream/remove_messages.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

namespace onhook {
namespace {

constexpr size_t kMostAtOnce = 64;

class Removal : public std::enable_shared_from_this<Removal> {
 public:
  Removal(JetStreamApi* api, std::string stream, std::vector<int64_t> sequences,
          std::function<void(RemovedMessages)> done)
      : api_(api),
        stream_(std::move(stream)),
        sequences_(std::move(sequences)),
        done_(std::move(done)) {}

  void Begin() {
    const size_t count = std::min(kMostAtOnce, sequences_.size());
    if (count == 0) return done_({});
    {
      absl::MutexLock lock(&mutex_);
      next_ = count;
      missing_ = count;
    }
    for (size_t i = 0; i < count; ++i) Ask(sequences_[i]);
  }

 private:
  void Ask(int64_t sequence) {
    api_->DeleteMessage(stream_, sequence,
                        [self = shared_from_this(), sequence](const absl::Status& status) {
                          if (absl::IsInternal(status)) return self->Look(sequence, status);
                          self->Answered(sequence, status);
                        });
  }

  // Servers say of what is not there that it could not be deleted, and why only in words.
  void Look(int64_t sequence, const absl::Status& status) {
    api_->GetMessage(stream_, sequence,
                     [self = shared_from_this(), sequence,
                      status](const absl::StatusOr<StreamMessage>& message) {
                       const bool absent = absl::IsNotFound(message.status());
                       self->Answered(sequence, absent ? message.status() : status);
                     });
  }

  void Answered(int64_t sequence, const absl::Status& status) {
    std::optional<int64_t> following;
    std::optional<RemovedMessages> result;
    {
      absl::MutexLock lock(&mutex_);
      Note(sequence, status);
      if (result_.status.ok() && next_ < sequences_.size()) {
        following = sequences_[next_++];
      } else if (--missing_ == 0) {
        result_.unknown.insert(result_.unknown.end(),
                               sequences_.begin() + static_cast<std::ptrdiff_t>(next_),
                               sequences_.end());
        result = std::move(result_);
      }
    }
    if (following.has_value()) Ask(*following);
    if (result.has_value()) done_(*std::move(result));
  }

  void Note(int64_t sequence, const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (status.ok()) {
      result_.removed.push_back(sequence);
    } else if (absl::IsNotFound(status)) {
      result_.absent.push_back(sequence);
    } else {
      result_.unknown.push_back(sequence);
      result_.status.Update(status);
    }
  }

  JetStreamApi* const api_;
  const std::string stream_;
  const std::vector<int64_t> sequences_;
  const std::function<void(RemovedMessages)> done_;
  absl::Mutex mutex_;
  RemovedMessages result_ ABSL_GUARDED_BY(mutex_);
  size_t next_ ABSL_GUARDED_BY(mutex_) = 0;     // to be asked for
  size_t missing_ ABSL_GUARDED_BY(mutex_) = 0;  // answers on their way
};

}  // namespace

void RemoveMessages(JetStreamApi* api, const std::string& stream, std::vector<int64_t> sequences,
                    std::function<void(RemovedMessages)> done) {
  std::make_shared<Removal>(api, stream, std::move(sequences), std::move(done))->Begin();
}

}  // namespace onhook
