#include "gateway/delivery/rejected_callback_calls.h"

#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gateway/base/text.h"
#include "gateway/delivery/awaited.h"
#include "gateway/delivery/grpc_status.h"
#include "gateway/delivery/numbered_id.h"
#include "gateway/delivery/proto_time.h"

namespace onhook {
namespace {

constexpr int kDefaultPageSize = 100;
constexpr int kLargestPageSize = 1000;
// Of one call: what it tells of each, with its detail, stays far below a client's default limit of
// 4 MiB.
constexpr int kMostIds = 1000;
constexpr size_t kLongestDetail = 256;  // characters
// Clients give up after 10 s; two calls may wait before this one.
constexpr absl::Duration kLongestCall = absl::Seconds(3);
// Between the two numbers of a page token.
constexpr char kTokenSeparator = '~';

template <typename Request>
absl::Status CheckSelection(const Request& request) {
  if (request.all() != request.rejected_callback_ids().empty()) {
    return InvalidField("rejected_callback_ids",
                        request.all() ? "must be empty with all" : "is empty; set all for all");
  }
  if (request.rejected_callback_ids_size() > kMostIds) {
    return InvalidField("rejected_callback_ids", absl::StrCat("holds more than ", kMostIds));
  }
  if (!request.all() && !request.page_token().empty()) {
    return InvalidField("page_token", "goes with all only");
  }
  return absl::OkStatus();
}

// A judge's own words are for the people who ask, but they have to be text, and not endless.
std::string TellableDetail(const std::string& detail) {
  if (!IsValidUtf8(detail)) return "";
  return std::string(FirstCodePoints(detail, kLongestDetail));
}

}  // namespace

std::string RejectedCallbackCalls::IdText(int64_t id) const {
  return FormatNumberedId(kRejectedCallbackKind, store_id_(), id);
}

absl::StatusOr<std::vector<RejectedCallback>> RejectedCallbackCalls::ReadPage(
    RejectedCallbackQuery query) {
  return Awaited<std::vector<RejectedCallback>>(
      [&](Quarantine::Done<std::vector<RejectedCallback>> done) {
        quarantine_->List(std::move(query), std::move(done));
      });
}

absl::StatusOr<RejectedCallback> RejectedCallbackCalls::ReadOne(int64_t id) {
  return Awaited<RejectedCallback>(
      [&](Quarantine::Done<RejectedCallback> done) { quarantine_->Get(id, std::move(done)); });
}

absl::StatusOr<RejectedCallbackCalls::Ids> RejectedCallbackCalls::Remove(const Ids& ids) {
  return Awaited<Ids>(
      [&](Quarantine::Done<Ids> done) { quarantine_->Discard(ids, std::move(done)); });
}

void RejectedCallbackCalls::Fill(const RejectedCallback& rejected,
                                 v1::RejectedCallback& told) const {
  const NewRejectedCallback& callback = rejected.callback;
  told.set_rejected_callback_id(IdText(rejected.id));
  told.set_source(callback.source);
  *told.mutable_received_at() = ToProto(callback.received_at);
  told.set_reason(callback.reason);
  told.set_detail(callback.detail);
  told.set_body_bytes(rejected.body_bytes);
  told.set_content_type(callback.content_type);
}

absl::Status RejectedCallbackCalls::List(const v1::ListRejectedCallbacksRequest& request,
                                         v1::ListRejectedCallbacksResponse& response) {
  if (request.page_size() < 0 || request.page_size() > kLargestPageSize) {
    return InvalidField("page_size", "must be 1 to 1000, or 0 for 100");
  }
  RejectedCallbackQuery query;
  query.source = request.source();
  if (!request.page_token().empty()) {
    const std::optional<int64_t> after =
        ParseNumberedId(request.page_token(), kRejectedCallbackKind, store_id_());
    if (!after.has_value()) return InvalidField("page_token", "is not one that this service gave");
    query.after = *after;
  }
  const int page_size = request.page_size() == 0 ? kDefaultPageSize : request.page_size();
  query.max_callbacks = page_size + 1;  // one more shows whether there is another page
  const auto found = ReadPage(std::move(query));
  if (!found.ok()) return found.status();
  for (const RejectedCallback& rejected : *found) {
    if (response.rejected_callbacks_size() == page_size) {
      response.set_next_page_token(
          response.rejected_callbacks(page_size - 1).rejected_callback_id());
      break;
    }
    Fill(rejected, *response.add_rejected_callbacks());
  }
  return absl::OkStatus();
}

absl::Status RejectedCallbackCalls::Get(const v1::GetRejectedCallbackRequest& request,
                                        v1::GetRejectedCallbackResponse& response) {
  const std::optional<int64_t> id =
      ParseNumberedId(request.rejected_callback_id(), kRejectedCallbackKind, store_id_());
  if (!id.has_value()) return absl::NotFoundError("no rejected callback has this id");
  absl::StatusOr<RejectedCallback> found = ReadOne(*id);
  if (!found.ok()) return found.status();
  Fill(*found, *response.mutable_rejected_callback());
  response.set_raw_body(std::move(found->callback.raw_body));
  return absl::OkStatus();
}

template <typename Texts>
RejectedCallbackCalls::Ids RejectedCallbackCalls::Named(
    const Texts& texts, google::protobuf::RepeatedPtrField<std::string>& unknown) const {
  Ids ids;
  std::set<absl::string_view> seen;
  for (const std::string& text : texts) {
    if (!seen.insert(text).second) continue;
    const std::optional<int64_t> id = ParseNumberedId(text, kRejectedCallbackKind, store_id_());
    if (id.has_value()) {
      ids.push_back(*id);
    } else {
      *unknown.Add() = text;
    }
  }
  return ids;
}

absl::StatusOr<RejectedCallbackCalls::Pass> RejectedCallbackCalls::PassOf(
    const std::string& page_token) {
  Pass pass;
  if (!page_token.empty()) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(page_token, absl::MaxSplits(kTokenSeparator, 1));
    const auto after = ParseNumberedId(parts.first, kRejectedCallbackKind, store_id_());
    const auto last = ParseNumberedId(parts.second, kRejectedCallbackKind, store_id_());
    if (!after.has_value() || !last.has_value()) {
      return InvalidField("page_token", "is not one that this method gave");
    }
    return Pass{*after, *last};
  }
  for (bool more = true; more;) {
    const auto page = ReadPage({"", pass.last, kLargestPageSize});
    if (!page.ok()) return page.status();
    more = page->size() == static_cast<size_t>(kLargestPageSize);
    if (!page->empty()) pass.last = page->back().id;
  }
  return pass;
}

