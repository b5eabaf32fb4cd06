#ifndef ONHOOK_TESTS_HOSTILE_HEALTHY_CLIENT_H_
#define ONHOOK_TESTS_HOSTILE_HEALTHY_CLIENT_H_

#include <grpcpp/security/credentials.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"

namespace onhook {

// Somebody who is let in and asks little: calls the gateway again and again, while others do it
// harm.
class HealthyClient {
 public:
  HealthyClient(int port, std::shared_ptr<grpc::ChannelCredentials> credentials);
  ~HealthyClient();  // stops

  // Waits until calls that began after this were answered well. False: one failed, or they take
  // very long.
  bool IsServed();
  // The calls that failed, in words.
  std::vector<std::string> failures() const;
  int answered() const;

 private:
  void Run(int port, const std::shared_ptr<grpc::ChannelCredentials>& credentials);

  absl::Notification stopped_;
  mutable absl::Mutex mutex_;
  int answered_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::string> failures_ ABSL_GUARDED_BY(mutex_);
  std::thread calling_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_HOSTILE_HEALTHY_CLIENT_H_
