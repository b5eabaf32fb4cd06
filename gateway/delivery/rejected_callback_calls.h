#ifndef ONHOOK_GATEWAY_DELIVERY_REJECTED_CALLBACK_CALLS_H_
#define ONHOOK_GATEWAY_DELIVERY_REJECTED_CALLBACK_CALLS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gateway/base/clock.h"
#include "gateway/forwarding/callback_judge.h"
#include "gateway/store/quarantine.h"
#include "onhook/v1/rejected_callback_service.pb.h"

namespace onhook {

// What RejectedCallbackService does, free of gRPC.
//
// Reparse and Discard of many are cut into calls of a few seconds each, so that a client's deadline
// is met and others get their turn. They are passes over the ids that existed when they began: what
// is refused meanwhile cannot keep them going for ever.
//
// Promises: a rejected callback leaves the quarantine only after its event is durable, or because
// it was discarded. Either some of what was asked is done and the answer tells what, or an error.
// Threads: any; Reparse and Discard one at a time, since one could judge what another is about to
// discard. Blocking: every method, for the disk; so not for gRPC's threads. Errors: as
// SubscriptionCalls.
class RejectedCallbackCalls {
 public:
  // Whether nobody waits for the answer any more.
  using Abandoned = std::function<bool()>;
  using StoreId = std::function<std::string()>;

  // The pointers must outlive this. Without `judge`, Reparse is kUnimplemented.
  // `store_id` is asked when it is needed, since a store may be reached late.
  RejectedCallbackCalls(Quarantine* quarantine, StoreId store_id, CallbackJudge* judge,
                        const Clock* clock)
      : quarantine_(quarantine), store_id_(std::move(store_id)), judge_(judge), clock_(clock) {}

  absl::Status List(const v1::ListRejectedCallbacksRequest& request,
                    v1::ListRejectedCallbacksResponse& response);
  absl::Status Get(const v1::GetRejectedCallbackRequest& request,
                   v1::GetRejectedCallbackResponse& response);
  absl::Status Reparse(const v1::ReparseRejectedCallbacksRequest& request,
                       v1::ReparseRejectedCallbacksResponse& response, const Abandoned& abandoned);
  absl::Status Discard(const v1::DiscardRejectedCallbacksRequest& request,
                       v1::DiscardRejectedCallbacksResponse& response, const Abandoned& abandoned);

 private:
  using Ids = std::vector<int64_t>;
  // All that existed when it began, and how far it has come.
  struct Pass {
    int64_t after = 0;
    int64_t last = 0;
  };
  struct Judged {
    size_t count = 0;  // of the ids, from the first: what became of them is known
    Ids gone;          // of these: no longer there
  };

  // The ids that `texts` name, each once; what names none is appended to `unknown`.
  template <typename Texts>
  Ids Named(const Texts& texts, google::protobuf::RepeatedPtrField<std::string>& unknown) const;
  absl::StatusOr<Pass> PassOf(const std::string& page_token);
  // The next 1,000 at most; empty: it is over.
  absl::StatusOr<Ids> NextOf(const Pass& pass);
  std::string TokenOf(const Pass& pass) const;

  // Judges `ids` until something stops it, and removes those that passed. An error if that was so
  // at the first id, or in removing.
  absl::StatusOr<Judged> JudgeEach(const Ids& ids, const Abandoned& abandoned,
                                   v1::ReparseRejectedCallbacksResponse& response);
  // Judges one. Also kNotFound. An id that passed is appended to `passed`.
  absl::Status JudgeOne(int64_t id, v1::ReparseRejectedCallbacksResponse& response, Ids& passed);
  // Discards the next 1,000 at most, and moves `pass` behind them.
  absl::Status DiscardNext(Pass& pass, v1::DiscardRejectedCallbacksResponse& response);
  absl::Status DiscardAll(Pass pass, const Abandoned& abandoned,
                          v1::DiscardRejectedCallbacksResponse& response);

  absl::StatusOr<std::vector<RejectedCallback>> ReadPage(RejectedCallbackQuery query);
  absl::StatusOr<RejectedCallback> ReadOne(int64_t id);
  absl::StatusOr<Ids> Remove(const Ids& ids);
  std::string IdText(int64_t id) const;
  void Fill(const RejectedCallback& rejected, v1::RejectedCallback& told) const;

  Quarantine* const quarantine_;
  const StoreId store_id_;
  CallbackJudge* const judge_;
  const Clock* const clock_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_REJECTED_CALLBACK_CALLS_H_
