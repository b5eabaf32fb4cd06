#ifndef ONHOOK_TESTS_COMPONENT_ROTATION_LOAD_H_
#define ONHOOK_TESTS_COMPONENT_ROTATION_LOAD_H_

#include <grpcpp/channel.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tests/support/raw_tls_client.h"
#include "tests/support/test_certificates.h"

namespace onhook {

// What those who come to the gateway have and believe in.
struct ClientMaterial {
  std::string ca_pem;           // who may have signed the gateway's certificate
  TestCertificate certificate;  // empty: none
  std::string token;            // of the callbacks, and of the calls that show no certificate
};

// A channel with a connection of its own, that shows the certificate of `material`, if any.
std::shared_ptr<grpc::Channel> TlsChannel(int port, const ClientMaterial& material);

// ListSubscriptions over `channel`, with `token` as the bearer if that is not empty. What is wrong
// with how it ended; "" if nothing is.
std::string FaultOfCall(const std::shared_ptr<grpc::Channel>& channel, const std::string& token);

// What reaches a gateway while its certificates change: threads that go round, and in each round
// post a callback over a connection that is kept and over a new one, and call over a connection
// that is kept, over a new one with a certificate, and over a new one with a token.
//
// Everything is done once: whatever is not answered as it should be is a failure. Threads: its own,
// beside the owner's. Blocking: Stop and the destructor, until the rounds under way are done.
class RotationLoad {
 public:
  struct Ports {
    int http = 0;
    int grpc = 0;
  };
  RotationLoad(const Ports& ports, ClientMaterial material, int threads);
  ~RotationLoad() { Stop(); }

  // What holds from each thread's next round on. Kept connections stay, but for those that showed
  // another certificate.
  void Use(const ClientMaterial& material);
  // Nobody new is led to the gateway: each thread ends what it is at, closes what it has kept, and
  // waits. Does not wait itself.
  void Withdraw();
  // They go on, by new connections.
  void Return();
  // Whether each thread has begun and done a round since, before `timeout`.
  bool AwaitRounds(absl::Duration timeout) const;
  void Stop();

  // Calls whose callback was answered with success. To be asked after Stop.
  std::vector<std::string> accepted() const;
  // "HTTPS, new connection: ...", a hundred at most.
  std::vector<std::string> failures() const;

 private:
  // What a thread has from one round to the next.
  struct Kept {
    std::unique_ptr<RawTlsClient> https;
    std::shared_ptr<grpc::Channel> channel;
    std::string channel_certificate_pem;
  };

  void GoRound(size_t number);
  // What the next round has; nothing: there is none. Waits while they are withdrawn.
  std::optional<ClientMaterial> AwaitTurn(Kept& kept);
  bool withdrawn() const;
  void PostOverKept(const ClientMaterial& material, Kept& kept);
  void Call(const ClientMaterial& material, Kept& kept);
  void Post(absl::string_view kind, RawTlsClient& client, const std::string& token,
            bool* keeps_open);
  void NoteFault(absl::string_view kind, const std::string& fault);

  const Ports ports_;
  mutable absl::Mutex mutex_;
  ClientMaterial material_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool withdrawn_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<int64_t> rounds_ ABSL_GUARDED_BY(mutex_);  // done, by thread
  int64_t calls_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::string> accepted_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> failures_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_COMPONENT_ROTATION_LOAD_H_
