#include "tests/hostile/nginx_proxy.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/strings/substitute.h"
#include "gateway/net/listening_socket.h"

namespace onhook {
namespace {

constexpr char kProgram[] = "/usr/sbin/nginx";

// $0 the directory, $1 the port to listen on, $2 the server's.
constexpr char kSettings[] = R"(
daemon off;
master_process off;
pid $0/pid;
error_log stderr notice;
events { worker_connections 512; }
http {
  access_log off;
  client_body_temp_path $0/body;
  proxy_temp_path $0/proxy;
  fastcgi_temp_path $0/fastcgi;
  uwsgi_temp_path $0/uwsgi;
  scgi_temp_path $0/scgi;
  underscores_in_headers on;
  ignore_invalid_headers off;
  merge_slashes off;
  upstream gateway {
    server 127.0.0.1:$2;
    keepalive 8;
  }
  server {
    listen 127.0.0.1:$1 reuseport;
    location / {
      proxy_pass http://gateway;
      proxy_http_version 1.1;
      proxy_request_buffering off;
      proxy_set_header Connection "";
    }
  }
}
)";

// A free port, as a socket that shares it with nginx, and with nobody else, but does not listen.
int ReservePort() {
  const int reservation = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(reservation, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  bind(reservation, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  return reservation;
}

}  // namespace

bool NginxProxy::IsInstalled() { return access(kProgram, X_OK) == 0; }

NginxProxy::NginxProxy(int server_port)
    : reservation_(ReservePort()),
      port_(BoundPort(reservation_)),
      process_({kProgram, "-e", "stderr", "-c", WriteSettings(server_port)}) {}

NginxProxy::~NginxProxy() { close(reservation_); }

bool NginxProxy::WaitUntilListening(absl::Duration timeout) const {
  return process_.WaitForOutput(
      [](absl::string_view log) { return absl::StrContains(log, "event method"); }, timeout);
}

std::string NginxProxy::WriteSettings(int server_port) const {
  const std::string path = directory_.path() + "/nginx.conf";
  std::ofstream(path) << absl::Substitute(kSettings, directory_.path(), port_, server_port);
  return path;
}

}  // namespace onhook
