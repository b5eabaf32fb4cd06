#include "tests/crash/jetstream/fleet_load.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/crash/callback_load.h"

namespace onhook {
namespace {

// Of how many callbacks one is posted by somebody else at the same time, is repeated elsewhere as
// soon as it is accepted, and is repeated when this many have come after it.
constexpr int64_t kDoubledOneOf = 5;
constexpr int64_t kRepeatedOneOf = 8;
constexpr int64_t kLateOneOf = 8;
constexpr size_t kLateBehind = 200;

constexpr absl::Duration kPause = absl::Milliseconds(10);

std::string PathOf(const std::string& source) { return source.substr(source.find('/')); }

}  // namespace

FleetLoad::FleetLoad(const Options& options, CallLedger* ledger)
    : options_(options),
      ledger_(ledger),
      random_(options.seed),
      ports_(static_cast<size_t>(options.gateways)),
      places_(static_cast<size_t>(options.gateways * options.connections)),
      callbacks_left_(options.callbacks),
      next_at_(clock_.Elapsed()),
      posting_(options.gateways * options.connections) {
  for (size_t i = 0; i < places_.size(); ++i) {
    places_[i].own = i % ports_.size();
    places_[i].lines.resize(ports_.size());
  }
  for (size_t i = 0; i < places_.size(); ++i) threads_.emplace_back([this, i] { Run(i); });
}

FleetLoad::~FleetLoad() {
  {
    absl::MutexLock lock(&mutex_);
    callbacks_left_ = 0;
    ends_ = true;
  }
  for (std::thread& thread : threads_) thread.join();
}

void FleetLoad::Lead(int gateway, int port) {
  absl::MutexLock lock(&mutex_);
  ports_[static_cast<size_t>(gateway)] = port;
}

bool FleetLoad::Finish(absl::Duration timeout) {
  absl::MutexLock lock(&mutex_);
  callbacks_left_ = 0;
  const auto finished = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return posting_ == 0; };
  return mutex_.AwaitWithTimeout(absl::Condition(&finished), timeout);
}

FleetLoad::Figures FleetLoad::figures() const {
  absl::MutexLock lock(&mutex_);
  return figures_;
}

void FleetLoad::Run(size_t place) {
  Place& own = places_[place];
  while (true) {
    const int64_t number = NextNumber(place);
    if (number == kNone) break;
    PostUntilAccepted(own, number);
    PostAgain(own, number);
  }
  absl::MutexLock lock(&mutex_);
  --posting_;
}

void FleetLoad::PostUntilAccepted(Place& place, int64_t number) {
  size_t gateway = place.own;
  while (true) {
    const CallbackAnswer answer = Post(place, gateway, number);
    // What is refused for good would be refused again.
    if (answer == CallbackAnswer::kAccepted || answer == CallbackAnswer::kRefused) return;
    Rest();
    const size_t next = Draw() % 2 == 0 ? Another(gateway) : gateway;
    absl::MutexLock lock(&mutex_);
    if (ends_) return;
    figures_.repeats_elsewhere += next != gateway;
    gateway = next;
  }
}

void FleetLoad::PostAgain(Place& place, int64_t number) {
  const size_t elsewhere = Another(place.own);
  if (number % kDoubledOneOf == 1) {
    int64_t doubled = kNone;
    {
      absl::MutexLock lock(&mutex_);
      doubled = places_[random_() % places_.size()].under_way;
      figures_.doubled += doubled != kNone && doubled != number;
    }
    if (doubled != kNone) Post(place, place.own, doubled);
  }
  const bool at_once = number % kRepeatedOneOf == 3;
  const int64_t late = TakeLate(number % kLateOneOf == 5 ? number : kNone);
  for (const int64_t again : {at_once ? number : kNone, late}) {
    if (again == kNone) continue;
    Post(place, elsewhere, again);
    absl::MutexLock lock(&mutex_);
    ++figures_.accepted_repeated_elsewhere;
  }
}

CallbackAnswer FleetLoad::Post(Place& place, size_t gateway, int64_t number) {
  int port = 0;
  {
    absl::MutexLock lock(&mutex_);
    port = ports_[gateway];
    ++figures_.posts;
  }
  Line& line = place.lines[gateway];
  if (port == 0) return CallbackAnswer::kNone;  // there is nobody to be asked
  if (line.connection == nullptr || line.port != port) {
    line = {port, std::make_unique<RawHttpClient>(port)};
  }
  const RawAnswer raw = line.connection->Send(RequestFor(number)).ReadAnswer();
  const CallbackAnswer answer = CallbackLoad::Understand(raw);
  if (raw.status == 0 ||
      absl::StrContains(absl::AsciiStrToLower(raw.head), "\r\nconnection: close\r\n")) {
    line.connection = nullptr;
  }
  ledger_->Replied(number, answer);
  return answer;
}

std::string FleetLoad::RequestFor(int64_t number) const {
  const std::string& source =
      options_.sources[static_cast<size_t>(number) % options_.sources.size()];
  const std::string body = CallbackLoad::UnsignedBody(ledger_->content(), number);
  return absl::StrCat("POST ", PathOf(source),
                      " HTTP/1.1\r\nHost: gateway\r\nContent-Length: ", body.size(), "\r\n\r\n",
                      body);
}

int64_t FleetLoad::NextNumber(size_t place) {
  {
    absl::MutexLock lock(&mutex_);
    places_[place].under_way = kNone;
    if (options_.each_second > 0) {
      const absl::Duration turn = next_at_;
      next_at_ = std::max(next_at_, clock_.Elapsed()) + absl::Seconds(1) / options_.each_second;
      const auto finishing = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
        return callbacks_left_ == 0;
      };
      mutex_.AwaitWithTimeout(absl::Condition(&finishing), turn - clock_.Elapsed());
    }
    if (callbacks_left_ == 0) return kNone;
    --callbacks_left_;
  }
  const int64_t number = ledger_->Open();
  absl::MutexLock lock(&mutex_);
  places_[place].under_way = number;
  return number;
}

int64_t FleetLoad::TakeLate(int64_t number) {
  absl::MutexLock lock(&mutex_);
  if (number != kNone) late_.push_back(number);
  if (late_.size() <= kLateBehind / kLateOneOf) return kNone;
  const int64_t late = late_.front();
  late_.pop_front();
  return late;
}

size_t FleetLoad::Another(size_t gateway) {
  const size_t gateways = static_cast<size_t>(options_.gateways);
  if (gateways == 1) return gateway;
  return (gateway + 1 + Draw() % (gateways - 1)) % gateways;
}

void FleetLoad::Rest() {
  absl::MutexLock lock(&mutex_);
  mutex_.AwaitWithTimeout(absl::Condition(&ends_), kPause);
}

uint64_t FleetLoad::Draw() {
  absl::MutexLock lock(&mutex_);
  return random_();
}

}  // namespace onhook
