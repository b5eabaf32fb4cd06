#include "gateway/admin/admin_server.h"

#include <utility>

#include "absl/status/status.h"
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

// Of the gate's.
HttpResponse Refusal(const absl::Status& status) {
  if (!absl::IsUnauthenticated(status)) return Text(403, status.message());
  HttpResponse response = Text(401, status.message());
  response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

}  // namespace

AdminServer::AdminServer(const Settings::Admin& settings, Probes probes, Surroundings surroundings)
    : probes_(std::move(probes)),
      metrics_(surroundings.metrics),
      gate_(settings.allowed_networks, surroundings.access, surroundings.metrics,
            surroundings.clock, surroundings.log),
      server_(settings.server,
              {[this](const HttpRequest& request) { return Answer(request); }, Text,
               /*on_listener_failed=*/nullptr, std::move(surroundings.on_listener_given_up),
               NoteRefusals("admin", surroundings.metrics, surroundings.clock, surroundings.log)},
              surroundings.clock, surroundings.log, surroundings.tls) {}

void AdminServer::SetLimits(const Settings::Admin& settings) {
  gate_.SetAllowedNetworks(settings.allowed_networks);
  server_.SetLimits(settings.server);
}

void AdminServer::Stop() { server_.Stop(absl::ZeroDuration()); }

HttpResponse AdminServer::Answer(const HttpRequest& request) const {
  if (const absl::Status status = gate_.CheckPeer(request); !status.ok()) return Refusal(status);
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
  if (is_metrics) return AnswerMetrics(request);
  return Verdict(is_started ? probes_.started() : probes_.ready());
}

HttpResponse AdminServer::AnswerMetrics(const HttpRequest& request) const {
  if (const absl::Status status = gate_.CheckMonitor(request); !status.ok()) return Refusal(status);
  HttpResponse response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = metrics_->Text();
  return response;
}

}  // namespace onhook
