// A consumer of a subscription that does everything a consumer may do, at random, and says what it
// does. Runs as a process of its own, so that a test can kill and stop it.
//
//   chaos_consumer SUBSCRIPTION NAME SEED MANNER [CALL]
//
// MANNER is one of
//   wild      anything, until it is told to behave
//   careless  as wild, and it forgets deliveries too, so that their deadlines expire; some events
//             it never acks
//   leaving   acks what comes but for a few on each stream, whose deadlines, a second, expire;
//   until
//             it is told to behave
//   holding   takes all it is given and settles none of it, until it is told to behave
//   calm      acks what comes
//   nacking   works on what comes for a while, then acks it; but the event of CALL it nacks
//   dying     the same, but the event of CALL kills it, with all that it has in hand
//
// Those that leave or hold create their subscription if it is missing, with attempts without limit.
//
// What it says and hears: consumer_lines.h.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "tests/chaos/consumer_lines.h"
#include "tests/chaos/consumer_stream.h"

namespace onhook {
namespace {

using Held = ConsumerStream::Held;

// What is remembered of deliveries that are over, to ack them late.
constexpr size_t kMostRemembered = 500;
// Of the events that a careless consumer gets.
constexpr size_t kDislikedOneIn = 50;
// Between two doings, at most.
constexpr absl::Duration kPause = absl::Milliseconds(20);
// One delivery in so many a leaving one leaves, and no more than these: a stream's window is 1,000.
constexpr uint64_t kLeftOneIn = 50;
constexpr size_t kLeftMost = 200;
// On each handful of deliveries.
constexpr absl::Duration kWork = absl::Milliseconds(5);
constexpr absl::Duration kAloneBeforeDeath = absl::Milliseconds(200);
// Before another try to connect, unless a new gateway is announced.
constexpr absl::Duration kReconnectPause = absl::Milliseconds(50);

// What the test wants, read from standard input by a thread of its own.
class Orders {
 public:
  struct Gateway {
    int generation = 0;
    int port = 0;
  };

  Orders() {
    std::thread([this] { Read(); }).detach();
  }

  // The newest gateway, once there is one. Blocking: until there is, or the consumer is to leave.
  Gateway WaitForGateway() const {
    absl::MutexLock lock(&mutex_);
    const auto known = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return gateway_.port != 0 || leave_;
    };
    mutex_.Await(absl::Condition(&known));
    return gateway_;
  }
  // Waits a little for one later than that.
  void WaitForLaterThan(int generation) const {
    absl::MutexLock lock(&mutex_);
    const auto later = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return gateway_.generation > generation || leave_;
    };
    mutex_.AwaitWithTimeout(absl::Condition(&later), kReconnectPause);
  }
  bool behave() const {
    absl::MutexLock lock(&mutex_);
    return behave_;
  }
  bool leave() const {
    absl::MutexLock lock(&mutex_);
    return leave_;
  }

 private:
  void Read() {
    std::string line;
    while (std::getline(std::cin, line)) {
      const std::vector<std::string> words = absl::StrSplit(line, ' ');
      absl::MutexLock lock(&mutex_);
      if (words[0] == consumer_lines::kGateway && words.size() == 3) {
        if (!absl::SimpleAtoi(words[1], &gateway_.generation) ||
            !absl::SimpleAtoi(words[2], &gateway_.port)) {
          std::abort();
        }
      }
      behave_ = behave_ || words[0] == consumer_lines::kBehave;
      leave_ = leave_ || words[0] == consumer_lines::kLeave;
    }
    _exit(1);  // the test is gone
  }

  mutable absl::Mutex mutex_;
  Gateway gateway_ ABSL_GUARDED_BY(mutex_);
  bool behave_ ABSL_GUARDED_BY(mutex_) = false;
  bool leave_ ABSL_GUARDED_BY(mutex_) = false;
};

class Consumer {
 public:
  Consumer(std::string subscription, std::string name, uint64_t seed, std::string manner,
           std::string call)
      : subscription_(std::move(subscription)),
        name_(std::move(name)),
        manner_(std::move(manner)),
        call_(std::move(call)),
        random_(seed) {}

  void Run() {
    while (!orders_.leave()) {
      const Orders::Gateway gateway = orders_.WaitForGateway();
      if (orders_.leave()) break;
      ConsumerStream stream(gateway.generation, gateway.port, Open());
      paused_ = false;
      left_.clear();
      stream.Ack("ack", std::exchange(unanswered_, {}));
      const bool reconnects = WorkOn(stream);
      Remember(stream.Finish());
      unanswered_ = stream.Unanswered();
      if (!reconnects) orders_.WaitForLaterThan(gateway.generation);
    }
  }

