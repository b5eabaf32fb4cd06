#include "gateway/store/jetstream/stream_watch.h"

#include <utility>

#include "gateway/store/jetstream/stream_setup.h"

namespace onhook {
namespace {

constexpr absl::Duration kInterval = absl::Seconds(5);

}  // namespace

StreamWatch::StreamWatch(JetStreamApi* api, std::vector<std::string> streams, std::string store_id,
                         const Clock* clock, Another another)
    : api_(api),
      streams_(std::move(streams)),
      store_id_(std::move(store_id)),
      clock_(clock),
      another_(std::move(another)),
      looked_at_(clock->Elapsed()) {}

void StreamWatch::Tick() {
  const absl::Duration now = clock_->Elapsed();
  if (now - looked_at_ < kInterval) return;
  looked_at_ = now;
  for (const std::string& stream : streams_) Look(stream);
}

void StreamWatch::Look(const std::string& stream) {
  api_->GetStream(stream, [this, &stream](const absl::StatusOr<StreamInfo>& info) {
    if (!info.ok() || StoreIdOf(info->config.description) == store_id_) return;
    if (!told_.exchange(true)) another_(stream);
  });
}

}  // namespace onhook
