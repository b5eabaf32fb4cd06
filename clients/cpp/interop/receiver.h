#ifndef ONHOOK_CLIENTS_CPP_INTEROP_RECEIVER_H_
#define ONHOOK_CLIENTS_CPP_INTEROP_RECEIVER_H_

#include <cstdint>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "clients/cpp/interop/reports.h"
#include "onhook/client.h"

namespace onhook::interop {

// The one subscription or watch of the program, by the commands that PROTOCOL.md names.
//
// Threads: one commands. What it starts for waiting is never joined: the program ends at once.
class Receiver {
 public:
  explicit Receiver(Reports* reports) : reports_(reports) {}

  void Subscribe(const client::Client& client, const Json& command);
  void Watch(const client::Client& client, const Json& command);
  void Settle(const Json& command);
  void Extend(const Json& command);
  void SetPaused(bool paused);
  void Stop(const Json& command);
  void Count();

 private:
  client::SubscribeOptions Options(const Json& command);
  int NextNumber();
  // The handler; without `auto` it waits for its verdict.
  client::Settlement Handle(const v1::Delivery& delivery);
  // The loop of the iterator form.
  void Consume();
  void NoteHandled(const v1::Delivery& delivery);
  client::StateHook ReportState();
  void ReportConfirmed(const std::string& report, int number, std::future<absl::Status> confirmed);
  void ReportEnd(const absl::Status& status);

  Reports* const reports_;
  std::unique_ptr<client::Subscriber> subscriber_;
  std::unique_ptr<client::Consumer> consumer_;
  std::unique_ptr<client::Watcher> watcher_;
  bool acknowledges_ = false;  // by itself

  absl::Mutex mutex_;
  std::ofstream log_ ABSL_GUARDED_BY(mutex_);
  int last_number_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<int, client::Settlement> verdicts_ ABSL_GUARDED_BY(mutex_);
  std::map<int, client::Delivery> deliveries_ ABSL_GUARDED_BY(mutex_);
  int64_t handled_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Time first_handled_ ABSL_GUARDED_BY(mutex_);
  absl::Time last_handled_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace onhook::interop

#endif  // ONHOOK_CLIENTS_CPP_INTEROP_RECEIVER_H_
