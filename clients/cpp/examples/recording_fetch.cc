// Fetches the recording of each call from the media volume into an archive, several at a time. A
// call without a recording, or one that names a file elsewhere, is parked: no repetition mends it.
// A recording that is not there yet is asked for again.
//
//   recording_fetch SERVER SUBSCRIPTION MEDIA ARCHIVE
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "onhook/client.h"
#include "onhook/event_view.h"

namespace {

namespace files = std::filesystem;
using onhook::client::Consumer;
using onhook::client::Delivery;
using onhook::client::EventView;
using onhook::client::Settlement;

constexpr int kWorkers = 4;
// How long a recording takes until it is on the volume, mostly.
constexpr absl::Duration kUntilItIsThere = absl::Seconds(20);

bool StaysBelow(const files::path& folder, const files::path& file) {
  const auto [end, rest] = std::mismatch(folder.begin(), folder.end(), file.begin(), file.end());
  return end == folder.end() && rest != file.end();
}

Settlement Fetch(const EventView& event, const files::path& media, const files::path& archive) {
  const auto recording = event.recordfile();
  if (!recording.has_value() || recording->empty()) return Settlement::Park("it has no recording");
  const files::path from =
      (media / files::path(std::string(*recording)).relative_path()).lexically_normal();
  if (!StaysBelow(media, from)) return Settlement::Park("its recording is not on the volume");
  std::error_code error;
  if (!files::exists(from, error)) {
    return Settlement::Retry("the recording is not there yet", kUntilItIsThere);
  }
  // Named by the event, so that a second attempt writes the same file.
  files::copy_file(from, archive / std::string(event.event_id()),
                   files::copy_options::overwrite_existing, error);
  if (error) return Settlement::Retry(error.message());
  return Settlement::Ack();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: recording_fetch SERVER SUBSCRIPTION MEDIA ARCHIVE" << std::endl;
    return 2;
  }
  const files::path media = files::path(argv[3]).lexically_normal();
  const files::path archive = argv[4];
  onhook::client::ClientOptions client;
  client.server = argv[1];
  onhook::client::SubscribeOptions options;
  options.subscription = argv[2];
  options.create_if_missing.emplace();
  // No more than what is in work, so that others get the rest.
  options.max_outstanding_events = kWorkers;
  const std::unique_ptr<Consumer> consumer = onhook::client::Client(client).Consume(options);

  std::vector<std::thread> workers;
  for (int i = 0; i < kWorkers; ++i) {
    workers.emplace_back([&] {
      for (auto delivery = consumer->Next(); delivery.ok(); delivery = consumer->Next()) {
        Settlement settlement = Fetch(EventView(delivery->event()), media, archive);
        std::move(*delivery).Settle(std::move(settlement));
      }
    });
  }
  const absl::Status ended = consumer->Wait();
  for (std::thread& worker : workers) worker.join();
  std::cerr << ended << std::endl;
  return ended.ok() ? 0 : 1;
}
