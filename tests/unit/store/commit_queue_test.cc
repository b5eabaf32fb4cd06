#include "gateway/store/embedded/commit_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "gateway/base/metrics.h"
#include "gateway/store/memory/memory_storage.h"
#include "tests/support/manual_clock.h"
#include "tests/support/storage_faults.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Call = StorageFaults::Call;
using Urgency = CommitQueue::Urgency;

// What happened, in order. Threads: any.
class History {
 public:
  void Add(std::string line) {
    absl::MutexLock lock(&mutex_);
    lines_.push_back(std::move(line));
  }
  std::vector<std::string> lines() const {
    absl::MutexLock lock(&mutex_);
    return lines_;
  }
  // Waits until `line` was added.
  void Await(const std::string& line) const {
    const auto added = [this, &line]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return std::find(lines_.begin(), lines_.end(), line) != lines_.end();
    };
    absl::MutexLock lock(&mutex_, absl::Condition(&added));
  }

 private:
  mutable absl::Mutex mutex_;
  std::vector<std::string> lines_ ABSL_GUARDED_BY(mutex_);
};

// Writes what happens to it into the history: "apply a", "publish a", "finish a: OK".
class NamedOperation final : public CommitOperation {
 public:
  NamedOperation(std::string name, History* history, size_t bytes)
      : name_(std::move(name)), history_(history), bytes_(bytes) {}

  size_t bytes() const override { return bytes_; }
  size_t events() const override { return 1; }
  absl::Status Apply(Storage& storage) override {
    history_->Add(absl::StrCat("apply ", name_));
    return storage.InsertSettlement(SettlementRow());
  }
  void Publish() override { history_->Add(absl::StrCat("publish ", name_)); }
  void Finish(const absl::Status& status) override {
    history_->Add(absl::StrCat("finish ", name_, ": ", absl::StatusCodeToString(status.code())));
  }

 private:
  const std::string name_;
  History* const history_;
  const size_t bytes_;
};

class CommitQueueTest : public ::testing::Test {
 protected:
  ~CommitQueueTest() override {
    commit_.reset();
    if (holder_.joinable()) holder_.join();
  }

  void Start() {
    storage_ = faults_.ApplyTo(std::make_unique<MemoryStorage>(std::make_shared<MemoryDisk>()));
    queue_ = std::make_unique<CommitQueue>(
        storage_.get(), &clock_, options_,
        CommitQueue::Hooks{[this](Storage&) { return before_commit_; },
                           [this] { history_.Add("batch done"); }},
        [this](const absl::Status&) { history_.Add("fatal"); });
  }
  void Submit(const std::string& name, Urgency urgency = Urgency::kNow, size_t bytes = 1) {
    queue_->Submit(std::make_unique<NamedOperation>(name, &history_, bytes), urgency);
  }

  // Submits "held", and stops before its commit until Release.
  void HoldACommit() {
    Start();
    commit_ = std::make_unique<HeldCall>(&faults_, Call::kCommit);
    holder_ = std::thread([this] { Submit("held"); });
    commit_->Await();
  }
  // Lets it go on, and waits until all that was pending is done.
  void Release() {
    commit_->Release();
    holder_.join();
    queue_->Close();
  }

  // Who was applied in each batch behind that of "held": "a b|c".
  std::string Batches() const {
    std::string batches;
    for (const std::string& line : history_.lines()) {
      if (line == "batch done") batches += "|";
      if (line.rfind("apply ", 0) != 0) continue;
      absl::StrAppend(&batches, batches.empty() || batches.back() == '|' ? "" : " ",
                      line.substr(6));
    }
    return batches.substr(std::min(batches.size(), std::string("held|").size()));
  }

  ManualClock clock_;
  CommitQueueOptions options_;
  StorageFaults faults_;
  History history_;
  absl::Status before_commit_;
  std::unique_ptr<HeldCall> commit_;
  std::thread holder_;
  std::unique_ptr<Storage> storage_;
  std::unique_ptr<CommitQueue> queue_;
};

TEST_F(CommitQueueTest, ACallerCommitsByItselfWhenNobodyElseDoes) {
  Start();
  std::thread::id committer;
  faults_.Before(Call::kCommit, [&committer] { committer = std::this_thread::get_id(); });
  Submit("a");
  EXPECT_EQ(committer, std::this_thread::get_id());
  EXPECT_THAT(history_.lines(), ElementsAre("apply a", "publish a", "finish a: OK", "batch done"));
}

