#include "gateway/delivery/connection_intake.h"

#include <fcntl.h>
#include <grpcpp/server_posix.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace onhook {
namespace {

// From the first sign to giving up in less than 5 s, since nothing of a shortage that lasts so long
// will pass by itself: connections of this port give way at once.
constexpr absl::Duration kSelfDialInterval = absl::Milliseconds(500);
constexpr int kSelfDialsUntilReopened = 4;
constexpr int kSelfDialsUntilGivenUp = 7;

Listener::Options Listen(std::string listen, int unix_mode) {
  Listener::Options options;
  options.listen = std::move(listen);
  options.unix_mode = unix_mode;
  options.self_dial_interval = kSelfDialInterval;
  options.self_dials_until_reopened = kSelfDialsUntilReopened;
  options.self_dials_until_given_up = kSelfDialsUntilGivenUp;
  return options;
}

}  // namespace

ConnectionIntake::ConnectionIntake(const DeliveryOptions& options, ConnectionLedger* ledger,
                                   std::function<void(const absl::Status& why)> on_given_up,
                                   const Clock* clock, const Log* log)
    : ledger_(ledger),
      tcp_("delivery", Listen(options.listen, options.unix_socket_mode),
           {[this](int socket, const Endpoint& peer) { TakeTcp(socket, peer); },
            [this] { ledger_->MakeDescriptorsFree(); }, nullptr, on_given_up},
           clock, log) {
  if (options.unix_socket.empty()) return;
  unix_ = std::make_unique<Listener>(
      "delivery", Listen(absl::StrCat("unix:", options.unix_socket), options.unix_socket_mode),
      Listener::Callbacks{[this](int socket, const Endpoint& peer) { TakeUnix(socket, peer); },
                          [this] { ledger_->MakeDescriptorsFree(); }, nullptr, on_given_up},
      clock, log);
}

ConnectionIntake::~ConnectionIntake() { Stop(); }

void ConnectionIntake::AddTo(grpc::ServerBuilder& builder,
                             std::shared_ptr<grpc::ServerCredentials> credentials) {
  acceptor_ = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
      std::move(credentials));
}

absl::Status ConnectionIntake::Start(grpc::Server* server) {
  server_ = server;
  if (absl::Status started = tcp_.Start(); !started.ok()) return started;
  if (unix_ == nullptr) return absl::OkStatus();
  absl::Status started = unix_->Start();
  if (started.ok()) return started;
  tcp_.Stop();
  return absl::Status(started.code(), absl::StrCat("grpc.unix_socket: ", started.message()));
}

void ConnectionIntake::Stop() {
  tcp_.Stop();
  if (unix_ != nullptr) unix_->Stop();
}

bool ConnectionIntake::alive() const {
  return tcp_.alive() && (unix_ == nullptr || unix_->alive());
}

bool ConnectionIntake::Admit(int socket, const Endpoint& peer) {
  // gRPC expects it so, and sets it on the sockets only that it accepted itself.
  const bool ready = fcntl(socket, F_SETFL, O_NONBLOCK) == 0;
  if (ready && ledger_->Admit(socket, peer)) return true;
  close(socket);
  return false;
}

void ConnectionIntake::TakeTcp(int socket, const Endpoint& peer) {
  if (!Admit(socket, peer)) return;
  grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
  connection.fd = socket;
  acceptor_->HandleNewConnection(&connection);
}

// Not through the acceptor, which refuses peers without an address.
void ConnectionIntake::TakeUnix(int socket, const Endpoint& peer) {
  if (Admit(socket, peer)) grpc::AddInsecureChannelFromFd(server_, socket);
}

}  // namespace onhook
