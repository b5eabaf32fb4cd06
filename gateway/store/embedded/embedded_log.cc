#include "gateway/store/embedded/embedded_log.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

#include "gateway/store/embedded/admission.h"

namespace onhook {
namespace {

// Runs of one receiver that are kept in memory once they are on disk: late marks may join them.
constexpr size_t kMostRunsInMemory = 1024;

// Events are stored about in the order of their receipt: a request takes seconds at most. A search
// by time goes this much further on either side.
constexpr absl::Duration kDisorder = absl::Minutes(1);
// Events that a search by time goes through before others have the reading thread: some
// milliseconds' work.
constexpr Sequence kSearchedInOneGo = 20'000;

// What is kept of a time, so that memory and disk tell the same.
absl::Time ToMicroseconds(absl::Time time) {
  return absl::FromUnixMicros(absl::ToUnixMicros(time));
}

absl::Status Closing() { return absl::UnavailableError("the store is closing"); }
absl::Status NoLongerKept() { return absl::OutOfRangeError("the events are no longer kept"); }
absl::Status TooManyReads() { return absl::UnavailableError("too many wait to read the store"); }

// A read that failed says nothing about what was stored, so nobody is to take it for that.
absl::Status ReadError(const absl::Status& status) {
  return absl::IsUnavailable(status) ? status : absl::InternalError(status.message());
}

}  // namespace

class EmbeddedLog::AppendOperation final : public CommitOperation {
 public:
  AppendOperation(EmbeddedLog* log, NewEvent event, AppendDone done)
      : log_(log), event_(std::move(event)), done_(std::move(done)) {
    event_.received_at = ToMicroseconds(event_.received_at);
  }

  size_t bytes() const override { return event_.event.size() + event_.raw_body.size() + 256; }

  size_t events() const override { return 1; }

  absl::Status Apply(Storage& storage) override {
    applied_ = true;
    LogPlace& newest = log_->in_transaction_;
    // Only one thread writes, so what is published is all there is before this transaction.
    if (newest.sequence < log_->last()) newest = {log_->last(), log_->last_offset()};
    stored_at_ = ToMicroseconds(log_->clock_->Now());
    const LogPlace place{newest.sequence + 1,
                         newest.end_offset + static_cast<int64_t>(event_.event.size())};
    const absl::StatusOr<Admission> admission =
        Admit(event_, place, stored_at_, *log_->nonce_memory_.Get(), storage);
    if (!admission.ok()) return admission.status();
    refusal_ = admission->refusal;
    result_ = admission->result;
    end_offset_ = place.end_offset;
    if (IsStoredNow()) newest = place;
    return absl::OkStatus();
  }

  void Publish() override {
    if (!IsStoredNow()) return;
    auto event = std::make_shared<LogEvent>();
    event->sequence = result_.sequence;
    event->received_at = event_.received_at;
    event->stored_at = stored_at_;
    event->end_offset = end_offset_;
    event->event = std::move(event_.event);
    log_->last_offset_.store(end_offset_, std::memory_order_release);
    log_->tail_.Add(std::move(event));
  }

  void Finish(const absl::Status& status) override {
    if (status.ok() && !refusal_.ok()) return done_(refusal_);
    if (status.ok()) return done_(result_);
    // What the transaction counted is void. One that was refused before it was not counted.
    if (applied_) log_->in_transaction_ = {0, 0};
    done_(status);
  }

 private:
  bool IsStoredNow() const { return refusal_.ok() && !result_.duplicate; }

  EmbeddedLog* const log_;
  NewEvent event_;
  const AppendDone done_;
  bool applied_ = false;
  absl::Time stored_at_;
  int64_t end_offset_ = 0;
  absl::Status refusal_;  // of this one; its batch goes on
  AppendResult result_;
};

// Writes nothing by itself: the marks of what was forwarded ride along with any commit, and this is
// one for when no other comes.
class EmbeddedLog::FlushOperation final : public CommitOperation {
 public:
  explicit FlushOperation(EmbeddedLog* log) : log_(log) {}
  size_t bytes() const override { return 0; }
  absl::Status Apply(Storage&) override { return absl::OkStatus(); }
  void Finish(const absl::Status&) override {
    absl::MutexLock lock(&log_->forwarded_mutex_);
    log_->flush_queued_ = false;
  }

