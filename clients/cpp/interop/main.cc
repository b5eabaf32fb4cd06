// Does with the library's public API what tests/interop/clients/PROTOCOL.md says.
#include <google/protobuf/util/json_util.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "clients/cpp/interop/receiver.h"
#include "clients/cpp/interop/reports.h"
#include "onhook/client.h"
#include "onhook/event_view.h"

namespace onhook::interop {
namespace {

constexpr int kExitUsage = 2;

client::Client Connect(const Json& command) {
  client::ClientOptions options;
  options.server = command.Text("server");
  options.security.ca_file = command.Text("ca_file");
  options.security.certificate_file = command.Text("certificate_file");
  options.security.key_file = command.Text("key_file");
  options.security.server_name = command.Text("server_name");
  options.security.token_file = command.Text("token_file");
  if (const auto most = command.Number("backoff_max_ms"); most.has_value()) {
    options.reconnect.maximum = absl::Milliseconds(static_cast<int64_t>(*most));
  }
  return client::Client(std::move(options));
}

void Get(const client::Client& client, const Json& command, Reports& reports) {
  const absl::StatusOr<v1::StoredEvent> stored = client.GetEvent(command.Text("event_id"));
  Json report;
  report.Set("found", stored.ok());
  if (stored.ok()) {
    Json states;
    for (const v1::SubscriptionTimeline& timeline : stored->timelines()) {
      states.Set(timeline.subscription(), client::NameOf(timeline.state()));
    }
    report.Set("event", Encoded(stored->event()))
        .Set("native", Native(stored->event()))
        .Set("states", states);
  } else {
    report.Set("code", CodeName(stored.status()));
  }
  reports.Write("got", report);
}

void List(const client::Client& client, const Json& command, Reports& reports) {
  v1::ListEventsRequest request;
  request.set_call_serial_no(command.Text("call_serial_no"));
  request.set_page_size(static_cast<int32_t>(command.Number("page_size").value_or(0)));
  google::protobuf::ListValue event_ids;
  const absl::Status status = client.ForEachEvent(request, [&](const v1::StoredEvent& stored) {
    event_ids.add_values()->set_string_value(stored.event().event_id());
    return absl::OkStatus();
  });
  if (!status.ok()) std::cerr << status << std::endl;
  reports.Write("listed", Json().Set("event_ids", event_ids));
}

// Returns the exit code.
int Run() {
  Reports reports;
  Receiver receiver(&reports);
  std::optional<client::Client> client;
  const std::map<std::string, std::function<void(const Json&)>> commands = {
      {"connect", [&](const Json& command) { client = Connect(command); }},
      {"subscribe", [&](const Json& command) { receiver.Subscribe(*client, command); }},
      {"watch", [&](const Json& command) { receiver.Watch(*client, command); }},
      {"settle", [&](const Json& command) { receiver.Settle(command); }},
      {"extend", [&](const Json& command) { receiver.Extend(command); }},
      {"pause", [&](const Json&) { receiver.SetPaused(true); }},
      {"resume", [&](const Json&) { receiver.SetPaused(false); }},
      {"stop", [&](const Json& command) { receiver.Stop(command); }},
      {"count", [&](const Json&) { receiver.Count(); }},
      {"get", [&](const Json& command) { Get(*client, command, reports); }},
      {"list", [&](const Json& command) { List(*client, command, reports); }}};
  std::string line;
  while (std::getline(std::cin, line)) {
    google::protobuf::Struct object;
    const bool parsed = google::protobuf::util::JsonStringToMessage(line, &object).ok();
    const Json command(std::move(object));
    const auto found = commands.find(command.Text("do"));
    if (!parsed || found == commands.end() || (!client && found->first != "connect")) {
      std::cerr << "no such command: " << line << std::endl;
      _exit(kExitUsage);
    }
    found->second(command);
  }
  // Whatever is under way is left where it is.
  _exit(0);
}

}  // namespace
}  // namespace onhook::interop

int main() { return onhook::interop::Run(); }