TEST_F(CommitQueueTest, WhatAThreadSubmitsTogetherSharesOneCommitOfItsOwn) {
  Start();
  std::thread::id committer;
  faults_.Before(Call::kCommit, [&committer] { committer = std::this_thread::get_id(); });
  queue_->Together([this] {
    Submit("a");
    queue_->Together([this] { Submit("b"); });
    EXPECT_THAT(history_.lines(), IsEmpty()) << "nothing before the end of it";
  });
  EXPECT_EQ(committer, std::this_thread::get_id());
  EXPECT_THAT(history_.lines(), ElementsAre("apply a", "apply b", "publish a", "publish b",
                                            "finish a: OK", "finish b: OK", "batch done"));
  queue_->Together([] {});
  EXPECT_EQ(faults_.count(Call::kCommit), 1) << "nothing is not committed";
}

TEST_F(CommitQueueTest, WhoCommitsTogetherGoesOnWithWhatHasComeMeanwhile) {
  Start();
  int commits = 0;
  faults_.Before(Call::kCommit, [&] {
    if (++commits == 1) std::thread([this] { Submit("meanwhile"); }).join();
  });
  queue_->Together([this] { Submit("a"); });
  EXPECT_THAT(history_.lines(),
              ElementsAre("apply a", "publish a", "finish a: OK", "batch done", "apply meanwhile",
                          "publish meanwhile", "finish meanwhile: OK", "batch done"));
}

TEST_F(CommitQueueTest, WhatIsSubmittedTogetherWhileAnotherCommitsIsLeftToHim) {
  HoldACommit();
  queue_->Together([this] {
    Submit("a");
    Submit("b");
  });
  EXPECT_THAT(history_.lines(), ElementsAre("apply held"));
  Release();
  EXPECT_EQ(Batches(), "a b|");
}

TEST_F(CommitQueueTest, OperationsThatWaitTogetherShareOneCommit) {
  HoldACommit();
  std::vector<std::thread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([this, i] { Submit(absl::StrCat("of thread ", i)); });
  }
  for (std::thread& thread : threads) thread.join();
  Release();
  EXPECT_EQ(faults_.count(Call::kCommit), 2);
  EXPECT_EQ(faults_.count(Call::kInsertSettlement), 17);
}

TEST_F(CommitQueueTest, UrgentOperationsGoBeforeLingeringOnesAndEachKindInItsOrder) {
  HoldACommit();
  Submit("lingering1", Urgency::kMayLinger);
  Submit("urgent1");
  Submit("lingering2", Urgency::kMayLinger);
  Submit("urgent2");
  Release();
  EXPECT_EQ(Batches(), "urgent1 urgent2 lingering1 lingering2|");
}

TEST_F(CommitQueueTest, ABatchIsBoundedInOperations) {
  options_.max_batch_operations = 3;
  HoldACommit();
  for (const char* name : {"a", "b", "c", "d", "e"}) Submit(name);
  Submit("f", Urgency::kMayLinger);
  Submit("g", Urgency::kMayLinger);
  Release();
  EXPECT_EQ(Batches(), "a b c|d e f|g|");
}

TEST_F(CommitQueueTest, ABatchIsBoundedInBytesButTakesOneOperationOfAnySize) {
  options_.max_batch_bytes = 100;
  HoldACommit();
  Submit("a", Urgency::kNow, 60);
  Submit("b", Urgency::kNow, 60);
  Submit("c", Urgency::kNow, 40);
  Submit("d", Urgency::kNow, 500);
  Submit("e", Urgency::kNow, 1);
  Release();
  EXPECT_EQ(Batches(), "a|b c|d|e|");
}

