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
// Of how many one is repeated once it is accepted, is repeated over another connection while it is
// under way, and has a wrong one behind it.
constexpr int64_t kRepeatedOneOf = 8;
constexpr int64_t kDoubledOneOf = 5;
constexpr int64_t kWrongOneOf = 16;
constexpr int64_t kNonceOfWrong = 1'000'000'000'000;  // and more

bool SaysClose(const RawAnswer& answer) {
  return absl::StrContains(absl::AsciiStrToLower(answer.head), "\r\nconnection: close\r\n");
}

}  // namespace

std::string CallbackLoad::RequestFor(absl::string_view body) {
  return absl::StrCat("POST /release-events HTTP/1.1\r\nHost: gateway\r\nContent-Length: ",
                      body.size(), "\r\n\r\n", body);
}

CallbackAnswer CallbackLoad::Understand(const RawAnswer& answer) {
  if (answer.status == 0) return CallbackAnswer::kNone;
  const auto has = [&](absl::string_view ret_code) {
    return absl::StrContains(answer.body, absl::StrCat(R"("retCode":")", ret_code, "\""));
  };
  if (answer.status == 200 && has("0")) return CallbackAnswer::kAccepted;
  if (answer.status == 503 && has("2")) return CallbackAnswer::kNotForwarded;
  if (answer.status == 503 && has("3")) return CallbackAnswer::kNotStored;
  if (answer.status >= 400 && has("1")) return CallbackAnswer::kRefused;
  return CallbackAnswer::kOther;
}

CallbackLoad::CallbackLoad(const GatewayAddress* address, VendorBooks* books, int connections,
                           int64_t callbacks, std::string key)
    : address_(address),
      books_(books),
      key_(std::move(key)),
      callbacks_left_(callbacks),
      under_way_(static_cast<size_t>(connections), kNone),
      posting_(connections) {
  for (size_t i = 0; i < under_way_.size(); ++i) threads_.emplace_back([this, i] { Post(i); });
}

CallbackLoad::~CallbackLoad() {
  Finish(absl::ZeroDuration());
  for (std::thread& thread : threads_) thread.join();
}

void CallbackLoad::SignWith(std::string key) {
  absl::MutexLock lock(&mutex_);
  key_ = std::move(key);
}

std::string CallbackLoad::key() const {
  absl::MutexLock lock(&mutex_);
  return key_;
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

void CallbackLoad::Post(size_t place) {
  int64_t number = kNone;
  int generation = 0;
  while (const auto ports = address_->WaitForLaterThan(generation)) {
    generation = ports->generation;
    bool more = true;
    while (more && address_->LeadsTo(generation)) {
      RawHttpClient connection(ports->http);
      if (!connection.connected()) break;
      more = PostOver(connection, place, number);
    }
    if (!more) break;
  }
  absl::MutexLock lock(&mutex_);
  --posting_;
}

bool CallbackLoad::PostOver(RawHttpClient& connection, size_t place, int64_t& number) {
  while (true) {
    if (number == kNone) number = NextNumber(place);
    if (number == kNone) return false;
    const int64_t posted = number;
    const std::string body = BodyFor(posted);
    const RawAnswer raw = connection.Send(RequestFor(body)).ReadAnswer();
    const CallbackAnswer answer = Understand(raw);
    if (answer == CallbackAnswer::kNone) CountUnanswered();
    books_->Replied(posted, answer);
    // What is refused for good would be refused again.
    const bool is_done = answer == CallbackAnswer::kAccepted || answer == CallbackAnswer::kRefused;
    if (is_done) number = kNone;
    if (answer == CallbackAnswer::kNone || SaysClose(raw)) return true;
    if (!is_done) continue;
    const bool is_altered = !key().empty() && posted % kAlteredOneOf == 0;
    if (is_altered && PostAltered(connection, body) == 0) return true;
    if (!PostAgain(connection, place, posted) || !PostWrong(connection, posted)) return true;
  }
}

bool CallbackLoad::PostAgain(RawHttpClient& connection, size_t place, int64_t number) {
  int64_t again = kNone;
  if (number % kRepeatedOneOf == 3) again = number;
  if (number % kDoubledOneOf == 1) {
    absl::MutexLock lock(&mutex_);
    again = under_way_[(place + 1) % under_way_.size()];
  }
  if (again == kNone) return true;
  const RawAnswer answer = connection.Send(RequestFor(BodyFor(again))).ReadAnswer();
  if (answer.status == 0) CountUnanswered();
  books_->Replied(again, Understand(answer));
  return answer.status != 0 && !SaysClose(answer);
}

bool CallbackLoad::PostWrong(RawHttpClient& connection, int64_t number) {
  if (number % kWrongOneOf != 7) return true;
  const std::string serial =
      absl::StrCat(R"("callSerialNo":")", books_->content().WrongSerialNo(number), "\"");
  // Without a called, or signed with another key.
  const std::string body = key().empty()
                               ? absl::StrCat("{", serial, "}")
                               : SignedCallback("no key of this source's", absl::Now(),
                                                absl::StrCat(kNonceOfWrong + number),
                                                absl::StrCat(serial, R"(,"called":"86139")"));
  const RawAnswer answer = connection.Send(RequestFor(body)).ReadAnswer();
  books_->RepliedToWrong(number, Understand(answer));
  return answer.status != 0 && !SaysClose(answer);
}

std::string CallbackLoad::WordsFor(const CallContent& content, int64_t number) {
  return absl::StrCat(
      R"("callSerialNo":")", content.CallSerialNo(number), R"(","serviceNo":null,"called":")",
      content.Called(number), R"(","callData":")", content.CallData(number),
      R"(","releaseTime":"2022/02/22,10:04:36:318","talkDuration":"6","releaseReason":")",
      content.ReleaseReason(number), "\"");
}

std::string CallbackLoad::UnsignedBody(const CallContent& content, int64_t number) {
  return absl::StrCat("{", WordsFor(content, number), "}");
}

std::string CallbackLoad::BodyFor(int64_t number) const {
  const std::string key = this->key();
  if (key.empty()) return UnsignedBody(books_->content(), number);
  return SignedCallback(key, absl::Now(), absl::StrCat(number),
                        WordsFor(books_->content(), number));
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

int64_t CallbackLoad::NextNumber(size_t place) {
  {
    absl::MutexLock lock(&mutex_);
    under_way_[place] = kNone;
    if (callbacks_left_ == 0) return kNone;
    --callbacks_left_;
  }
  const int64_t number = books_->Open();
  absl::MutexLock lock(&mutex_);
  under_way_[place] = number;
  return number;
}

void CallbackLoad::CountUnanswered() {
  absl::MutexLock lock(&mutex_);
  ++unanswered_;
}

}  // namespace onhook
