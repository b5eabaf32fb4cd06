#ifndef ONHOOK_CLIENTS_CPP_STREAM_ENDS_H_
#define ONHOOK_CLIENTS_CPP_STREAM_ENDS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "clients/cpp/grpc_status.h"
#include "onhook/client.h"
#include "onhook/status.h"

namespace onhook::client {

// How one stream ended, with why as GatewayConnection::Explain says it; OK: it goes away as
// planned.
struct StreamEnd {
  absl::Status why;
  bool opened = false;
  // It was ended here because ReconnectOptions::recheck was over, and nothing else had happened.
  bool waited_in_vain = false;
};

// Decides, for whoever keeps a stream open, what the ends of its streams mean.
//
// UNAUTHENTICATED is special: who was let in before may just have files that change later than the
// gateway's, and is tried again for ReconnectOptions::rotation_patience. Who never was is simply
// wrong.
// Pure. Threads: one at a time.
class StreamEnds {
 public:
  explicit StreamEnds(const ClientOptions& options)
      : patience_(options.security.certificate_file.empty() && options.security.token_file.empty()
                      ? absl::ZeroDuration()
                      : options.reconnect.rotation_patience) {}

  // Whether no other stream is to be opened after this one, which ended at `now`. To be asked once
  // about each.
  bool IsFinal(const StreamEnd& end, absl::Time now) {
    if (end.opened) {
      was_let_in_ = true;
      refused_at_ = absl::InfiniteFuture();
    }
    if (end.why.ok() || IsTransient(end.why)) return false;
    if (end.why.code() != absl::StatusCode::kUnauthenticated || !was_let_in_) return true;
    if (refused_at_ == absl::InfiniteFuture()) refused_at_ = now;
    return now - refused_at_ >= patience_;
  }

  // Whether it is worth telling: what is the same as before, while nothing came about, is not. To
  // be asked once about each.
  bool IsNews(const StreamEnd& end) {
    const bool is_known = ErrorReason(end.why).empty() || told_ == end.why.message();
    if (end.waited_in_vain && is_known) return false;
    told_ = std::string(end.why.message());
    return true;
  }

 private:
  const absl::Duration patience_;
  bool was_let_in_ = false;
  absl::Time refused_at_ = absl::InfiniteFuture();  // the first time since it was let in
  std::string told_;
};

}  // namespace onhook::client

#endif  // ONHOOK_CLIENTS_CPP_STREAM_ENDS_H_
