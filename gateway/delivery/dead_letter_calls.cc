#include "gateway/delivery/dead_letter_calls.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/delivery/awaited.h"
#include "gateway/delivery/cursor.h"
#include "gateway/delivery/event_lookup.h"
#include "gateway/delivery/grpc_status.h"
#include "gateway/delivery/numbered_id.h"
#include "gateway/delivery/proto_time.h"

namespace onhook {
namespace {

constexpr int32_t kDefaultPageSize = 100;
constexpr int32_t kLargestPageSize = 1000;
constexpr int kMostIds = 10000;

using Letters = std::vector<DeadLetter>;

absl::StatusOr<Letters> ReadLetters(SubscriptionQueue& queue, int64_t after, ReadLimits limits) {
  return Awaited<Letters>([&](std::function<void(absl::StatusOr<Letters>)> done) {
    queue.ListDeadLetters(after, limits, std::move(done));
  });
}

template <typename Request>
absl::Status CheckChange(const Request& request) {
  if (request.all() != request.dead_letter_ids().empty()) {
    return InvalidField("dead_letter_ids",
                        request.all() ? "must be empty with all" : "is empty; set all for all");
  }
  if (request.dead_letter_ids_size() > kMostIds) {
    return InvalidField("dead_letter_ids", absl::StrCat("holds more than ", kMostIds));
  }
  return absl::OkStatus();
}

}  // namespace

void DeadLetterCalls::Fill(const DeadLetter& letter, v1::DeadLetter& told) const {
  told.set_dead_letter_id(FormatNumberedId(kDeadLetterKind, store_->store_id(), letter.id));
  if (letter.event->corrupt || !told.mutable_event()->ParseFromString(letter.event->event)) {
    told.clear_event();
  }
  told.set_cursor(FormatCursor(store_->store_id(), letter.event->sequence));
  told.set_reason(letter.reason);
  told.set_detail(letter.detail);
  told.set_attempts(letter.attempts);
  *told.mutable_parked_at() = ToProto(letter.parked_at);
  told.set_consumer_name(letter.consumer_name);
}

absl::Status DeadLetterCalls::List(const v1::ListDeadLettersRequest& request,
                                   v1::ListDeadLettersResponse& response) {
  const auto queue = store_->FindQueue(request.subscription());
  if (!queue.ok()) return queue.status();
  if (request.page_size() < 0 || request.page_size() > kLargestPageSize) {
    return InvalidField("page_size", "must be 1 to 1000, or 0 for 100");
  }
  int64_t after = 0;
  if (!request.page_token().empty()) {
    const std::optional<int64_t> id =
        ParseNumberedId(request.page_token(), kDeadLetterKind, store_->store_id());
    if (!id.has_value()) return InvalidField("page_token", "is not one that this service gave");
    after = *id;
  }
  const auto page_size =
      static_cast<size_t>(request.page_size() == 0 ? kDefaultPageSize : request.page_size());
  const absl::StatusOr<Letters> letters =
      ReadLetters(**queue, after, {page_size + 1, EventLookup::kMaxPageBytes});
  if (!letters.ok()) return letters.status();
  // A page may end early for its size; then another one, perhaps empty, follows.
  const bool full = letters->size() > page_size;
  size_t bytes = 0;
  for (size_t i = 0; i < letters->size() && i < page_size; ++i) {
    Fill((*letters)[i], *response.add_dead_letters());
    bytes += (*letters)[i].event->event.size();
  }
  if (full || bytes >= EventLookup::kMaxPageBytes) {
    response.set_next_page_token(
        response.dead_letters(response.dead_letters_size() - 1).dead_letter_id());
  }
  return absl::OkStatus();
}

absl::Status DeadLetterCalls::Get(const v1::GetDeadLetterRequest& request,
                                  v1::GetDeadLetterResponse& response) {
  const auto queue = store_->FindQueue(request.subscription());
  if (!queue.ok()) return queue.status();
  const std::optional<int64_t> id =
      ParseNumberedId(request.dead_letter_id(), kDeadLetterKind, store_->store_id());
  if (!id.has_value()) return absl::NotFoundError("no dead letter has this id");
  const absl::StatusOr<Letters> letters = ReadLetters(**queue, *id - 1, {1, 1});
  if (!letters.ok()) return letters.status();
  if (letters->empty() || letters->front().id != *id) {
    return absl::NotFoundError("no dead letter has this id");
  }
  Fill(letters->front(), *response.mutable_dead_letter());
  return absl::OkStatus();
}

template <typename Request>
void DeadLetterCalls::Run(const Request& request, Change change, Changed changed, Done done) {
  const auto queue = store_->FindQueue(request.subscription());
  if (!queue.ok()) return done(queue.status());
  if (absl::Status wrong = CheckChange(request); !wrong.ok()) return done(wrong);
  DeadLetterSelection selection;
  selection.all = request.all();
  std::vector<std::string> unknown;
  for (const std::string& text : request.dead_letter_ids()) {
    const std::optional<int64_t> id = ParseNumberedId(text, kDeadLetterKind, store_->store_id());
    if (id.has_value()) {
      selection.ids.push_back(*id);
    } else {
      unknown.push_back(text);
    }
  }
  if (changes_.fetch_add(1) >= max_changes_) {
    --changes_;
    return done(absl::UnavailableError("too many changes of dead letters are under way"));
  }
  ((**queue).*change)(std::move(selection), [this, unknown = std::move(unknown),
                                             changed = std::move(changed), done = std::move(done)](
                                                absl::StatusOr<DeadLetterOutcome> outcome) mutable {
    --changes_;
    if (!outcome.ok()) return done(outcome.status());
    for (const int64_t id : outcome->unknown) {
      unknown.push_back(FormatNumberedId(kDeadLetterKind, store_->store_id(), id));
    }
    changed(outcome->done, unknown);
    done(absl::OkStatus());
  });
}

void DeadLetterCalls::Redrive(const v1::RedriveDeadLettersRequest& request,
                              v1::RedriveDeadLettersResponse* response, Done done) {
  const auto changed = [response](int64_t count, const std::vector<std::string>& unknown) {
    response->set_redriven(count);
    response->mutable_unknown_ids()->Assign(unknown.begin(), unknown.end());
  };
  Run(request, &SubscriptionQueue::Redrive, changed, std::move(done));
}

void DeadLetterCalls::Discard(const v1::DiscardDeadLettersRequest& request,
                              v1::DiscardDeadLettersResponse* response, Done done) {
  const auto changed = [response](int64_t count, const std::vector<std::string>& unknown) {
    response->set_discarded(count);
    response->mutable_unknown_ids()->Assign(unknown.begin(), unknown.end());
  };
  Run(request, &SubscriptionQueue::Discard, changed, std::move(done));
}

}  // namespace onhook
