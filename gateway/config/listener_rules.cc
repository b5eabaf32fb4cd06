#include "gateway/config/listener_rules.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gateway/config/setting_values.h"

namespace onhook {
namespace {

using Faults = std::vector<SettingFault>;
using Identity = Settings::Identity;
using ClientCertificate = TlsOptions::ClientCertificate;

// An address that is none is somebody else's fault to tell.
bool IsBeyondThisMachine(const std::string& listen) {
  const absl::StatusOr<HostPort> address = ParseHostPort(listen);
  return address.ok() && !IsLoopback(*address);
}

template <typename Predicate>
bool AnyIdentity(const Settings& settings, Predicate predicate) {
  return std::any_of(settings.access.begin(), settings.access.end(), predicate);
}

bool HasToken(const Identity& identity) { return !identity.token_files.empty(); }
bool IsMonitor(const Identity& identity) { return identity.monitor; }

// Whether it may do anything on the port for subscribers.
bool MaySubscribe(const Identity& identity) {
  return !identity.subscribe.empty() || !identity.create.empty() || !identity.administer.empty() ||
         identity.watch || identity.read_events || identity.rejected_callbacks;
}

// "source "a" has", "sources "a", "b" have".
std::string Having(const std::vector<std::string>& quoted_names) {
  return absl::StrCat(quoted_names.size() == 1 ? "source " : "sources ",
                      absl::StrJoin(quoted_names, ", "),
                      quoted_names.size() == 1 ? " has" : " have");
}

void CheckHttp(const Settings& settings, Faults& faults) {
  std::vector<std::string> open;
  for (const Settings::Source& source : settings.sources) {
    if (!source.HasAuthentication()) open.push_back(absl::StrCat("\"", source.name, "\""));
  }
  const Settings::Http& http = settings.http;
  if (open.empty() || !IsBeyondThisMachine(http.server.listen) || http.allow_unauthenticated) {
    return;
  }
  faults.push_back(
      {"http.listen",
       absl::StrCat(http.server.listen, " can be reached from other machines, and the ",
                    Having(open),
                    " no authentication that keeps anybody out: anybody could post callbacks. "
                    "Listen on 127.0.0.1, give each source a path_token_file or authentication, "
                    "or set http.allow_unauthenticated to true if the network keeps strangers "
                    "out")});
}

void CheckGrpc(const Settings& settings, Faults& faults) {
  const Settings::Grpc& grpc = settings.grpc;
  if (!IsBeyondThisMachine(grpc.server.listen)) return;
  const bool authenticates = grpc.tls.requires_client_certificate() || !settings.access.empty();
  if (!authenticates && !grpc.allow_unauthenticated) {
    faults.push_back(
        {"grpc.listen",
         absl::StrCat(
             grpc.server.listen,
             " can be reached from other machines, and subscribers have no authentication: anybody "
             "could read and acknowledge events. Listen on 127.0.0.1, require certificates of "
             "subscribers by grpc.tls.client_ca_file, say in access who may do what, or set "
             "grpc.allow_unauthenticated to true if the network keeps strangers out")});
  }
  const bool takes_tokens = AnyIdentity(settings, [](const Identity& one) {
    return HasToken(one) && (MaySubscribe(one) || !one.monitor);
  });
  if (takes_tokens && !grpc.tls.enabled() && !grpc.allow_cleartext) {
    faults.push_back(
        {"grpc.listen",
         absl::StrCat(
             grpc.server.listen,
             " can be reached from other machines, and has no TLS: whoever sees the network's "
             "traffic could take the tokens of access. Set grpc.tls.certificate_file and "
             "grpc.tls.key_file, or grpc.allow_cleartext to true if something else, as a mesh, "
             "encrypts what is sent")});
  }
}

void CheckAdmin(const Settings& settings, Faults& faults) {
  const Settings::Admin& admin = settings.admin;
  if (!IsBeyondThisMachine(admin.server.listen)) return;
  const bool authenticates = admin.tls.requires_client_certificate() ||
                             (admin.tls.enabled() && AnyIdentity(settings, IsMonitor));
  if (admin.allowed_networks.empty() && !authenticates && !admin.allow_unauthenticated) {
    faults.push_back(
        {"admin.listen",
         absl::StrCat(
             admin.server.listen, " can be reached from other machines, and ",
             AnyIdentity(settings, IsMonitor)
                 ? "has no TLS: whoever sees the network's traffic could take what its identities "
                   "show. Set admin"
                 : "nothing limits who asks: anybody could read metrics. Set admin",
             ".allowed_networks to where probes come from, for instance "
             "10.0.0.0/8; or give an identity of access the permission monitor, and set "
             "admin.tls.certificate_file and admin.tls.key_file; or set "
             "admin.allow_unauthenticated "
             "to true if the network keeps strangers out")});
  }
  for (const Identity& identity : settings.access) {
    if (admin.tls.enabled() || !HasToken(identity) || !identity.monitor) continue;
    if (!MaySubscribe(identity)) continue;
    faults.push_back(
        {"admin.listen",
         absl::StrCat(admin.server.listen,
                      " can be reached from other machines, and has no TLS: whoever sees the "
                      "network's traffic could take the token of the identity \"",
                      identity.name,
                      "\", which may do more than monitor. Give monitor to an identity of its own, "
                      "or set admin.tls.certificate_file and admin.tls.key_file")});
  }
}

// `group`: "grpc.tls".
void CheckTls(const std::string& group, const TlsOptions& tls, Faults& faults) {
  if (tls.certificate_file.empty() && !tls.key_file.empty()) {
    faults.push_back({group + ".key_file", absl::StrCat("has no effect without ", group,
                                                        ".certificate_file, which must be given "
                                                        "beside it")});
  }
  if (!tls.certificate_file.empty() && tls.key_file.empty()) {
    faults.push_back(
        {group + ".certificate_file", absl::StrCat("has no effect without ", group,
                                                   ".key_file, which must be given beside it")});
  }
  if (!tls.client_ca_file.empty() && !tls.enabled()) {
    faults.push_back({group + ".client_ca_file",
                      absl::StrCat("has no effect without ", group,
                                   ".certificate_file: certificates are asked for in TLS only")});
  }
  if (tls.client_ca_file.empty() && tls.client_certificate == ClientCertificate::kOptional) {
    faults.push_back(
        {group + ".client_certificate", absl::StrCat("is optional, but without ", group,
                                                     ".client_ca_file nobody is asked for one")});
  }
}

bool IsOptional(const TlsOptions& tls) {
  return tls.enabled() && !tls.client_ca_file.empty() &&
         tls.client_certificate == ClientCertificate::kOptional;
}

// Those without a certificate must have something else to show.
void CheckOptionalCertificates(const Settings& settings, Faults& faults) {
  if (IsOptional(settings.grpc.tls) && !AnyIdentity(settings, HasToken)) {
    faults.push_back(
        {"grpc.tls.client_certificate",
         absl::StrCat(
             "is optional, but no identity of access has a token: without a certificate ",
             settings.access.empty() ? "everybody could do everything" : "nobody could do anything",
             ". Set it to required, or add an identity with token_files")});
  }
  if (IsOptional(settings.admin.tls) && !AnyIdentity(settings, IsMonitor)) {
    faults.push_back({"admin.tls.client_certificate",
                      "is optional, but no identity of access has the permission monitor: "
                      "everybody could read metrics. Set it to required, or give monitor to an "
                      "identity"});
  }
}

void CheckIdentities(const Settings& settings, Faults& faults) {
  const bool verifies =
      !settings.grpc.tls.client_ca_file.empty() || !settings.admin.tls.client_ca_file.empty();
  const std::string& unix_socket = settings.grpc.server.unix_socket;
  for (size_t i = 0; i < settings.access.size(); ++i) {
    const Identity& identity = settings.access[i];
    if (!identity.certificate.empty() && !verifies) {
      faults.push_back({absl::StrCat("access[", i, "].certificate"),
                        "is asked for nowhere: set grpc.tls.client_ca_file to who signs the "
                        "certificates of subscribers"});
    }
    if (identity.unix_socket && unix_socket.empty()) {
      faults.push_back({absl::StrCat("access[", i, "].unix_socket"),
                        "has no effect without grpc.unix_socket, which says where it is"});
    }
  }
  const bool comes_in =
      AnyIdentity(settings, [](const Identity& one) { return one.unix_socket || HasToken(one); });
  if (!unix_socket.empty() && !settings.access.empty() && !comes_in) {
    faults.push_back({"grpc.unix_socket",
                      "lets nobody in: no identity of access has unix_socket: true, or a token"});
  }
}

}  // namespace

std::vector<SettingFault> FindListenerFaults(const Settings& settings) {
  Faults faults;
  CheckHttp(settings, faults);
  CheckGrpc(settings, faults);
  CheckAdmin(settings, faults);
  CheckTls("http.tls", settings.http.tls, faults);
  CheckTls("grpc.tls", settings.grpc.tls, faults);
  CheckTls("admin.tls", settings.admin.tls, faults);
  CheckOptionalCertificates(settings, faults);
  CheckIdentities(settings, faults);
  return faults;
}

std::vector<std::string> FindListenerDoubts(const Settings& settings) {
  std::vector<std::string> doubts;
  for (const Identity& identity : settings.access) {
    const bool may_anything = MaySubscribe(identity) || identity.monitor;
    if (!may_anything) {
      doubts.push_back(absl::StrCat("access gives the identity \"", identity.name, "\" nothing"));
    }
    if (HasToken(identity) && MaySubscribe(identity) &&
        settings.grpc.tls.requires_client_certificate()) {
      doubts.push_back(
          absl::StrCat("the token of the identity \"", identity.name,
                       "\" is asked for only after a certificate of grpc.tls.client_ca_file; "
                       "grpc.tls.client_certificate: optional lets it in without one"));
    }
  }
  return doubts;
}

}  // namespace onhook
