#include "gateway/config/setting_kinds.h"
#include "gateway/config/setting_rows.h"

namespace onhook {
namespace {

using S = Settings;

}  // namespace

std::vector<Setting> HttpTlsRows() {
  return {
      Row(
          "http.tls.certificate_file", FileKind(),
          [](S* s) { return &s->http.tls.certificate_file; },
          "the port's certificate and those that signed it, in PEM; none: HTTP without TLS",
          "a first try needs none, and behind a proxy it is the proxy that has one"),
      Row(
          "http.tls.key_file", FileKind(), [](S* s) { return &s->http.tls.key_file; },
          "the certificate's key, in PEM, without a passphrase",
          "a key without its certificate is of no use"),
  };
}

std::vector<Setting> GrpcTlsRows() {
  return {
      Row(
          "grpc.tls.certificate_file", FileKind(),
          [](S* s) { return &s->grpc.tls.certificate_file; },
          "the port's certificate and those that signed it, in PEM; none: no TLS",
          "a first try needs none; events beyond this machine should have one"),
      Row(
          "grpc.tls.key_file", FileKind(), [](S* s) { return &s->grpc.tls.key_file; },
          "the certificate's key, in PEM, without a passphrase",
          "a key without its certificate is of no use"),
      Row(
          "grpc.tls.client_ca_file", FileKind(), [](S* s) { return &s->grpc.tls.client_ca_file; },
          "who may sign the certificates of subscribers, in PEM; none: they are asked for none",
          "an authority is the operator's choice; tokens do without one"),
      Row(
          "grpc.tls.client_certificate", ClientCertificateKind(),
          [](S* s) { return &s->grpc.tls.client_certificate; },
          "whether a subscriber without a certificate is let in, to prove itself by a token",
          "who has none gets no further than the handshake: the least that a stranger can reach"),
  };
}

std::vector<Setting> AdminTlsRows() {
  return {
      Row(
          "admin.tls.certificate_file", FileKind(),
          [](S* s) { return &s->admin.tls.certificate_file; },
          "the port's certificate and those that signed it, in PEM; none: HTTP without TLS",
          "probes ask on the machine itself, and get no secret"),
      Row(
          "admin.tls.key_file", FileKind(), [](S* s) { return &s->admin.tls.key_file; },
          "the certificate's key, in PEM, without a passphrase",
          "a key without its certificate is of no use"),
      Row(
          "admin.tls.client_ca_file", FileKind(), [](S* s) { return &s->admin.tls.client_ca_file; },
          "who may sign the certificates of those who ask, in PEM; none: they are asked for none",
          "an authority is the operator's choice; tokens do without one"),
      Row(
          "admin.tls.client_certificate", ClientCertificateKind(),
          [](S* s) { return &s->admin.tls.client_certificate; },
          "whether one without a certificate is let in: probes of a cluster have none",
          "as on the other port; what lets more in is written down"),
  };
}

}  // namespace onhook
