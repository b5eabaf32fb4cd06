#ifndef ONHOOK_TESTS_CRASH_CALLBACK_LOAD_H_
#define ONHOOK_TESTS_CRASH_CALLBACK_LOAD_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tests/crash/gateway_address.h"
#include "tests/crash/vendor_books.h"
#include "tests/support/raw_http_client.h"

namespace onhook {

// The vendor's part: threads that post callbacks over keep-alive connections, each the next one as
// soon as the last was accepted. What was not answered with retCode "0" is repeated, to the next
// gateway if this one is gone. Now and then it repeats what was accepted, or what another
// connection is just posting, as a vendor does whose answer came too late; and it posts one that is
// wrong.
//
// Threads: its own, beside the owner's. Blocking: Finish(), and the destructor until the answers
// under way have come or their connections have ended.
class CallbackLoad {
 public:
  // `address` and `books` must outlive the load. Posts at most `callbacks` distinct ones. With a
  // `key` each is signed, and behind some of them comes what an attacker makes of it: a copy that
  // differs where the signature does not look.
  CallbackLoad(const GatewayAddress* address, VendorBooks* books, int connections,
               int64_t callbacks, std::string key = "");
  // The address must be closed, or Finish() have said true.
  ~CallbackLoad();

  // What it posts, and what it makes of an answer: for others who post the same. Pure.
  static std::string UnsignedBody(const CallContent& content, int64_t number);
  static std::string RequestFor(absl::string_view body);
  static CallbackAnswer Understand(const RawAnswer& answer);

  // From the next post on.
  void SignWith(std::string key);
  // Begins no further callback, and repeats those begun until each was accepted. False: not before
  // `timeout`.
  bool Finish(absl::Duration timeout);

  // Callbacks that were posted and not answered, because the connection ended.
  int64_t unanswered() const;

  // Altered copies that were answered with 403, and with anything else.
  struct Altered {
    int64_t refused = 0;
    int64_t others = 0;
  };
  Altered altered() const;

 private:
  static constexpr int64_t kNone = -1;

  // The thread of this place among them.
  void Post(size_t place);
  // Posts over one connection until that ends or there is nothing more to do. False: the latter.
  bool PostOver(RawHttpClient& connection, size_t place, int64_t& number);
  // Posts the callback once more, or another one's that is under way. False: the connection ended.
  bool PostAgain(RawHttpClient& connection, size_t place, int64_t number);
  // Posts one that must be refused. False: the connection has ended.
  bool PostWrong(RawHttpClient& connection, int64_t number);
  static std::string WordsFor(const CallContent& content, int64_t number);
  std::string BodyFor(int64_t number) const;
  // Empty: it does not sign.
  std::string key() const;
  // Posts the altered copy. Returns the answer's status; 0: the connection has ended.
  int PostAltered(RawHttpClient& connection, const std::string& body);
  int64_t NextNumber(size_t place);
  void CountUnanswered();

  const GatewayAddress* const address_;
  VendorBooks* const books_;
  mutable absl::Mutex mutex_;
  std::string key_ ABSL_GUARDED_BY(mutex_);
  int64_t callbacks_left_ ABSL_GUARDED_BY(mutex_);
  int64_t unanswered_ ABSL_GUARDED_BY(mutex_) = 0;
  Altered altered_ ABSL_GUARDED_BY(mutex_);
  std::vector<int64_t> under_way_ ABSL_GUARDED_BY(mutex_);  // by place
  int posting_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_CALLBACK_LOAD_H_
