#ifndef ONHOOK_GATEWAY_STORE_EMBEDDED_EMBEDDED_QUARANTINE_H_
#define ONHOOK_GATEWAY_STORE_EMBEDDED_EMBEDDED_QUARANTINE_H_

#include <vector>

#include "absl/status/status.h"
#include "gateway/store/quarantine.h"

namespace onhook {

// The Quarantine of the embedded engines.
class EmbeddedQuarantine final : public Quarantine {
 public:
  void Keep(NewRejectedCallback, Done<int64_t> done) override { done(Absent()); }
  void List(RejectedCallbackQuery, Done<std::vector<RejectedCallback>> done) override {
    done(Absent());
  }
  void Get(int64_t, Done<RejectedCallback> done) override { done(Absent()); }
  void Discard(std::vector<int64_t>, Done<std::vector<int64_t>> done) override { done(Absent()); }

 private:
  static absl::Status Absent() { return absl::UnavailableError("no quarantine yet"); }
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_EMBEDDED_EMBEDDED_QUARANTINE_H_
