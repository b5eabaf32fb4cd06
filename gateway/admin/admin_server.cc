#include "gateway/admin/admin_server.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "gateway/http/refusal_notes.h"

namespace onhook {
namespace {

HttpResponse Text(int status, absl::string_view text) {
  HttpResponse response;
  response.status = status;
  response.body = absl::StrCat(text, "\n");
  return response;
}

HttpResponse Verdict(const std::vector<std::string>& reasons) {
  HttpResponse response =
      reasons.empty() ? Text(200, "ok") : Text(503, absl::StrJoin(reasons, "\n"));
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

}  // namespace

AdminServer::AdminServer(HttpOptions options, Probes probes,
                         std::function<void(const absl::Status&)> on_given_up, const TlsFiles* tls,
                         Metrics* metrics, const Clock* clock, const Log* log)
    : probes_(std::move(probes)),
      metrics_(metrics),
      server_(std::move(options),
              {[this](const HttpRequest& request) { return Answer(request); }, Text,
               /*on_listener_failed=*/nullptr, std::move(on_given_up),
               NoteRefusals("admin", metrics, clock, log)},
              clock, log, tls) {}

void AdminServer::Stop() { server_.Stop(absl::ZeroDuration()); }

HttpResponse AdminServer::Answer(const HttpRequest& request) const {
  const bool is_live = request.path == "/livez";
  const bool is_started = request.path == "/startupz";
  const bool is_ready = request.path == "/readyz";
  const bool is_metrics = request.path == "/metrics";
  if (!is_live && !is_started && !is_ready && !is_metrics) {
    return Text(404, "not found; there are /livez, /readyz, /startupz and /metrics");
  }
  if (request.method != "GET") {
    HttpResponse refusal = Text(405, "only GET is answered here");
    refusal.headers.emplace_back("Allow", "GET");
    return refusal;
  }
  if (is_live) return Verdict({});
  if (is_metrics) {
    HttpResponse response;
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    response.body = metrics_->Text();
    return response;
  }
  return Verdict(is_started ? probes_.started() : probes_.ready());
}

}  // namespace onhook
