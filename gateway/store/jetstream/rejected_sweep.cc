#include "gateway/store/jetstream/rejected_sweep.h"

#include <utility>

namespace onhook {

RejectedSweep::RejectedSweep(JetStreamApi* api, const std::string& stream, Callbacks callbacks,
                             const Clock* clock, const Log* log)
    : callbacks_(std::move(callbacks)) {
  StreamFollower::Options options;
  options.stream = stream;
  StreamFollower::Callbacks following;
  following.message = [this](const StreamMessage& message) {
    if (done_) return;
    seen_.insert(message.sequence);
    callbacks_.message(message);
  };
  following.caught_up = [this] {
    if (!done_.exchange(true)) callbacks_.done(seen_);
  };
  follower_ =
      std::make_unique<StreamFollower>(api, std::move(options), std::move(following), clock, log);
  follower_->Start();
}

}  // namespace onhook
