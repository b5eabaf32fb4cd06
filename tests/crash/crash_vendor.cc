// The vendor as a process of its own, so that a test can stop it: posts callbacks until it is told
// to finish, and says what it was answered.
//
//   crash_vendor RUN CONNECTIONS [KEY]
//
// With a KEY it signs. What it says and hears: vendor_lines.h.
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "tests/crash/callback_load.h"
#include "tests/crash/gateway_address.h"
#include "tests/crash/vendor_books.h"
#include "tests/crash/vendor_lines.h"
#include "tests/support/say_line.h"

namespace onhook {
namespace {

// Tells what is to be written down to the test, which has the ledger.
class SpokenBooks final : public VendorBooks {
 public:
  explicit SpokenBooks(std::string run) : content_(std::move(run)) {}

  const CallContent& content() const override { return content_; }
  int64_t Open() override {
    absl::MutexLock lock(&mutex_);
    SayLine(absl::StrCat(vendor_lines::kOpened, " ", opened_, " ",
                         absl::ToInt64Nanoseconds(clock_.Elapsed())));
    return opened_++;
  }
  void Replied(int64_t number, CallbackAnswer answer) override {
    SayLine(absl::StrCat(vendor_lines::kReplied, " ", number, " ", static_cast<int>(answer)));
  }
  void RepliedToWrong(int64_t number, CallbackAnswer answer) override {
    SayLine(absl::StrCat(vendor_lines::kWrong, " ", number, " ", static_cast<int>(answer)));
  }

 private:
  const CallContent content_;
  const SystemClock clock_;
  absl::Mutex mutex_;
  int64_t opened_ ABSL_GUARDED_BY(mutex_) = 0;
};

void Post(const std::string& run, int connections, const std::string& key) {
  SpokenBooks books(run);
  GatewayAddress address;
  CallbackLoad load(&address, &books, connections, std::numeric_limits<int64_t>::max(), key);
  std::thread finishing;
  std::string line;
  while (std::getline(std::cin, line)) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    int port = 0;
    if (words[0] == vendor_lines::kGateway && words.size() == 3 &&
        absl::SimpleAtoi(words[2], &port)) {
      address.Publish(port, /*grpc=*/0);
    } else if (absl::string_view next = line; absl::ConsumePrefix(&next, vendor_lines::kKey)) {
      load.SignWith(std::string(next));
    } else if (words[0] == vendor_lines::kFinish && !finishing.joinable()) {
      // Goes on listening, for gateways that are still to come.
      finishing = std::thread([&load] {
        load.Finish(absl::InfiniteDuration());
        SayLine(absl::StrCat(vendor_lines::kFinished, " ", load.altered().refused, " ",
                             load.altered().others));
      });
    }
  }
  _exit(1);  // the test is gone
}

}  // namespace
}  // namespace onhook

int main(int argc, char** argv) {
  int connections = 0;
  if (argc < 3 || !absl::SimpleAtoi(argv[2], &connections)) {
    std::cerr << "usage: crash_vendor RUN CONNECTIONS [KEY]\n";
    return 2;
  }
  onhook::Post(argv[1], connections, argc > 3 ? argv[3] : "");
}
