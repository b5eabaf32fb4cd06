#ifndef ONHOOK_GATEWAY_EVENT_SHA256_H_
#define ONHOOK_GATEWAY_EVENT_SHA256_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace onhook {

constexpr size_t kSha256Size = 32;

// SHA-256 of `text`, kSha256Size bytes. A pure function. Threads: any. Blocking: never. Errors:
// none.
std::string Sha256(absl::string_view text);

// SHA-256 of what comes in parts. A copy goes on from where the other was. Threads: one at a time.
// Blocking: never. Errors: none.
class Sha256Sum {
 public:
  Sha256Sum();
  Sha256Sum(const Sha256Sum& other);
  Sha256Sum& operator=(const Sha256Sum&) = delete;
  ~Sha256Sum();

  void Add(absl::string_view part);
  // kSha256Size bytes. To be called once, last.
  std::string Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_EVENT_SHA256_H_
