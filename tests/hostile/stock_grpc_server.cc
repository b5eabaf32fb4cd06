// A gRPC server as its library comes: what onhookd_descriptors_test holds onhookd against. Says its
// port, answers health checks, and ends with its standard input.
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <iostream>
#include <memory>
#include <string>

int main() {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::CallbackGenericService nothing_else;
  grpc::ServerBuilder builder;
  builder.RegisterCallbackGenericService(&nothing_else);
  int port = 0;
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return 1;
  std::cout << "port " << port << std::endl;
  std::string ignored;
  while (std::getline(std::cin, ignored)) {
  }
  return 0;
}
