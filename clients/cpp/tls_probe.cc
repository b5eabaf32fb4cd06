#include "clients/cpp/tls_probe.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cpp/certificate_words.h"
#include "clients/cpp/grpc_status.h"
#include "clients/cpp/probe_socket.h"
#include "clients/cpp/tls_session.h"

namespace onhook::client {
namespace {

using Step = TlsSession::Step;

template <typename... Words>
absl::Status Fault(absl::string_view reason, const Words&... words) {
  return LocalError(absl::StatusCode::kUnavailable, absl::StrCat(words...), reason);
}

// One look at one address.
class Probe {
 public:
  Probe(const ServerAddress& address, const SecurityOptions& security,
        const TlsCredentials& credentials, absl::Duration limit)
      : address_(address),
        security_(security),
        credentials_(credentials),
        server_name_(security.server_name.empty() ? address.host : security.server_name),
        // A server that is silent to the first question is asked another.
        first_deadline_(absl::Now() + limit / 2),
        deadline_(absl::Now() + limit) {}

  absl::Status InClear() const;
  absl::Status OverTls() const;

 private:
  absl::Status WithoutAnswer(bool silent) const;
  absl::Status AfterFailedHandshake(const TlsSession& session, Step step) const;
  absl::Status ServerCertificateFault(const TlsSession& session) const;
  absl::Status UnknownAuthority(const TlsSession& session) const;
  absl::Status AlertFault(const TlsSession& session) const;
  absl::Status ClientCertificateFault(const TlsSession& session, absl::string_view said) const;
  absl::Status NotTls(Step step) const;

