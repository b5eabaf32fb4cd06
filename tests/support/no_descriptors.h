#ifndef ONHOOK_TESTS_SUPPORT_NO_DESCRIPTORS_H_
#define ONHOOK_TESTS_SUPPORT_NO_DESCRIPTORS_H_

#include <sys/resource.h>

namespace onhook {

// While it lives, this process gets no new descriptor. Not for the sanitizers, whose checks and
// reports need some of their own.
class NoDescriptors {
 public:
  NoDescriptors() {
    getrlimit(RLIMIT_NOFILE, &files_);
    const rlimit none{0, files_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoDescriptors() { setrlimit(RLIMIT_NOFILE, &files_); }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  rlimit files_{};
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_SUPPORT_NO_DESCRIPTORS_H_