TEST_F(CommitQueueTest, CommitsAreTimedTheirEventsCountedAndTheirFailuresToo) {
  static constexpr double kBounds[] = {1, 2};
  Metrics metrics;
  options_.duration = metrics.AddHistogram("onhook_time_seconds", "Time.", {}, kBounds);
  options_.events = metrics.AddHistogram("onhook_batch_events", "Events.", {}, kBounds);
  options_.failures = metrics.AddCounter("onhook_failures_total", "Failures.", {});
  HoldACommit();
  Submit("a");
  Submit("b");
  clock_.Advance(absl::Seconds(1.5));
  Release();
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("onhook_time_seconds_bucket{le=\"1\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("onhook_time_seconds_sum 1.5\n"));
  EXPECT_THAT(text, HasSubstr("onhook_batch_events_count 2\n"));
  EXPECT_THAT(text, HasSubstr("onhook_batch_events_sum 3\n"));
  EXPECT_THAT(text, HasSubstr("onhook_failures_total 0\n"));
  Start();
  faults_.Fail(Call::kCommit, absl::UnavailableError("busy"));
  Submit("c");
  EXPECT_THAT(metrics.Text(), HasSubstr("onhook_failures_total 1\n"));
}

TEST_F(CommitQueueTest, AllOfABatchIsVisibleBeforeAnyOfItIsAnswered) {
  HoldACommit();
  Submit("a");
  Submit("b");
  Release();
  EXPECT_THAT(history_.lines(),
              ElementsAre("apply held", "publish held", "finish held: OK", "batch done", "apply a",
                          "apply b", "publish a", "publish b", "finish a: OK", "finish b: OK",
                          "batch done"));
}

TEST_F(CommitQueueTest, AnUrgentOperationTakesLingeringOnesAlong) {
  Start();
  Submit("lingering", Urgency::kMayLinger);
  Submit("urgent");
  EXPECT_THAT(history_.lines(),
              ElementsAre("apply urgent", "apply lingering", "publish urgent", "publish lingering",
                          "finish urgent: OK", "batch done", "finish lingering: OK"))
      << "whoever waits for the urgent one is served first";
}

TEST_F(CommitQueueTest, ALingeringOperationIsCommittedByItselfWhenItsTimeHasCome) {
  Start();
  Submit("lingering", Urgency::kMayLinger);
  EXPECT_THAT(history_.lines(), IsEmpty()) << "by this clock no time has passed";
  clock_.Advance(options_.linger);
  history_.Await("finish lingering: OK");
}

TEST_F(CommitQueueTest, WhatIsHastenedIsCommittedBeforeItsTime) {
  Start();
  queue_->Hasten();
  Submit("lingering", Urgency::kMayLinger);
  EXPECT_THAT(history_.lines(), IsEmpty()) << "there was nothing to hasten";
  queue_->Hasten();
  history_.Await("finish lingering: OK");
}

TEST_F(CommitQueueTest, WhatIsHastenedDuringACommitFollowsIt) {
  HoldACommit();
  Submit("lingering", Urgency::kMayLinger);
  queue_->Hasten();
  commit_->Release();
  history_.Await("finish lingering: OK");
}

TEST_F(CommitQueueTest, AnAnswerMaySubmitAgain) {
  class Chain final : public CommitOperation {
   public:
    explicit Chain(std::function<void()> next) : next_(std::move(next)) {}
    size_t bytes() const override { return 1; }
    absl::Status Apply(Storage&) override { return absl::OkStatus(); }
    void Finish(const absl::Status&) override { next_(); }

   private:
    const std::function<void()> next_;
  };
  Start();
  queue_->Submit(std::make_unique<Chain>([this] { Submit("second"); }), Urgency::kNow);
  history_.Await("finish second: OK");
}

TEST_F(CommitQueueTest, CloseCommitsWhatIsPendingAndRefusesWhatComesLater) {
  HoldACommit();
  Submit("urgent");
  Submit("lingering", Urgency::kMayLinger);
  Release();
  EXPECT_EQ(Batches(), "urgent lingering|");
  Submit("late");
  Submit("late and lingering", Urgency::kMayLinger);
  EXPECT_EQ(Batches(), "urgent lingering|");
  history_.Await("finish late: UNAVAILABLE");
  history_.Await("finish late and lingering: UNAVAILABLE");
  queue_->Close();
}

TEST_F(CommitQueueTest, MoreThanMayWaitAreRefused) {
  options_.max_pending = 2;
  HoldACommit();
  Submit("a");
  Submit("b", Urgency::kMayLinger);
  Submit("c");
  history_.Await("finish c: UNAVAILABLE");
  Release();
  EXPECT_EQ(Batches(), "a b|");
}

// --- errors

struct BatchFault {
  const char* name;
  Call call;
  int nth;  // of the batch
};

class CommitQueueFaultTest : public CommitQueueTest,
                             public ::testing::WithParamInterface<BatchFault> {
 protected:
  // Lets a batch of a, b and c meet the fault.
  void CommitThree(const absl::Status& fault) {
    HoldACommit();
    faults_.Fail(GetParam().call, fault, GetParam().nth);
    for (const char* name : {"a", "b", "c"}) Submit(name);
    Release();
  }
};

TEST_P(CommitQueueFaultTest, AnErrorFailsTheWholeBatchAndNothingOfItIsVisible) {
  CommitThree(absl::ResourceExhaustedError("disk full"));
  for (const char* name : {"a", "b", "c"}) {
    EXPECT_THAT(history_.lines(),
                ::testing::Contains(absl::StrCat("finish ", name, ": RESOURCE_EXHAUSTED")));
    EXPECT_THAT(history_.lines(),
                ::testing::Not(::testing::Contains(absl::StrCat("publish ", name))));
  }
}

TEST_P(CommitQueueFaultTest, AfterDataLossNothingIsAnsweredAnyMore) {
  CommitThree(absl::DataLossError("who knows"));
  Submit("late");
  int fatal = 0;
  for (const std::string& line : history_.lines()) {
    fatal += line == "fatal" ? 1 : 0;
    if (line != "finish held: OK") {
      EXPECT_EQ(line.find(": OK"), std::string::npos) << line;
    }
    EXPECT_EQ(line.find("finish a"), std::string::npos) << line;
  }
  EXPECT_EQ(fatal, 1);
}

INSTANTIATE_TEST_SUITE_P(Calls, CommitQueueFaultTest,
                         ::testing::Values(BatchFault{"Begin", Call::kBegin, 1},
                                           BatchFault{"Insert", Call::kInsertSettlement, 2},
                                           BatchFault{"Commit", Call::kCommit, 1}),
                         [](const ::testing::TestParamInfo<BatchFault>& row) {
                           return row.param.name;
                         });

TEST_F(CommitQueueTest, AnErrorOfWhatRidesAlongFailsTheBatch) {
  Start();
  before_commit_ = absl::UnavailableError("not now");
  Submit("a");
  EXPECT_THAT(history_.lines(), ElementsAre("apply a", "finish a: UNAVAILABLE"));
  EXPECT_EQ(faults_.count(Call::kCommit), 0);
}

TEST_F(CommitQueueTest, AnErrorConcernsOneBatchOnly) {
  Start();
  faults_.Fail(Call::kCommit, absl::UnavailableError("not now"));
  Submit("a");
  Submit("b");
  EXPECT_THAT(history_.lines(), ElementsAre("apply a", "finish a: UNAVAILABLE", "apply b",
                                            "publish b", "finish b: OK", "batch done"));
}

// --- maintenance

// However quickly one caller follows itself, the write-ahead log must not grow without bound.
TEST_F(CommitQueueTest, MaintenanceGoesBeforeTheNextCommit) {
  Start();
  faults_.Before(Call::kMaintain, [this] { history_.Add("maintain"); });
  for (int round = 0; round < 100; ++round) {
    faults_.MakeMaintenanceDue();
    Submit(absl::StrCat("a", round));
    Submit(absl::StrCat("b", round));
    history_.Await(absl::StrCat("finish b", round, ": OK"));
    ASSERT_EQ(faults_.count(Call::kMaintain), round + 1);
  }
}

TEST_F(CommitQueueTest, MaintenanceThatIsNotPossibleNowHarmsNobody) {
  Start();
  faults_.MakeMaintenanceDue();
  faults_.Fail(Call::kMaintain, absl::UnavailableError("readers are in the way"));
  Submit("a");
  Submit("b");
  history_.Await("finish b: OK");
  EXPECT_THAT(history_.lines(), ::testing::Not(::testing::Contains("fatal")));
}

TEST_F(CommitQueueTest, DataLossInMaintenanceIsFatal) {
  Start();
  faults_.MakeMaintenanceDue();
  faults_.Fail(Call::kMaintain, absl::DataLossError("a sync failed"));
  Submit("a");
  history_.Await("fatal");
  Submit("b");
  queue_->Close();
  EXPECT_THAT(history_.lines(), ::testing::Not(::testing::Contains("finish b: OK")));
}

}  // namespace
}  // namespace onhook
