#ifndef ONHOOK_CLIENTS_CLI_SENDER_FLAGS_H_
#define ONHOOK_CLIENTS_CLI_SENDER_FLAGS_H_

#include <string>

#include "absl/status/status.h"
#include "clients/cli/arguments.h"
#include "clients/cli/vendor_client.h"

namespace onhook::cli {

// The flags that say where `onhook send` posts, and how it proves who it is. Secrets come from
// files: an argument would be seen in the list of processes.
class SenderFlags {
 public:
  SenderFlags();

  void Declare(Arguments& arguments);

  // Reads the files. Errors: kInvalidArgument, repeating nothing of them.
  absl::Status Check();

  // After Check.
  const VendorTarget& target() const { return target_; }
  // The key to sign with; empty: none.
  const std::string& key() const { return key_; }

 private:
  absl::Status FindAuthorities();
  absl::Status FindPath();
  absl::Status FindCredentials();

  std::string url_ = "http://127.0.0.1:8080/release-events";
  std::string ca_;
  std::string path_;
  std::string path_token_file_;
  std::string key_file_;
  std::string token_file_;
  std::string user_;
  std::string password_file_;

  VendorTarget target_;
  std::string key_;
};

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_SENDER_FLAGS_H_
