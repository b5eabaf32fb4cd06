#ifndef ONHOOK_TESTS_SUPPORT_FAKE_QUARANTINE_H_
#define ONHOOK_TESTS_SUPPORT_FAKE_QUARANTINE_H_

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "gateway/store/quarantine.h"

namespace onhook {

// A quarantine in memory, without bounds. Answers before it returns. Threads: any.
class FakeQuarantine final : public Quarantine {
 public:
  // From now on everything is answered so; OK ends that.
  void FailWith(absl::Status status) {
    absl::MutexLock lock(&mutex_);
    failure_ = std::move(status);
  }

  void Keep(NewRejectedCallback callback, Done<int64_t> done) override {
    done(With([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      for (const auto& [id, kept] : kept_) {
        if (kept.source == callback.source && kept.reason == callback.reason &&
            kept.raw_body == callback.raw_body) {
          return absl::StatusOr<int64_t>(id);
        }
      }
      kept_[++last_id_] = std::move(callback);
      return absl::StatusOr<int64_t>(last_id_);
    }));
  }
  void List(RejectedCallbackQuery query, Done<std::vector<RejectedCallback>> done) override {
    done(With([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      std::vector<RejectedCallback> found;
      for (auto kept = kept_.upper_bound(query.after); kept != kept_.end(); ++kept) {
        if (static_cast<int>(found.size()) == query.max_callbacks) break;
        if (!query.source.empty() && kept->second.source != query.source) continue;
        found.push_back(Whole(*kept));
        found.back().callback.raw_body.clear();
      }
      return absl::StatusOr<std::vector<RejectedCallback>>(std::move(found));
    }));
  }
  void Get(int64_t id, Done<RejectedCallback> done) override {
    done(With([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) -> absl::StatusOr<RejectedCallback> {
      const auto kept = kept_.find(id);
      if (kept == kept_.end()) return absl::NotFoundError("no such rejected callback");
      return Whole(*kept);
    }));
  }
  void Discard(std::vector<int64_t> ids, Done<std::vector<int64_t>> done) override {
    done(With([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      std::vector<int64_t> unknown;
      for (const int64_t id : ids) {
        if (kept_.erase(id) == 0) unknown.push_back(id);
      }
      return absl::StatusOr<std::vector<int64_t>>(std::move(unknown));
    }));
  }
  void Measure(Done<QuarantineSize> done) override {
    done(With([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) -> absl::StatusOr<QuarantineSize> {
      QuarantineSize size;
      size.callbacks = static_cast<int64_t>(kept_.size());
      for (const auto& [id, kept] : kept_) size.bytes += static_cast<int64_t>(kept.raw_body.size());
      return size;
    }));
  }

 private:
  static RejectedCallback Whole(const std::pair<const int64_t, NewRejectedCallback>& kept) {
    return {kept.first, kept.second, static_cast<int64_t>(kept.second.raw_body.size())};
  }
  template <typename Answer>
  auto With(Answer answer) -> decltype(answer()) {
    absl::MutexLock lock(&mutex_);
    if (!failure_.ok()) return failure_;
    return answer();
  }

  absl::Mutex mutex_;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
  int64_t last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<int64_t, NewRejectedCallback> kept_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_SUPPORT_FAKE_QUARANTINE_H_
