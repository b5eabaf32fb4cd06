#ifndef ONHOOK_TESTS_UNIT_DELIVERY_FAKE_JUDGE_H_
#define ONHOOK_TESTS_UNIT_DELIVERY_FAKE_JUDGE_H_

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "gateway/forwarding/callback_judge.h"

namespace onhook {

// Refuses bodies that begin with "bad"; of body x it makes event "v1-x". Threads: any.
class FakeJudge final : public CallbackJudge {
 public:
  // The body cannot be judged: so, until it is told OK.
  void FailAt(const std::string& body, absl::Status status) {
    absl::MutexLock lock(&mutex_);
    failures_[body] = std::move(status);
  }
  // Called before each judgement, without a lock. Set it before the first.
  std::function<void()> on_judge = [] {};
  // The bodies of all judgements, in their order.
  std::vector<std::string> judged() {
    absl::MutexLock lock(&mutex_);
    return judged_;
  }

  absl::StatusOr<Judgement> Judge(const RejectedCallback& callback) override {
    on_judge();
    const std::string& body = callback.callback.raw_body;
    absl::MutexLock lock(&mutex_);
    if (absl::Status failure = failures_[body]; !failure.ok()) return failure;
    judged_.push_back(body);
    if (absl::StartsWith(body, "bad")) {
      return Judgement{"", v1::RejectedCallback::REASON_INVALID_FIELD, "called is missing"};
    }
    return Judgement{absl::StrCat("v1-", body), {}, ""};
  }

 private:
  absl::Mutex mutex_;
  std::map<std::string, absl::Status> failures_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> judged_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_UNIT_DELIVERY_FAKE_JUDGE_H_
