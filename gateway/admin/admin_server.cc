#include "gateway/admin/admin_server.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "gateway/admin/admin_answers.h"
#include "gateway/http/refusal_notes.h"

namespace onhook {
namespace {

HttpResponse Verdict(const std::vector<std::string>& reasons) {
  return reasons.empty() ? FreshAnswer(200, "ok") : FreshAnswer(503, absl::StrJoin(reasons, "\n"));
}

HttpResponse WrongMethod(const std::string& allowed) {
  HttpResponse refusal = TextAnswer(405, absl::StrCat("only ", allowed, " is answered here"));
  refusal.headers.emplace_back("Allow", allowed);
  return refusal;
}

}  // namespace

AdminServer::AdminServer(const Settings::Admin& settings, Probes probes, Surroundings surroundings)
    : probes_(std::move(probes)),
      metrics_(surroundings.metrics),
      gate_(settings.allowed_networks, surroundings.access, surroundings.metrics,
            surroundings.clock, surroundings.log),
      log_level_(&gate_, surroundings.log),
      server_(settings.server,
              {[this](const HttpRequest& request) { return Answer(request); }, TextAnswer,
               /*on_listener_failed=*/nullptr, std::move(surroundings.on_listener_given_up),
               NoteRefusals("admin", surroundings.metrics, surroundings.clock, surroundings.log)},
              surroundings.clock, surroundings.log, surroundings.tls) {}

void AdminServer::SetLimits(const Settings::Admin& settings) {
  gate_.SetAllowedNetworks(settings.allowed_networks);
  server_.SetLimits(settings.server);
}

void AdminServer::Stop() { server_.Stop(absl::ZeroDuration()); }

HttpResponse AdminServer::Answer(const HttpRequest& request) const {
  if (const absl::Status status = gate_.CheckPeer(request); !status.ok()) {
    return RefusalAnswer(status);
  }
  const bool is_get = request.method == "GET";
  if (request.path == "/livez") return is_get ? Verdict({}) : WrongMethod("GET");
  if (request.path == "/startupz") return is_get ? Verdict(probes_.started()) : WrongMethod("GET");
  if (request.path == "/readyz") return is_get ? Verdict(probes_.ready()) : WrongMethod("GET");
  if (request.path == "/metrics") return is_get ? AnswerMetrics(request) : WrongMethod("GET");
  if (request.path == "/log-level") {
    const bool is_known = is_get || request.method == "PUT";
    return is_known ? log_level_.Answer(request) : WrongMethod("GET, PUT");
  }
  return TextAnswer(404,
                    "not found; there are /livez, /readyz, /startupz, /metrics and /log-level");
}

HttpResponse AdminServer::AnswerMetrics(const HttpRequest& request) const {
  if (const absl::Status status = gate_.CheckMonitor(request); !status.ok()) {
    return RefusalAnswer(status);
  }
  HttpResponse response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = metrics_->Text();
  return response;
}

}  // namespace onhook
