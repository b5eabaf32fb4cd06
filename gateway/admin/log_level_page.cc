#include "gateway/admin/log_level_page.h"

#include <algorithm>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gateway/admin/admin_answers.h"

namespace onhook {
namespace {

// Browsers send it with every PUT, and nothing but a browser does.
bool IsOfWebPage(const HttpRequest& request) {
  return std::any_of(request.headers.begin(), request.headers.end(), [](const HttpHeader& header) {
    return absl::EqualsIgnoreCase(header.name, "Origin");
  });
}

}  // namespace

HttpResponse LogLevelPage::Answer(const HttpRequest& request) const {
  if (IsOfWebPage(request)) return TextAnswer(403, "not for web pages");
  const absl::StatusOr<std::string> administrator = gate_->CheckAdministrator(request);
  if (!administrator.ok()) return RefusalAnswer(administrator.status());
  if (request.method == "PUT") {
    const absl::StatusOr<LogLevel> level = ParseLogLevel(absl::StripAsciiWhitespace(request.body));
    if (!level.ok()) return TextAnswer(400, absl::StrCat("the body ", level.status().message()));
    Change(*level, *administrator);
  }
  return FreshAnswer(200, LogLevelName(log_->level()));
}

// Told while the more talkative of both levels holds.
void LogLevelPage::Change(LogLevel level, absl::string_view by) const {
  const auto tell = [&] {
    log_->Warning("admin", "another log level was asked for",
                  {{"log_level", LogLevelName(level)}, {"by", by}});
  };
  const bool is_quieter = level > log_->level();
  if (is_quieter) tell();
  log_->set_level(level);
  if (!is_quieter) tell();
}

}  // namespace onhook
