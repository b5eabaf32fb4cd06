#ifndef ONHOOK_GATEWAY_NET_UNIX_SOCKET_H_
#define ONHOOK_GATEWAY_NET_UNIX_SOCKET_H_

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace onhook {

// "unix:/path", the form of a Unix-domain socket in Listener's options, without its beginning;
// empty: the text is not of that form.
absl::string_view UnixSocketPath(absl::string_view listen);

// A listening Unix-domain socket, and by what its file can be told from another of that name.
struct UnixSocket {
  int descriptor = -1;
  dev_t device = 0;
  ino_t inode = 0;
};

// Opens a listening Unix-domain socket, which the caller owns, with a file of `mode`, whatever the
// process's umask is. At no moment may anybody connect whom `mode` does not let. A file that a
// process left behind that was killed is replaced; a socket that somebody listens at, and a file
// that is no socket, never are.
// Blocking: as a file system does. Errors: kInvalidArgument (`path` is not absolute, or longer than
// the system takes), kAlreadyExists (somebody listens there, or it is something else),
// kUnavailable.
absl::StatusOr<UnixSocket> OpenUnixSocket(const std::string& path, mode_t mode, int backlog);

// Whether OpenUnixSocket would open one, as far as can be told without making a file; says why not
// as it does. Changes nothing.
absl::Status CheckUnixSocketIsFree(const std::string& path);

// Takes the file away, unless another has taken its name meanwhile.
void RemoveFile(const std::string& path, const UnixSocket& socket);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_NET_UNIX_SOCKET_H_