 private:
  EmbeddedLog* const log_;
};

EmbeddedLog::EmbeddedLog(Storage* storage, CommitQueue* commits, ReadingThread* reader,
                         const FreeDisk* free_disk, const Clock* clock, const Log* log,
                         const RecoveredState& recovered, const Options& options)
    : storage_(storage),
      commits_(commits),
      reader_(reader),
      free_disk_(free_disk),
      clock_(clock),
      log_(log),
      nonce_memory_(options.nonce_memory),
      forwarded_at_open_(recovered.forwarded),
      tail_(recovered.last, options.tail_bytes),
      first_(recovered.first),
      last_offset_(recovered.last_offset) {
  for (const auto& [receiver, sequences] : recovered.forwarded) {
    forwarded_[receiver].sequences = sequences;
  }
}

void EmbeddedLog::Append(NewEvent event, AppendDone done) {
  if (absl::Status status = free_disk_->Check(); !status.ok()) return done(status);
  commits_->Submit(std::make_unique<AppendOperation>(this, std::move(event), std::move(done)),
                   CommitQueue::Urgency::kNow);
}

void EmbeddedLog::Read(Sequence after, ReadLimits limits, ReadDone done) {
  if (after > last()) return done(absl::OutOfRangeError("the place lies behind the newest event"));
  if (after + 1 < first()) return done(NoLongerKept());
  if (std::optional<LogPage> page = tail_.Read(after, limits)) {
    done(*std::move(page));
    return;
  }
  auto shared_done = std::make_shared<ReadDone>(std::move(done));
  const bool taken = reader_->Run([this, after, limits, shared_done](bool closing) {
    if (closing) return (*shared_done)(Closing());
    const Sequence last = tail_.last();
    absl::StatusOr<std::vector<LogEventPtr>> events = storage_->Read(after, last, limits);
    if (!events.ok()) return (*shared_done)(ReadError(events.status()));
    if (after + 1 < first()) return (*shared_done)(NoLongerKept());  // meanwhile
    for (const LogEventPtr& event : *events) {
      if (event->corrupt) {
        log_->Error("store", "event does not fit its checksum; it is not delivered",
                    {{"sequence", event->sequence}});
      }
    }
    LogPage page;
    page.at_end = events->empty() || events->back()->sequence == last;
    page.events = *std::move(events);
    (*shared_done)(std::move(page));
  });
  if (!taken) (*shared_done)(TooManyReads());
}

void EmbeddedLog::Find(EventQuery query, FindDone done) {
  if (query.call_serial_no.empty() && query.received_from == absl::InfinitePast() &&
      query.received_before == absl::InfiniteFuture()) {
    done(absl::InvalidArgumentError("a look-up needs a call or a time"));
    return;
  }
  auto search = std::make_shared<Search>();
  search->query = std::move(query);
  search->last = last();
  search->done = std::move(done);
  SearchOn(search);
}

absl::Status EmbeddedLog::Narrow(Search& search) const {
  EventQuery& query = search.query;
  search.narrowed = true;
  query.after = std::max(query.after, first() - 1);
  if (!query.call_serial_no.empty()) return absl::OkStatus();
  if (query.received_before != absl::InfiniteFuture()) {
    const absl::StatusOr<Sequence> place =
        storage_->FindPlace(query.received_before + kDisorder, query.after + 1, search.last);
    if (!place.ok()) return place.status();
    search.last = *place;
  }
  if (query.received_from != absl::InfinitePast()) {
    const absl::StatusOr<Sequence> place =
        storage_->FindPlace(query.received_from - kDisorder, query.after + 1, search.last);
    if (!place.ok()) return place.status();
    query.after = *place;
  }
  return absl::OkStatus();
}

void EmbeddedLog::SearchOn(const std::shared_ptr<Search>& search) {
  const bool taken = reader_->Run([this, search](bool closing) {
    if (closing) return search->done(Closing());
    EventQuery& query = search->query;
    if (!search->narrowed) {
      const absl::Status status = Narrow(*search);
      if (!status.ok()) return search->done(ReadError(status));
    }
    // A call has few events, and an index leads to them.
    const Sequence through = query.call_serial_no.empty()
                                 ? std::min(search->last, query.after + kSearchedInOneGo)
                                 : search->last;
    absl::StatusOr<std::vector<LogEventPtr>> found = storage_->Find(query, through);
    if (!found.ok()) return search->done(ReadError(found.status()));
    size_t bytes = 0;
    for (const LogEventPtr& event : *found) bytes += event->event.size();
    const bool too_large = bytes > query.max_bytes;
    if (!too_large) query.max_bytes -= bytes;
    query.max_events -= found->size();
    query.after = through;
    for (LogEventPtr& event : *found) search->found.push_back(std::move(event));
    if (too_large || query.max_events == 0 || through >= search->last) {
      return search->done(std::move(search->found));
    }
    SearchOn(search);
  });
  if (!taken) search->done(TooManyReads());
}

void EmbeddedLog::FindPlace(absl::Time time, std::function<void(absl::StatusOr<Sequence>)> done) {
  const bool taken = reader_->Run([this, time, done](bool closing) {
    if (closing) return done(Closing());
    const absl::StatusOr<Sequence> place = storage_->FindPlace(time, first(), last());
    done(place.ok() ? place : ReadError(place.status()));
  });
  if (!taken) done(TooManyReads());
}

void EmbeddedLog::FindRawBody(Sequence sequence, RawBodyDone done) {
  const bool taken = reader_->Run([this, sequence, done](bool closing) {
    if (closing) return done(Closing());
    absl::StatusOr<std::optional<std::string>> body = storage_->FindRawBody(sequence);
    if (!body.ok() && !absl::IsDataLoss(body.status())) body = ReadError(body.status());
    done(std::move(body));
  });
  if (!taken) done(TooManyReads());
}

void EmbeddedLog::FindOffset(int64_t offset, std::function<void(absl::StatusOr<Sequence>)> done) {
  const bool taken = reader_->Run([this, offset, done](bool closing) {
    if (closing) return done(Closing());
    const absl::StatusOr<Sequence> place = storage_->FindOffset(offset, first(), last());
    done(place.ok() ? place : ReadError(place.status()));
  });
  if (!taken) done(TooManyReads());
}

void EmbeddedLog::AddTailListener(TailListener listener) {
  listeners_.push_back(std::move(listener));
}

void EmbeddedLog::SignalTail() {
  const Sequence last = tail_.last();
  for (const TailListener& listener : listeners_) listener(last);
}

void EmbeddedLog::RecordForwarded(const std::string& receiver, SequenceRange range) {
  {
    absl::MutexLock lock(&forwarded_mutex_);
    ForwardedMarks& marks = forwarded_[receiver];
    marks.sequences.Add(range);
    // Usually the run at the end grows: then one member stands for it.
    const Sequence first = std::prev(marks.sequences.runs().upper_bound(range.first))->first;
    if (marks.unwritten.empty() || marks.unwritten.back() != first) {
      marks.unwritten.push_back(first);
    }
    if (flush_queued_) return;
    flush_queued_ = true;
  }
  commits_->Submit(std::make_unique<FlushOperation>(this), CommitQueue::Urgency::kMayLinger);
}

absl::Status EmbeddedLog::WriteForwarded(Storage& storage) {
  std::vector<std::pair<std::string, SequenceRange>> runs;
  {
    absl::MutexLock lock(&forwarded_mutex_);
    flush_queued_ = false;  // one that is on its way writes no mark that comes after these
    for (auto& [receiver, marks] : forwarded_) {
      // What is in commit still, a commit that failed has left there.
      marks.in_commit.insert(marks.in_commit.end(), marks.unwritten.begin(), marks.unwritten.end());
      marks.unwritten.clear();
      std::sort(marks.in_commit.begin(), marks.in_commit.end());
      std::vector<Sequence> first_of_run;
      for (const Sequence member : marks.in_commit) {
        const auto behind = marks.sequences.runs().upper_bound(member);
        if (behind == marks.sequences.runs().begin()) continue;  // trimmed meanwhile
        const auto& [first, last] = *std::prev(behind);
        if (last < member || (!first_of_run.empty() && first_of_run.back() == first)) continue;
        first_of_run.push_back(first);
        runs.push_back({receiver, {first, last}});
      }
      marks.in_commit = std::move(first_of_run);
    }
  }
  for (const auto& [receiver, range] : runs) {
    if (absl::Status status = storage.SaveForwarded(receiver, range); !status.ok()) return status;
  }
  return absl::OkStatus();
}

void EmbeddedLog::ForwardedWritten() {
  absl::MutexLock lock(&forwarded_mutex_);
  for (auto& [receiver, marks] : forwarded_) {
    marks.in_commit.clear();
    const auto& runs = marks.sequences.runs();
    while (marks.unwritten.empty() && runs.size() > kMostRunsInMemory) {
      marks.sequences.RemoveThrough(runs.begin()->second);
    }
  }
}

absl::Status EmbeddedLog::TrimForwarded(Sequence through, Storage& storage) {
  std::vector<std::string> receivers;
  {
    absl::MutexLock lock(&forwarded_mutex_);
    for (auto& [receiver, marks] : forwarded_) {
      marks.sequences.RemoveThrough(through);
      receivers.push_back(receiver);
    }
  }
  for (const std::string& receiver : receivers) {
    if (absl::Status status = storage.TrimForwarded(receiver, through); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace onhook
