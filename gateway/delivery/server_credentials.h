#ifndef ONHOOK_GATEWAY_DELIVERY_SERVER_CREDENTIALS_H_
#define ONHOOK_GATEWAY_DELIVERY_SERVER_CREDENTIALS_H_

#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "gateway/delivery/call_gate.h"
#include "gateway/tls/tls_files.h"

namespace onhook {

// What the gRPC port shows of itself and asks of its peers: TLS as TlsFiles has it at each
// handshake, so that new files hold at once and no connection is dropped for them; or no TLS.
//
// gRPC's own watcher of files is not used: it takes files that are no good.
// `tls` null: no TLS. `gate` null: every call passes. Both must outlive the server. For one port
// only. Never null.
std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials(const TlsFiles* tls, CallGate* gate);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_SERVER_CREDENTIALS_H_
