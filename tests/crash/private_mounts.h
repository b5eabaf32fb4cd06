#ifndef ONHOOK_TESTS_CRASH_PRIVATE_MOUNTS_H_
#define ONHOOK_TESTS_CRASH_PRIVATE_MOUNTS_H_

#include <string>

#include "tests/support/temporary_directory.h"

namespace onhook {

// Why this process cannot mount what only it and its children see; empty: it can. From a call that
// returns empty on, whatever the calling thread mounts is gone with the last of those processes,
// however they end.
std::string MissingForPrivateMounts();

// Something mounted on a directory of its own, for as long as it lives. A failure is a failed
// expectation of the test. Threads: one, and that of the test.
class PrivateMount {
 public:
  // As mount(2) takes them.
  PrivateMount(std::string source, std::string type, std::string options);
  ~PrivateMount();
  PrivateMount(const PrivateMount&) = delete;
  PrivateMount& operator=(const PrivateMount&) = delete;

  const std::string& path() const { return directory_.path(); }
  // Takes it off and mounts it again. Nobody may use it.
  void Remount();

 private:
  void Mount();

  const std::string source_;
  const std::string type_;
  const std::string options_;
  const TemporaryDirectory directory_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_PRIVATE_MOUNTS_H_
