#ifndef ONHOOK_TESTS_COMPONENT_RELOAD_FIXTURE_H_
#define ONHOOK_TESTS_COMPONENT_RELOAD_FIXTURE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gateway/config/invocation.h"
#include "tests/component/gateway_fixture.h"

namespace onhook {

// A gateway whose settings are read again while it runs.
class ReloadFixture : public GatewayTest {
 protected:
  void Reload(const absl::StatusOr<Invocation>& read) { gateway_->Reload(read); }
  // As they are in settings_, or in `settings`.
  void Reload() { Reload(settings_); }
  void Reload(const Settings& settings) {
    Invocation invocation;
    invocation.settings = settings;
    gateway_->Reload(invocation);
  }
  // The lines that `settings` lead to.
  std::vector<std::string> LinesOf(const Settings& settings) {
    const size_t before = LogLines().size();
    Reload(settings);
    std::vector<std::string> lines = LogLines();
    lines.erase(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(before));
    return lines;
  }
  // Whether the settings that were read last could be used; for whoever may ask.
  bool ReloadWasSuccessful() const {
    return absl::StrContains(AskAdmin("/metrics").body,
                             "\nonhook_config_last_reload_successful 1\n");
  }

  // A callback to a path of its own.
  RawAnswer PostTo(const std::string& path, absl::string_view call,
                   absl::string_view header = "") const {
    const std::string body = CallbackOf(call);
    return RawHttpClient(gateway_->http_port())
        .Send(absl::StrCat("POST ", path, " HTTP/1.1\r\nHost: gateway\r\n", header,
                           "Content-Length: ", body.size(), "\r\n\r\n", body))
        .ReadAnswer();
  }
  // A source whose callbacks are answered as soon as they are stored.
  static Settings::Source Storing(const std::string& name) {
    Settings::Source source;
    source.name = name;
    source.path = absl::StrCat("/", name);
    source.acknowledge.when = Settings::Acknowledge::When::kStored;
    return source;
  }
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_COMPONENT_RELOAD_FIXTURE_H_
