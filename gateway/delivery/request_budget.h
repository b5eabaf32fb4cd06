#ifndef ONHOOK_GATEWAY_DELIVERY_REQUEST_BUDGET_H_
#define ONHOOK_GATEWAY_DELIVERY_REQUEST_BUDGET_H_

#include <cstddef>
#include <string>
#include <vector>

#include "gateway/config/delivery_options.h"

namespace onhook {

// How much of one stream's requests may be in memory: those that wait for the store, and answers
// that wait for the client. By number and by bytes, since one request may name a single delivery or
// ten thousand.
//
// Threads: none of its own; its stream's lock guards it. Blocking: never.
class RequestBudget {
 public:
  explicit RequestBudget(const DeliveryOptions& options)
      : max_requests_(static_cast<size_t>(options.max_requests_under_way)),
        max_bytes_(options.max_unanswered_bytes) {}

  // About what a request with these ids takes in memory: they are kept for the answer, and what the
  // store decides about each takes as much again.
  static size_t CostOf(const std::vector<std::string>& delivery_ids) {
    size_t bytes = 0;
    for (const std::string& id : delivery_ids) bytes += 2 * (sizeof(std::string) + id.size());
    return bytes;
  }

  // A request of this cost is under way, until End with the same cost.
  void Begin(size_t cost) {
    ++requests_;
    bytes_ += cost;
  }
  void End(size_t cost) {
    --requests_;
    bytes_ -= cost;
  }
  bool none_under_way() const { return requests_ == 0; }

  // Whether one more may be read, while so many answers of so many bytes wait to be written. One
  // request is let through whatever its size.
  bool HasRoom(size_t answers, size_t answer_bytes) const {
    return requests_ + answers < max_requests_ && bytes_ + answer_bytes < max_bytes_;
  }

 private:
  const size_t max_requests_;
  const size_t max_bytes_;
  size_t requests_ = 0;
  size_t bytes_ = 0;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_REQUEST_BUDGET_H_
