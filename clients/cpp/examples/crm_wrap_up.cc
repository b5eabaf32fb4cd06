// Writes the wrap-up of each call into a CRM, once: the example's CRM is a folder with one file for
// each event, named by its event_id.
//
//   crm_wrap_up SERVER SUBSCRIPTION FOLDER
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "onhook/client.h"
#include "onhook/event_view.h"

namespace {

using onhook::client::EventView;
using onhook::client::NameOf;
using onhook::client::Settlement;

std::string WrapUp(const EventView& event) {
  std::string text = absl::StrCat("call: ", event.call_serial_no().value_or("unknown"),
                                  "\nended: ", NameOf(event.release_reason()));
  if (const auto time = event.release_time(); time.has_value()) {
    absl::StrAppend(&text, "\nat: ", absl::FormatTime(*time, absl::UTCTimeZone()));
  }
  if (const auto talked = event.talk_duration(); talked.has_value()) {
    absl::StrAppend(&text, "\ntalked: ", absl::FormatDuration(*talked));
  }
  return absl::StrCat(text, "\n");
}

// OK once the wrap-up is there, whether now or since an earlier attempt: the same event may come
// again, and event_id tells.
absl::Status Save(const std::filesystem::path& folder, const EventView& event) {
  const std::filesystem::path file = folder / std::string(event.event_id());
  std::error_code error;
  if (std::filesystem::exists(file, error)) return absl::OkStatus();
  const std::filesystem::path partial = file.string() + ".part";
  std::ofstream(partial) << WrapUp(event) << std::flush;
  std::filesystem::rename(partial, file, error);
  // Not now: the gateway brings it again, after a while.
  if (error) return absl::UnavailableError(error.message());
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: crm_wrap_up SERVER SUBSCRIPTION FOLDER" << std::endl;
    return 2;
  }
  // Of every thread, so that only sigwait takes them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  onhook::client::ClientOptions client;
  client.server = argv[1];
  onhook::client::SubscribeOptions options;
  options.subscription = argv[2];
  options.create_if_missing.emplace();
  options.on_state = [](onhook::client::ConnectionState state, const absl::Status& why) {
    std::cerr << NameOf(state) << (why.ok() ? "" : ": ") << why.message() << std::endl;
  };
  // It ends by itself when trying again would not help, and then so does the program.
  options.on_ending = [](const absl::Status&) { kill(getpid(), SIGTERM); };
  const std::filesystem::path folder = argv[3];
  const auto subscriber = onhook::client::Client(client).Subscribe(
      options, [&](const onhook::v1::Delivery& delivery) -> Settlement {
        return Save(folder, EventView(delivery.event()));
      });

  int signal = 0;
  sigwait(&signals, &signal);
  const absl::Status ended = subscriber->Stop();
  if (!ended.ok()) std::cerr << ended << std::endl;
  return ended.ok() ? 0 : 1;
}
