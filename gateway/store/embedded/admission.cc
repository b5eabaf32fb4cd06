#include "gateway/store/embedded/admission.h"

#include <algorithm>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"

namespace onhook {
namespace {

constexpr absl::Duration kMostAhead = absl::Hours(30 * 24);

absl::Time ForgetAt(const NewEvent::Nonce& nonce, absl::Time seen_at, absl::Duration memory) {
  absl::Time timestamp = absl::FromUnixMillis(nonce.timestamp_ms);
  if (!nonce.refuse_forgotten) timestamp = std::min(timestamp, seen_at + kMostAhead);
  return std::max(timestamp, seen_at) + memory;
}

// It was stored once, and cannot be told from here whether it still is: to be asked again, while
// the others of its batch go on.
absl::Status Doubtful(const absl::Status& status) {
  return absl::UnavailableError(
      absl::StrCat("the store is damaged where this event lies: ", status.message()));
}

absl::Status Unknown() { return absl::NotFoundError("no such event is known"); }

}  // namespace

absl::StatusOr<Admission> Admit(const NewEvent& event, LogPlace place, absl::Time stored_at,
                                absl::Duration nonce_memory, Storage& storage) {
  bool only_if_known = event.only_if_known;
  bool is_new_nonce = false;
  if (event.nonce.has_value()) {
    const auto digest = storage.nonces().Find(event.source, *event.nonce);
    if (!digest.ok()) return digest.status();
    if (digest->has_value() && **digest != event.digest) {
      return Admission{absl::PermissionDeniedError("the nonce came with another content"), {}};
    }
    is_new_nonce = !digest->has_value();
    // What came with its nonce already was stored then.
    only_if_known = only_if_known || !is_new_nonce;
    if (is_new_nonce && event.nonce->refuse_forgotten) {
      const absl::StatusOr<int64_t> horizon = storage.nonces().Horizon(event.source);
      if (!horizon.ok()) return horizon.status();
      only_if_known = only_if_known || event.nonce->timestamp_ms <= *horizon;
    }
  }
  Admission admission;
  if (only_if_known) {
    const absl::StatusOr<Sequence> known = storage.FindIdentity(event);
    if (absl::IsAborted(known.status())) return Admission{Doubtful(known.status()), {}};
    if (!known.ok()) return known.status();
    if (*known == 0) return Admission{Unknown(), {}};
    admission.result = {*known, /*duplicate=*/true};
  } else {
    const absl::StatusOr<AppendResult> result = storage.InsertEvent(event, place, stored_at);
    if (absl::IsAborted(result.status())) return Admission{Doubtful(result.status()), {}};
    if (!result.ok()) return result.status();
    admission.result = *result;
  }
  if (is_new_nonce) {
    const absl::Status kept =
        storage.nonces().Insert({event.source, *event.nonce, event.digest,
                                 ForgetAt(*event.nonce, stored_at, nonce_memory)});
    if (!kept.ok()) return kept;
  }
  return admission;
}

}  // namespace onhook