  const ServerAddress& address_;
  const SecurityOptions& security_;
  const TlsCredentials& credentials_;
  const std::string server_name_;
  const absl::Time first_deadline_;
  const absl::Time deadline_;
};

absl::Status Probe::WithoutAnswer(bool silent) const {
  if (silent) {
    return Fault("NO_ANSWER", address_.text, " takes the connection and then says nothing");
  }
  return Fault("CLOSED", address_.text, " takes the connection and closes it at once");
}

absl::Status Probe::InClear() const {
  const absl::StatusOr<ProbeSocket> socket = ProbeSocket::Dial(address_, first_deadline_);
  if (!socket.ok()) return socket.status();
  const FirstWords words = socket->Greet(first_deadline_);
  switch (words) {
    case FirstWords::kHttp2:
      return absl::OkStatus();
    case FirstWords::kHttp1:
      return Fault("NOT_GRPC", address_.text, " is an HTTP port, not the gateway's gRPC port");
    case FirstWords::kOther:
      return Fault("NOT_GRPC", "what listens at ", address_.text, " does not speak gRPC");
    case FirstWords::kTls:
      break;
    case FirstWords::kClosed:
    case FirstWords::kSilent: {
      // A TLS server need not say that it did not understand.
      const absl::StatusOr<ProbeSocket> second = ProbeSocket::Dial(address_, deadline_);
      if (!second.ok()) return second.status();
      TlsSession session(&*second, TlsCredentials(), server_name_, false);
      session.ShakeHands(deadline_);
      if (session.is_tls()) break;
      return WithoutAnswer(words == FirstWords::kSilent);
    }
  }
  return Fault("SERVER_SPEAKS_TLS", address_.text, " speaks TLS, and this client does not");
}

absl::Status Probe::OverTls() const {
  const absl::StatusOr<ProbeSocket> socket = ProbeSocket::Dial(address_, first_deadline_);
  if (!socket.ok()) return socket.status();
  TlsSession session(&*socket, credentials_, server_name_, true);
  Step step = session.ShakeHands(first_deadline_);
  if (step != Step::kDone) return AfterFailedHandshake(session, step);
  if (!session.is_http2()) {
    return Fault("NOT_GRPC", address_.text, " speaks TLS, but is not the gateway's gRPC port");
  }
  step = session.AwaitAnswer(deadline_);
  switch (step) {
    case Step::kDone:
      return absl::OkStatus();
    case Step::kTimedOut:
      return WithoutAnswer(true);
    case Step::kRefused:
      return AlertFault(session);
    case Step::kClosed:
      break;
  }
  // TLS 1.3 lets a server end like this when it does not like the client's certificate.
  if (session.certificate_asked()) return ClientCertificateFault(session, "closes the connection");
  return WithoutAnswer(false);
}

absl::Status Probe::AfterFailedHandshake(const TlsSession& session, Step step) const {
  if (session.verify_error() != X509_V_OK) return ServerCertificateFault(session);
  if (session.alert() >= 0) return AlertFault(session);
  if (session.certificate_asked()) return ClientCertificateFault(session, "closes the connection");
  if (!session.is_tls()) return NotTls(step);
  return Fault("HANDSHAKE_FAILED", "the TLS handshake with ", address_.text, " broke off");
}

absl::Status Probe::NotTls(Step step) const {
  const absl::StatusOr<ProbeSocket> socket = ProbeSocket::Dial(address_, deadline_);
  if (!socket.ok()) return socket.status();
  switch (socket->Greet(deadline_)) {
    case FirstWords::kHttp2:
      return Fault("SERVER_SPEAKS_NO_TLS", address_.text,
                   " speaks no TLS, and this client was told to");
    case FirstWords::kHttp1:
      return Fault("NOT_GRPC", address_.text, " is an HTTP port, not the gateway's gRPC port");
    case FirstWords::kTls:
      return Fault("HANDSHAKE_FAILED", "the TLS handshake with ", address_.text, " broke off");
    case FirstWords::kOther:
      return Fault("NOT_GRPC", "what listens at ", address_.text, " does not speak gRPC");
    case FirstWords::kClosed:
    case FirstWords::kSilent:
      break;
  }
  return WithoutAnswer(step == Step::kTimedOut);
}

absl::Status Probe::UnknownAuthority(const TlsSession& session) const {
  if (session.faulty() == nullptr) {
    return Fault("SERVER_AUTHORITY_UNKNOWN", "the certificate of ", address_.text,
                 " is not signed by an authority of ", credentials_.ca_file);
  }
  // The file may hold one of the same name: then it is an older or a newer one.
  const std::string issuer = IssuerWords(session.faulty());
  bool has_namesake = false;
  for (const X509Pointer& authority : CertificatesOf(credentials_.ca_pem)) {
    has_namesake = has_namesake || SubjectWords(authority.get()) == issuer;
  }
  return Fault("SERVER_AUTHORITY_UNKNOWN", "the certificate of ", address_.text, " is signed by \"",
               issuer, "\", ", has_namesake ? "but by another of that name than " : "which is not ",
               "in ", credentials_.ca_file);
}

absl::Status Probe::ServerCertificateFault(const TlsSession& session) const {
  const int error = session.verify_error();
  const X509* const faulty = session.faulty();
  const bool is_leaf = faulty == nullptr || session.leaf() == faulty;
  const std::string whose = is_leaf
                                ? absl::StrCat("the certificate of ", address_.text)
                                : absl::StrCat("the authority \"", SubjectWords(faulty),
                                               "\" that signed the certificate of ", address_.text);
  switch (error) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_CERT_UNTRUSTED:
      return UnknownAuthority(session);
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return Fault("SERVER_NAME_MISMATCH", "the certificate of ", address_.text, " is for ",
                   session.leaf() == nullptr ? "others" : AlternativeNameWords(session.leaf()),
                   ", not for ", server_name_);
    case X509_V_ERR_CERT_HAS_EXPIRED:
      if (faulty == nullptr) break;
      return Fault("SERVER_CERTIFICATE_EXPIRED", whose, " expired at ",
                   TimeWords(NotAfter(faulty)));
    case X509_V_ERR_CERT_NOT_YET_VALID:
      if (faulty == nullptr) break;
      return Fault("SERVER_CERTIFICATE_EXPIRED", whose, " is valid only from ",
                   TimeWords(NotBefore(faulty)), " on; this machine's clock says ",
                   TimeWords(absl::Now()));
    default:
      break;
  }
  return Fault("SERVER_CERTIFICATE_UNFIT", whose,
               " will not do: ", X509_verify_cert_error_string(error));
}

absl::Status Probe::AlertFault(const TlsSession& session) const {
  const int alert = session.alert();
  switch (alert) {
    case SSL_AD_NO_APPLICATION_PROTOCOL:
      return Fault("NOT_GRPC", address_.text, " speaks TLS, but is not the gateway's gRPC port");
    case SSL_AD_UNRECOGNIZED_NAME:
      return Fault("SERVER_NAME_MISMATCH", address_.text, " has no certificate for ", server_name_);
    default:
      break;
  }
  const std::string said =
      alert < 0 ? "ends the connection" : absl::StrCat("says: ", SSL_alert_desc_string_long(alert));
  // Of its own certificate a server says nothing by an alert; so this is about the client's.
  if (session.certificate_asked()) return ClientCertificateFault(session, said);
  return Fault("HANDSHAKE_FAILED", "the TLS handshake with ", address_.text, " failed; it ", said);
}

absl::Status Probe::ClientCertificateFault(const TlsSession& session,
                                           absl::string_view said) const {
  const std::vector<X509Pointer> own = CertificatesOf(credentials_.certificate_pem);
  const std::string accepted = session.AcceptedAuthorities();
  const std::string of = accepted.empty() ? "" : absl::StrCat(" signed by \"", accepted, "\"");
  if (own.empty()) {
    return Fault("CLIENT_CERTIFICATE_REQUIRED", address_.text, " asks for a client certificate", of,
                 ", and none was shown; it ", said);
  }
  const X509* const leaf = own.front().get();
  const std::string refusal = absl::StrCat(address_.text, " does not take the client certificate ",
                                           security_.certificate_file);
  if (NotAfter(leaf) < absl::Now() || session.alert() == SSL_AD_CERTIFICATE_EXPIRED) {
    return Fault("CLIENT_CERTIFICATE_REFUSED", refusal, ": it expired at ",
                 TimeWords(NotAfter(leaf)));
  }
  if (NotBefore(leaf) > absl::Now()) {
    return Fault("CLIENT_CERTIFICATE_REFUSED", refusal, ": it is valid only from ",
                 TimeWords(NotBefore(leaf)), " on");
  }
  if (X509_check_purpose(own.front().get(), X509_PURPOSE_SSL_CLIENT, 0) != 1) {
    return Fault("CLIENT_CERTIFICATE_REFUSED", refusal, ": it is not for clients");
  }
  if (session.alert() >= 0 && session.alert() != SSL_AD_UNKNOWN_CA) {
    return Fault("CLIENT_CERTIFICATE_REFUSED", refusal, "; it ", said);
  }
  const bool is_of_accepted = std::any_of(own.begin(), own.end(), [&](const X509Pointer& shown) {
    return session.Accepts(X509_get_issuer_name(shown.get()));
  });
  if (session.alert() < 0 && is_of_accepted) {
    // Nothing speaks against the certificate, so it may be something else.
    return Fault("CLOSED", address_.text, " closes the connection once it has seen the client ",
                 "certificate ", security_.certificate_file, "; its log may say why");
  }
  return Fault("CLIENT_CERTIFICATE_REFUSED", refusal, ": it is signed by \"",
               IssuerWords(own.back().get()), "\"",
               accepted.empty() ? "" : absl::StrCat(", and it asks for one", of));
}

}  // namespace

absl::Status ProbeConnection(const ServerAddress& address, const SecurityOptions& security,
                             const TlsCredentials& credentials, absl::Duration limit) {
  const Probe probe(address, security, credentials, limit);
  return security.wants_tls() ? probe.OverTls() : probe.InClear();
}

}  // namespace onhook::client
