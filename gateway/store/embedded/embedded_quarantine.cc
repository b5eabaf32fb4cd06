#include "gateway/store/embedded/embedded_quarantine.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "gateway/store/embedded/commit_and_wait.h"

namespace onhook {
namespace {

constexpr absl::Duration kRemovalLogInterval = absl::Minutes(1);
constexpr size_t kMostDiscarded = 1000;
// What one Keep removes for the size: some milliseconds' work, in which nothing else is committed.
constexpr int64_t kRowsInOneKeep = 300;

// What is wrong with what lies there needs a person; all else that keeps from reading is a fault.
absl::Status ReadError(const absl::Status& status) {
  const bool is_clear = absl::IsUnavailable(status) || absl::IsDataLoss(status);
  return is_clear ? status : absl::InternalError(status.message());
}

struct Keeping {
  NewRejectedCallback callback;
  int64_t id = 0;
  TrimmedCallbacks removed;
};

int64_t CountedBytes(const NewRejectedCallback& callback) {
  return static_cast<int64_t>(callback.raw_body.size()) + QuarantineRows::kBytesBesideBody;
}

// How many rows a Keep may remove. Never fewer than surely take as much as what it keeps, or a
// flood that follows small bodies with large ones would grow beyond the size.
int64_t MostRemoved(const NewRejectedCallback& callback) {
  const int64_t rows = CountedBytes(callback) / QuarantineRows::kBytesBesideBody + 1;
  return std::max(rows, kRowsInOneKeep);
}

// Keeps one, or finds it, and makes room for it.
absl::Status Apply(Keeping& keeping, int64_t max_bytes, QuarantineRows& rows) {
  absl::StatusOr<int64_t> id = rows.FindEqual(keeping.callback);
  if (!id.ok()) return id.status();
  keeping.id = *id;
  if (keeping.id != 0) return absl::OkStatus();
  id = rows.Insert(keeping.callback);
  if (!id.ok()) return id.status();
  keeping.id = *id;
  const absl::StatusOr<TrimmedCallbacks> removed =
      rows.Trim(absl::InfinitePast(), max_bytes, MostRemoved(keeping.callback));
  if (removed.ok()) keeping.removed = *removed;
  return removed.status();
}

}  // namespace

EmbeddedQuarantine::EmbeddedQuarantine(Storage* storage, CommitQueue* commits,
                                       ReadingThread* reader, const FreeDisk* free_disk,
                                       const Clock* clock, const Log* log,
                                       const QuarantineOptions& options)
    : storage_(storage),
      commits_(commits),
      reader_(reader),
      free_disk_(free_disk),
      log_(log),
      max_bytes_(options.bytes),
      removals_(clock, kRemovalLogInterval) {}

void EmbeddedQuarantine::Keep(NewRejectedCallback callback, Done<int64_t> done) {
  if (CountedBytes(callback) > max_bytes_) {
    return done(absl::ResourceExhaustedError("it is larger than the whole quarantine may be"));
  }
  if (absl::Status status = free_disk_->Check(); !status.ok()) return done(status);
  // What is kept of the time, so that memory and disk tell the same.
  callback.received_at = absl::FromUnixMicros(absl::ToUnixMicros(callback.received_at));
  auto keeping = std::make_shared<Keeping>();
  keeping->callback = std::move(callback);
  CommitSteps steps;
  steps.bytes += keeping->callback.raw_body.size();
  steps.apply = [this, keeping](Storage& storage) {
    return Apply(*keeping, max_bytes_, storage.quarantine());
  };
  steps.publish = [this, keeping] { CountRemoved(keeping->removed); };
  steps.finish = [keeping, done = std::move(done)](const absl::Status& status) {
    status.ok() ? done(keeping->id) : done(status);
  };
  Submit(*commits_, std::move(steps), CommitQueue::Urgency::kNow);
}

void EmbeddedQuarantine::Discard(std::vector<int64_t> ids, Done<std::vector<int64_t>> done) {
  if (ids.size() > kMostDiscarded) {
    return done(absl::InvalidArgumentError("at most 1,000 can be discarded at once"));
  }
  auto unknown = std::make_shared<std::vector<int64_t>>();
  CommitSteps steps;
  steps.apply = [unknown, ids = std::move(ids)](Storage& storage) -> absl::Status {
    for (const int64_t id : std::set<int64_t>(ids.begin(), ids.end())) {
      const absl::StatusOr<bool> removed = storage.quarantine().Remove(id);
      if (!removed.ok()) return removed.status();
      if (!*removed) unknown->push_back(id);
    }
    return absl::OkStatus();
  };
  steps.finish = [unknown, done = std::move(done)](const absl::Status& status) {
    status.ok() ? done(std::move(*unknown)) : done(status);
  };
  Submit(*commits_, std::move(steps), CommitQueue::Urgency::kNow);
}

void EmbeddedQuarantine::CountRemoved(TrimmedCallbacks callbacks) {
  if (callbacks.total() == 0) return;
  removed_by_age_ += callbacks.by_age;
  removed_by_size_ += callbacks.by_size;
  if (removals_.Occurred() == 0) return;
  log_->Warning("store", "rejected callbacks beyond the quarantine's limits were removed",
                {{"removed_since_start", removed_by_limit()}});
}

template <typename Result>
void EmbeddedQuarantine::Read(std::function<absl::StatusOr<Result>(QuarantineRows&)> read,
                              Done<Result> done) {
  const bool taken = reader_->Run([this, read = std::move(read), done](bool closing) {
    if (closing) return done(absl::UnavailableError("the store is closing"));
    absl::StatusOr<Result> result = read(storage_->quarantine());
    if (!result.ok() && !absl::IsNotFound(result.status())) result = ReadError(result.status());
    done(std::move(result));
  });
  if (!taken) done(absl::UnavailableError("too many wait to read the store"));
}

void EmbeddedQuarantine::List(RejectedCallbackQuery query,
                              Done<std::vector<RejectedCallback>> done) {
  Read<std::vector<RejectedCallback>>(
      [query = std::move(query)](QuarantineRows& rows) { return rows.List(query); },
      std::move(done));
}

void EmbeddedQuarantine::Get(int64_t id, Done<RejectedCallback> done) {
  Read<RejectedCallback>(
      [id](QuarantineRows& rows) -> absl::StatusOr<RejectedCallback> {
        absl::StatusOr<std::optional<RejectedCallback>> found = rows.Get(id);
        if (!found.ok()) return found.status();
        if (!found->has_value()) return absl::NotFoundError("no such rejected callback");
        return **std::move(found);
      },
      std::move(done));
}

void EmbeddedQuarantine::Measure(Done<QuarantineSize> done) {
  Read<QuarantineSize>([](QuarantineRows& rows) { return rows.Measure(); }, std::move(done));
}

}  // namespace onhook
