#include "tests/crash/rotate_keys_fault.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gateway/base/clock.h"
#include "gtest/gtest.h"
#include "tests/crash/crash_run.h"
#include "tests/support/raw_http_client.h"
#include "tests/support/signed_callback.h"

namespace onhook {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr absl::Duration kBetweenLooks = absl::Milliseconds(50);

class RotateKeysFault final : public Fault {
 public:
  absl::string_view name() const override { return "rotate_keys"; }
  // A signature's time is refused by who has another.
  std::vector<std::string> Excludes() const override { return {"clock"}; }

  void Begin(CrashRun& run) override { run.PlaceKeys(Key(0), Key(0)); }

  void Strike(CrashRun& run) override {
    const std::string old_key = Key(rotations_);
    const std::string new_key = Key(++rotations_);
    run.PlaceKeys(old_key, old_key);
    run.PlaceKeys(new_key, old_key);
    const absl::Duration given_up = clock_.Elapsed() + kPatience;
    while (!Knows(run, new_key)) {
      ASSERT_LT(clock_.Elapsed(), given_up) << "the new key is not taken:\n" << run.gateway().log();
      ASSERT_FALSE(run.RunsFor(kBetweenLooks).has_value()) << run.gateway().log();
    }
    run.vendor().SignWith(new_key);
  }

 private:
  static std::string Key(int64_t number) {
    return absl::StrCat("the key of rotation ", number, " of a run");
  }

  // A callback that lacks what it must have is refused in another way if its signature verifies.
  bool Knows(CrashRun& run, const std::string& key) {
    const std::string body = SignedCallback(key, absl::Now(), "1", R"("callSerialNo":"probe")");
    return RawHttpClient(run.gateway().http_port())
               .Send(absl::StrCat("POST /release-events HTTP/1.1\r\nHost: gateway\r\n",
                                  "Content-Length: ", body.size(), "\r\n\r\n", body))
               .ReadAnswer()
               .status == 400;
  }

  const SystemClock clock_;
  int64_t rotations_ = 0;
};

}  // namespace

std::unique_ptr<Fault> MakeRotateKeysFault() { return std::make_unique<RotateKeysFault>(); }

}  // namespace onhook