 private:
  bool Leaves() const { return manner_ == "leaving" || manner_ == "holding"; }
  bool IsWild() const { return (manner_ == "wild" || manner_ == "careless") && !orders_.behave(); }
  uint64_t Below(uint64_t end) { return random_() % end; }

  v1::SubscribeOpen Open() {
    v1::SubscribeOpen open;
    open.set_subscription(subscription_);
    open.set_consumer_name(name_);
    if (Leaves()) open.mutable_create_if_missing()->mutable_unlimited_delivery_attempts();
    if (manner_ == "leaving") open.mutable_ack_deadline()->set_seconds(1);
    if (!IsWild()) return open;
    open.set_max_outstanding_events(static_cast<int32_t>(1 + Below(100)));
    if (Below(4) == 0) open.mutable_ack_deadline()->set_seconds(static_cast<int64_t>(1 + Below(5)));
    return open;
  }

  // Until the stream has ended or is to end. True: it ends by this consumer's own will.
  bool WorkOn(ConsumerStream& stream) {
    while (stream.WaitForSomething(kPause)) {
      if (orders_.leave()) {
        stream.HalfClose();
        return true;
      }
      stream.Ack("ack", stream.TakeRefused());
      if (!IsWild()) {
        Behave(stream);
      } else if (!RunWild(stream)) {
        return true;
      }
    }
    return false;
  }

  void Behave(ConsumerStream& stream) {
    if (paused_) Pause(stream, false);
    std::vector<Held> held = stream.Take();
    if (Leaves() && !orders_.behave()) LeaveSome(held);
    if (orders_.behave()) stream.Ack("ack", std::exchange(left_, {}));
    if (!held.empty() && (manner_ == "nacking" || manner_ == "dying")) {
      stream.WaitUntilEnded(kWork);
      FailOn(stream, held);
    }
    stream.Ack("ack", held);
  }

  void LeaveSome(std::vector<Held>& held) {
    const bool all = manner_ == "holding";
    const auto left = std::partition(held.begin(), held.end(), [&](const Held&) {
      return !all && (left_.size() >= kLeftMost || Below(kLeftOneIn) != 0);
    });
    left_.insert(left_.end(), left, held.end());
    held.erase(left, held.end());
  }

  // Does with the event of CALL what its manner is, if it is among these.
  void FailOn(ConsumerStream& stream, std::vector<Held>& held) const {
    const auto bad = std::partition(held.begin(), held.end(),
                                    [this](const Held& each) { return each.call != call_; });
    const std::vector<Held> failed(bad, held.end());
    if (failed.empty()) return;
    if (manner_ == "dying") {
      // Not alone: it waits for others to be in hand too, unless none come. And what it has acked
      // before is to be known, and how long that took.
      if (held.size() == 1) stream.WaitForSomething(kAloneBeforeDeath);
      stream.WaitUntilAnswered(absl::InfiniteDuration());
      raise(SIGKILL);
    }
    held.erase(bad, held.end());
    v1::NackRequest nack = NackOf(v1::NackRequest::ACTION_RETRY);
    nack.mutable_delay();
    nack.set_reason(absl::StrCat("it cannot be read, attempt ", failed.front().attempt));
    stream.Nack("retry", nack, failed);
  }

