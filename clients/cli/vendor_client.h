#ifndef ONHOOK_CLIENTS_CLI_VENDOR_CLIENT_H_
#define ONHOOK_CLIENTS_CLI_VENDOR_CLIENT_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace onhook::cli {

// Where callbacks go: the parts of http://HOST[:PORT]/PATH or https://HOST[:PORT]/PATH.
struct VendorUrl {
  std::string origin;  // "http://127.0.0.1:8080"
  std::string path;    // "/release-events"

  bool is_https() const;
};

// kInvalidArgument: not such a URL.
absl::StatusOr<VendorUrl> ParseVendorUrl(absl::string_view url);

// Where callbacks go, and what is said there to be let in.
struct VendorTarget {
  VendorUrl url;
  // Of https://, in PEM: who may have signed the server's certificate. Empty: those whom the system
  // trusts.
  std::string ca_file;
  std::string authorization;  // the header of that name; empty: none
};

// What came back for a callback.
struct VendorAnswer {
  int http_status = 0;
  std::string body;
  // The body's, if it is an acknowledgment at all: a JSON object with a text of that name.
  std::optional<std::string> ret_code;
  std::string ret_msg;
  // HTTP 200 and retCode "0": what the vendor takes for success. Either alone is not enough.
  bool acknowledged = false;
};

// Reads an answer as the vendor does.
VendorAnswer ReadAnswer(int http_status, std::string body);

// Plays the vendor: posts callbacks over one connection, which is kept.
//
// Threads: one. Blocking: Post, up to the timeout.
class VendorClient {
 public:
  VendorClient(const VendorTarget& target, absl::Duration timeout);
  ~VendorClient();

  // An answer, whatever it says, is OK. kUnavailable: none came. Nothing is sent to a server whose
  // certificate does not verify, or is for another host.
  absl::StatusOr<VendorAnswer> Post(const std::string& body);

 private:
  struct Connection;

  const VendorTarget target_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_VENDOR_CLIENT_H_
