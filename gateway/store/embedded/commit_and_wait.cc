#include "gateway/store/embedded/commit_and_wait.h"

#include <memory>
#include <utility>

#include "absl/synchronization/notification.h"

namespace onhook {
namespace {

class SteppedOperation final : public CommitOperation {
 public:
  explicit SteppedOperation(CommitSteps steps) : steps_(std::move(steps)) {}
  size_t bytes() const override { return steps_.bytes; }
  absl::Status Apply(Storage& storage) override { return steps_.apply(storage); }
  void Publish() override {
    if (steps_.publish != nullptr) steps_.publish();
  }
  void Finish(const absl::Status& status) override {
    if (steps_.finish != nullptr) steps_.finish(status);
  }

 private:
  const CommitSteps steps_;
};

}  // namespace

void Submit(CommitQueue& commits, CommitSteps steps, CommitQueue::Urgency urgency) {
  commits.Submit(std::make_unique<SteppedOperation>(std::move(steps)), urgency);
}

absl::Status CommitAndWait(CommitQueue& commits, std::function<absl::Status(Storage&)> apply,
                           std::function<void()> publish) {
  absl::Status result;
  absl::Notification finished;
  CommitSteps steps;
  steps.apply = std::move(apply);
  steps.publish = std::move(publish);
  steps.finish = [&result, &finished](const absl::Status& status) {
    result = status;
    finished.Notify();
  };
  Submit(commits, std::move(steps), CommitQueue::Urgency::kNow);
  while (commits.by_hand() && !finished.HasBeenNotified()) {
    if (!commits.RunOne()) return absl::UnavailableError("the store has failed");
  }
  finished.WaitForNotification();
  return result;
}

}  // namespace onhook