std::string RejectedCallbackCalls::TokenOf(const Pass& pass) const {
  return absl::StrCat(IdText(pass.after), std::string(1, kTokenSeparator), IdText(pass.last));
}

absl::StatusOr<RejectedCallbackCalls::Ids> RejectedCallbackCalls::NextOf(const Pass& pass) {
  const auto page = ReadPage({"", pass.after, kMostIds});
  if (!page.ok()) return page.status();
  Ids ids;
  for (const RejectedCallback& rejected : *page) {
    if (rejected.id <= pass.last) ids.push_back(rejected.id);
  }
  return ids;
}

absl::Status RejectedCallbackCalls::JudgeOne(int64_t id,
                                             v1::ReparseRejectedCallbacksResponse& response,
                                             Ids& passed) {
  const absl::StatusOr<RejectedCallback> rejected = ReadOne(id);
  // A pass over all is not to end at one that nothing will ever mend.
  if (absl::IsDataLoss(rejected.status())) {
    v1::ReparseRejectedCallbacksResponse::Refusal& refusal = *response.add_refusals();
    refusal.set_rejected_callback_id(IdText(id));
    refusal.set_detail("its stored bytes do not fit their checksum");
    return absl::OkStatus();
  }
  if (!rejected.ok()) return rejected.status();
  const absl::StatusOr<Judgement> judgement = judge_->Judge(*rejected);
  if (!judgement.ok()) return judgement.status();
  if (judgement->event_id.empty()) {
    v1::ReparseRejectedCallbacksResponse::Refusal& refusal = *response.add_refusals();
    refusal.set_rejected_callback_id(IdText(id));
    refusal.set_reason(judgement->reason);
    refusal.set_detail(TellableDetail(judgement->detail));
  } else {
    response.add_event_ids(judgement->event_id);
    passed.push_back(id);
  }
  return absl::OkStatus();
}