  // Does one thing or another. False: it ended the stream.
  bool RunWild(ConsumerStream& stream) {
    if (paused_) Pause(stream, false);
    std::vector<Held> held = stream.Take();
    if (manner_ == "careless") Dislike(stream, held);
    std::shuffle(held.begin(), held.end(), random_);
    const uint64_t dice = Below(1000);
    if (dice < 500) {
      stream.Ack("ack", Pick(held, held.size()));
    } else if (dice < 700) {
      NackSome(stream, held);
    } else if (dice < 760) {
      stream.Extend(absl::Seconds(1 + static_cast<int64_t>(Below(5))), Some(held, 5));
    } else if (dice < 860) {
      AckTwice(stream, held);
    } else if (dice < 920) {
      AckLate(stream);
    } else if (dice < 950) {
      v1::FlowControl flow;
      flow.set_max_outstanding_events(static_cast<int32_t>(1 + Below(200)));
      flow.set_max_outstanding_bytes(static_cast<int64_t>(1 + Below(100'000)));
      stream.ChangeFlow(flow);
    } else if (dice < 970) {
      Pause(stream, true);
    } else if (dice < 985) {
      if (manner_ == "careless") Remember(Pick(held, 3));
    } else if (dice < 990) {
      stream.Keep(std::move(held));
      stream.Cancel();
      return false;
    } else if (dice < 995) {
      stream.Keep(std::move(held));
      stream.HalfClose();
      return false;
    }
    stream.Keep(std::move(held));
    return true;
  }

  void NackSome(ConsumerStream& stream, std::vector<Held>& held) {
    const uint64_t dice = Below(100);
    if (dice < 35) {
      v1::NackRequest nack = NackOf(v1::NackRequest::ACTION_RETRY);
      nack.mutable_delay()->set_nanos(static_cast<int32_t>(Below(200) * 1'000'000));
      stream.Nack("retry", nack, Pick(held, 3));
    } else if (dice < 50) {
      stream.Nack("retry", NackOf(v1::NackRequest::ACTION_RETRY), Pick(held, 2));
    } else if (dice < 80) {
      stream.Nack("release", NackOf(v1::NackRequest::ACTION_RELEASE), Pick(held, 3));
    } else if (dice < 92) {
      stream.Nack("skip", NackOf(v1::NackRequest::ACTION_SKIP), Pick(held, 3));
    } else {
      stream.Nack("park", NackOf(v1::NackRequest::ACTION_PARK), Pick(held, 2));
    }
  }

  // Nacks or forgets those that no careless consumer ever acks.
  void Dislike(ConsumerStream& stream, std::vector<Held>& held) {
    const auto liked = std::partition(held.begin(), held.end(), [](const Held& each) {
      return std::hash<std::string>()(each.call) % kDislikedOneIn != 0;
    });
    const std::vector<Held> disliked(liked, held.end());
    held.erase(liked, held.end());
    if (Below(3) == 0) return;
    v1::NackRequest nack = NackOf(v1::NackRequest::ACTION_RETRY);
    nack.mutable_delay()->set_nanos(
        400'000'000);  // few attempts within a second, so a short backoff
    stream.Nack("retry", nack, disliked);
  }

  void AckTwice(ConsumerStream& stream, std::vector<Held>& held) {
    std::vector<Held> picked = Pick(held, 4);
    if (picked.empty()) return;
    Remember(picked);  // and once more some time, perhaps over another stream
    stream.Ack("ack", picked);
    picked.push_back(picked.front());
    stream.Ack("ack", picked);
  }

  // Acks by attempts that are over, or whose stream is.
  void AckLate(ConsumerStream& stream) {
    std::vector<Held> late;
    while (late.size() < 3 && !remembered_.empty()) {
      late.push_back(remembered_[Below(remembered_.size())]);
      if (Below(2) == 0) break;
    }
    stream.Ack("ack", late);
  }

  void Pause(ConsumerStream& stream, bool paused) {
    v1::FlowControl flow;
    flow.set_paused(paused);
    stream.ChangeFlow(flow);
    paused_ = paused;
  }

  static v1::NackRequest NackOf(v1::NackRequest::Action action) {
    v1::NackRequest nack;
    nack.set_action(action);
    nack.set_reason(v1::NackRequest::Action_Name(action));
    return nack;
  }

  // Takes 1 to `most` of them away, if there are any.
  std::vector<Held> Pick(std::vector<Held>& held, size_t most) {
    std::vector<Held> picked;
    const size_t count = held.empty() ? 0 : 1 + Below(std::min(most, held.size()));
    for (size_t i = 0; i < count; ++i) {
      picked.push_back(std::move(held.back()));
      held.pop_back();
      if (Below(8) == 0) Remember({picked.back()});
    }
    return picked;
  }
  static std::vector<Held> Some(const std::vector<Held>& held, size_t most) {
    return {held.begin(), held.begin() + static_cast<std::ptrdiff_t>(std::min(most, held.size()))};
  }

  void Remember(const std::vector<Held>& held) {
    for (const Held& each : held) {
      if (remembered_.size() < kMostRemembered) {
        remembered_.push_back(each);
      } else {
        remembered_[Below(kMostRemembered)] = each;
      }
    }
  }

  const std::string subscription_;
  const std::string name_;
  const std::string manner_;
  const std::string call_;
  const Orders orders_;
  std::mt19937_64 random_;
  bool paused_ = false;
  std::vector<Held> remembered_;
  std::vector<Held> left_;        // unsettled on this stream
  std::vector<Held> unanswered_;  // acks of the stream before
};

}  // namespace
}  // namespace onhook

int main(int argc, char** argv) {
  uint64_t seed = 0;
  if (argc < 5 || !absl::SimpleAtoi(argv[3], &seed)) {
    std::cerr << "usage: chaos_consumer SUBSCRIPTION NAME SEED MANNER [CALL]\n";
    return 2;
  }
  onhook::Consumer(argv[1], argv[2], seed, argv[4], argc > 5 ? argv[5] : "").Run();
  // Without a wait for the thread that reads orders.
  _exit(0);
}
