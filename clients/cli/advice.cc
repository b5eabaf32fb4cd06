#include "clients/cli/advice.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "onhook/status.h"

namespace onhook::cli {
namespace {

constexpr absl::string_view kWhere =
    "is onhookd running, and is that its gRPC address? --server says another";
constexpr absl::string_view kWithoutTls =
    "leave out --ca, --cert, --key, --server-name and --tls, and their variables ONHOOK_CA and so "
    "on";

struct ReasonOfClient {
  absl::string_view reason;
  bool of_flags;
  absl::string_view advice;
};

// Of client.h and tls_probe.h.
constexpr std::array kReasons = {
    ReasonOfClient{"NAME_NOT_RESOLVED", false, "--server says another address"},
    ReasonOfClient{"NOBODY_LISTENS", false, kWhere},
    ReasonOfClient{"NO_ANSWER", false, kWhere},
    ReasonOfClient{"NOT_REACHED", false, kWhere},
    ReasonOfClient{"CLOSED", false, kWhere},
    ReasonOfClient{"HANDSHAKE_FAILED", false, kWhere},
    ReasonOfClient{"NOT_GRPC", false, "--server names the gateway's gRPC port, its grpc.listen"},
    ReasonOfClient{"SERVER_SPEAKS_TLS", false,
                   "--ca names the file of the authority that signed its certificate; --tls trusts "
                   "the system's"},
    ReasonOfClient{"SERVER_SPEAKS_NO_TLS", false, kWithoutTls},
    ReasonOfClient{"SERVER_AUTHORITY_UNKNOWN", false,
                   "--ca names the file of the authority that signed it"},
    ReasonOfClient{"SERVER_NAME_MISMATCH", false,
                   "--server-name says which of them is expected, or --server uses it"},
    ReasonOfClient{"SERVER_CERTIFICATE_EXPIRED", false,
                   "the gateway's setting grpc.tls names another"},
    ReasonOfClient{"SERVER_CERTIFICATE_UNFIT", false,
                   "the gateway's setting grpc.tls names another"},
    ReasonOfClient{"CLIENT_CERTIFICATE_REQUIRED", false, "--cert and --key show one"},
    ReasonOfClient{"CLIENT_CERTIFICATE_REFUSED", false, "--cert and --key show another"},
    ReasonOfClient{"SERVER_ADDRESS", true, "--server says another"},
    ReasonOfClient{"CA_FILE", true, "--ca names another file"},
    ReasonOfClient{"CERTIFICATE_FILE", true, "--cert names another file"},
    ReasonOfClient{"KEY_FILE", true, "--key names another file"},
    ReasonOfClient{"CERTIFICATE_PAIR", true, "--cert and --key go together"},
    ReasonOfClient{"TOKEN_FILE", true, "--token-file names another file"},
    ReasonOfClient{"CLEARTEXT_TOKEN", true,
                   "--ca or --tls speaks TLS; --allow-cleartext-token sends it all the same"},
    ReasonOfClient{"TLS_OVER_UNIX_SOCKET", true, kWithoutTls},
};

const ReasonOfClient* Find(const absl::Status& status) {
  const std::string reason = client::ErrorReason(status);
  const auto* const found =
      std::find_if(kReasons.begin(), kReasons.end(),
                   [&](const ReasonOfClient& known) { return known.reason == reason; });
  return found == kReasons.end() ? nullptr : found;
}

// The line that would give the permission, to be copied into the gateway's settings.
std::string PermissionAdvice(const absl::Status& status) {
  const std::string permission = client::ErrorMetadata(status, "permission");
  if (permission.empty()) return "; what an identity may do stands in the gateway's setting access";
  const bool of_subscriptions =
      permission == "subscribe" || permission == "create" || permission == "administer";
  const std::string subscription = client::ErrorMetadata(status, "subscription");
  const std::string value =
      !of_subscriptions ? "true"
                        : absl::StrCat("[", subscription.empty() ? "NAME" : subscription, "]");
  const std::string identity = client::ErrorMetadata(status, "identity");
  return absl::StrCat("; the gateway's setting access gives it: {name: ",
                      identity.empty() ? "..." : identity, ", ", permission, ": ", value, "}");
}

std::string IdentityAdvice(const absl::Status& status) {
  const std::string shown = client::ErrorMetadata(status, "shown");
  if (shown.empty() || shown == "nothing") {
    return "; --cert and --key, or --token-file, say who this is";
  }
  return absl::StrCat("; what was shown is ", shown,
                      ": --cert and --key, or --token-file, show another; who is known stands in "
                      "the gateway's setting access");
}

}  // namespace

std::string Advice(const absl::Status& status) {
  if (const ReasonOfClient* const known = Find(status); known != nullptr) {
    return absl::StrCat("; ", known->advice);
  }
  switch (status.code()) {
    case absl::StatusCode::kAlreadyExists:
      return "; `onhook subscriptions update` changes it";
    case absl::StatusCode::kFailedPrecondition: {
      // Of a cursor from before a restore.
      const std::string time = client::ErrorMetadata(status, "resume_from");
      return time.empty() ? "" : absl::StrCat("; take `--from ", time, "` or `--time ", time, "`");
    }
    case absl::StatusCode::kOutOfRange: {
      const std::string lost = client::ErrorMetadata(status, "events_lost");
      const std::string oldest = client::ErrorMetadata(status, "oldest_cursor");
      if (lost.empty() || oldest.empty()) return "";
      return absl::StrCat("; ", lost, " event(s) are lost; the oldest kept is behind cursor ",
                          oldest);
    }
    case absl::StatusCode::kPermissionDenied:
      return PermissionAdvice(status);
    case absl::StatusCode::kUnauthenticated:
      return IdentityAdvice(status);
    default:
      return "";
  }
}

bool IsOfFlags(const absl::Status& status) {
  const ReasonOfClient* const known = Find(status);
  return known != nullptr && known->of_flags;
}

bool IsReasonOfClient(const absl::Status& status) { return Find(status) != nullptr; }

}  // namespace onhook::cli