absl::StatusOr<RejectedCallbackCalls::Judged> RejectedCallbackCalls::JudgeEach(
    const Ids& ids, const Abandoned& abandoned, v1::ReparseRejectedCallbacksResponse& response) {
  const absl::Duration begun = clock_->Elapsed();
  Judged judged;
  Ids passed;
  for (const int64_t id : ids) {
    if (judged.count > 0 && (abandoned() || clock_->Elapsed() - begun >= kLongestCall)) break;
    const absl::Status status = JudgeOne(id, response, passed);
    if (absl::IsNotFound(status)) {
      judged.gone.push_back(id);
    } else if (!status.ok()) {
      // With its id, so that one that cannot be read can be discarded.
      if (judged.count == 0) {
        return absl::Status(status.code(), absl::StrCat(IdText(id), ": ", status.message()));
      }
      break;
    }
    ++judged.count;
  }
  if (passed.empty()) return judged;
  // The events are durable: what is not removed now is judged once more, to the same events.
  const absl::StatusOr<Ids> gone = Remove(passed);
  if (!gone.ok()) return gone.status();
  return judged;
}

absl::Status RejectedCallbackCalls::Reparse(const v1::ReparseRejectedCallbacksRequest& request,
                                            v1::ReparseRejectedCallbacksResponse& response,
                                            const Abandoned& abandoned) {
  if (judge_ == nullptr) return absl::UnimplementedError("this gateway takes no callbacks");
  if (absl::Status wrong = CheckSelection(request); !wrong.ok()) return wrong;
  if (!request.all()) {
    const Ids ids = Named(request.rejected_callback_ids(), *response.mutable_unknown_ids());
    const absl::StatusOr<Judged> judged = JudgeEach(ids, abandoned, response);
    if (!judged.ok()) return judged.status();
    for (const int64_t id : judged->gone) response.add_unknown_ids(IdText(id));
    for (size_t i = judged->count; i < ids.size(); ++i) response.add_unjudged_ids(IdText(ids[i]));
    return absl::OkStatus();
  }
  absl::StatusOr<Pass> pass = PassOf(request.page_token());
  if (!pass.ok()) return pass.status();
  const absl::StatusOr<Ids> ids = NextOf(*pass);
  if (!ids.ok()) return ids.status();
  if (ids->empty()) return absl::OkStatus();
  const absl::StatusOr<Judged> judged = JudgeEach(*ids, abandoned, response);
  if (!judged.ok()) return judged.status();
  pass->after = (*ids)[judged->count - 1];
  if (pass->after < pass->last) response.set_next_page_token(TokenOf(*pass));
  return absl::OkStatus();
}

absl::Status RejectedCallbackCalls::DiscardNext(Pass& pass,
                                                v1::DiscardRejectedCallbacksResponse& response) {
  const absl::StatusOr<Ids> ids = NextOf(pass);
  if (!ids.ok()) return ids.status();
  if (!ids->empty()) {
    const absl::StatusOr<Ids> gone = Remove(*ids);
    if (!gone.ok()) return gone.status();
    response.set_discarded(response.discarded() + static_cast<int64_t>(ids->size() - gone->size()));
  }
  pass.after = ids->empty() ? pass.last : ids->back();
  return absl::OkStatus();
}

absl::Status RejectedCallbackCalls::DiscardAll(Pass pass, const Abandoned& abandoned,
                                               v1::DiscardRejectedCallbacksResponse& response) {
  const absl::Duration begun = clock_->Elapsed();
  // An error is the call's only if nothing was done before it.
  if (absl::Status first = DiscardNext(pass, response); !first.ok()) return first;
  while (pass.after < pass.last && !abandoned() && clock_->Elapsed() - begun < kLongestCall) {
    if (!DiscardNext(pass, response).ok()) break;
  }
  if (pass.after < pass.last) response.set_next_page_token(TokenOf(pass));
  return absl::OkStatus();
}

absl::Status RejectedCallbackCalls::Discard(const v1::DiscardRejectedCallbacksRequest& request,
                                            v1::DiscardRejectedCallbacksResponse& response,
                                            const Abandoned& abandoned) {
  if (absl::Status wrong = CheckSelection(request); !wrong.ok()) return wrong;
  if (request.all()) {
    const absl::StatusOr<Pass> pass = PassOf(request.page_token());
    return pass.ok() ? DiscardAll(*pass, abandoned, response) : pass.status();
  }
  const Ids ids = Named(request.rejected_callback_ids(), *response.mutable_unknown_ids());
  if (ids.empty()) return absl::OkStatus();
  const absl::StatusOr<Ids> gone = Remove(ids);
  if (!gone.ok()) return gone.status();
  for (const int64_t id : *gone) response.add_unknown_ids(IdText(id));
  response.set_discarded(static_cast<int64_t>(ids.size() - gone->size()));
  return absl::OkStatus();
}

}  // namespace onhook
