#include "tests/crash/callback_load.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "tests/support/signed_callback.h"

namespace onhook {
namespace {

// Of how many callbacks one is altered.
constexpr int64_t kAlteredOneOf = 4;

std::string RequestFor(absl::string_view body) {
  return absl::StrCat("POST /release-events HTTP/1.1\r\nHost: gateway\r\nContent-Length: ",
                      body.size(), "\r\n\r\n", body);
}

bool SaysClose(const RawAnswer& answer) {
  return absl::StrContains(absl::AsciiStrToLower(answer.head), "\r\nconnection: close\r\n");
}

}  // namespace

CallbackLoad::CallbackLoad(const GatewayAddress* address, CallLedger* ledger, int connections,
                           int64_t callbacks, std::string key)
    : address_(address),
      ledger_(ledger),
      key_(std::move(key)),
      callbacks_left_(callbacks),
      posting_(connections) {
  for (int i = 0; i < connections; ++i) threads_.emplace_back([this] { Post(); });
}

CallbackLoad::~CallbackLoad() {
  Finish(absl::ZeroDuration());
  for (std::thread& thread : threads_) thread.join();
}

bool CallbackLoad::Finish(absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  callbacks_left_ = 0;
  const auto finished = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return posting_ == 0; };
  return mutex_.AwaitWithTimeout(absl::Condition(&finished), timeout);
}

int64_t CallbackLoad::unanswered() const {
  absl::MutexLock lock(&mutex_);
  return unanswered_;
}

void CallbackLoad::Post() {
  int64_t number = kNone;
  int generation = 0;
  while (const auto ports = address_->WaitForLaterThan(generation)) {
    generation = ports->generation;
    bool more = true;
    while (more && address_->LeadsTo(generation)) {
      RawHttpClient connection(ports->http);
      if (!connection.connected()) break;
      more = PostOver(connection, number);
    }
    if (!more) break;
  }
  absl::MutexLock lock(&mutex_);
  --posting_;
}

bool CallbackLoad::PostOver(RawHttpClient& connection, int64_t& number) {
  while (true) {
    if (number == kNone) number = NextNumber();
    if (number == kNone) return false;
    const std::string body = BodyFor(number);
    const RawAnswer answer = connection.Send(RequestFor(body)).ReadAnswer();
    const bool is_altered = !key_.empty() && number % kAlteredOneOf == 0;
    const bool accepted = Accepts(answer, number);
    if (accepted) number = kNone;
    if (answer.status == 0 || SaysClose(answer)) return true;
    if (accepted && is_altered && PostAltered(connection, body) == 0) return true;
  }
}

std::string CallbackLoad::BodyFor(int64_t number) const {
  const std::string words = absl::StrCat(
      R"("callSerialNo":")", ledger_->CallSerialNo(number), R"(","serviceNo":null,"called":")",
      ledger_->Called(number), R"(","callData":")", ledger_->CallData(number),
      R"(","releaseTime":"2022/02/22,10:04:36:318","talkDuration":"6","releaseReason":")",
      ledger_->ReleaseReason(number), "\"");
  if (key_.empty()) return absl::StrCat("{", words, "}");
  return SignedCallback(key_, absl::Now(), absl::StrCat(number), words);
}

int CallbackLoad::PostAltered(RawHttpClient& connection, const std::string& body) {
  const std::string copy = absl::StrReplaceAll(body, {{R"("callData":")", R"("callData":" )"}});
  const RawAnswer answer = connection.Send(RequestFor(copy)).ReadAnswer();
  absl::MutexLock lock(&mutex_);
  // One that could not be kept or judged is to come again.
  if (answer.status == 403) {
    ++altered_.refused;
  } else if (answer.status != 0 && answer.status != 503) {
    ++altered_.others;
  }
  return SaysClose(answer) ? 0 : answer.status;
}

CallbackLoad::Altered CallbackLoad::altered() const {
  absl::MutexLock lock(&mutex_);
  return altered_;
}

int64_t CallbackLoad::NextNumber() {
  {
    absl::MutexLock lock(&mutex_);
    if (callbacks_left_ == 0) return kNone;
    --callbacks_left_;
  }
  return ledger_->Open();
}

bool CallbackLoad::Accepts(const RawAnswer& answer, int64_t number) {
  if (answer.status == 0) {
    absl::MutexLock lock(&mutex_);
    ++unanswered_;
    return false;
  }
  const bool accepted = answer.status == 200 && absl::StrContains(answer.body, R"("retCode":"0")");
  const bool stored = answer.status == 503 && absl::StrContains(answer.body, R"("retCode":"2")");
  if (accepted || stored) ledger_->Promised(number);
  return accepted;
}

}  // namespace onhook
