#include "gateway/ingress/rejection.h"

#include <cstddef>

namespace onhook {
namespace {

using Reason = RejectionReason;
using Kept = v1::RejectedCallback;
using Code = absl::StatusCode;

constexpr absl::string_view kNotAuthenticated = "not authenticated";
constexpr absl::string_view kNotAllowed = "not allowed";

constexpr RejectionRule kRules[] = {
    {Reason::kPath, "path", Code::kNotFound, "no source has this path", "no source has this path",
     Kept::REASON_UNSPECIFIED},
    {Reason::kMethod, "method", Code::kUnimplemented, "callbacks are POSTed",
     "its method is not POST", Kept::REASON_UNSPECIFIED},
    {Reason::kNetwork, "network", Code::kPermissionDenied, kNotAllowed,
     "its address is in none of the source's networks", Kept::REASON_UNSPECIFIED},
    {Reason::kCredentials, "credentials", Code::kUnauthenticated, kNotAuthenticated,
     "its credentials are missing or wrong", Kept::REASON_UNSPECIFIED},
    {Reason::kMalformed, "malformed", Code::kInvalidArgument, "", "it cannot be read",
     Kept::REASON_MALFORMED},
    {Reason::kUnsigned, "unsigned", Code::kUnauthenticated, kNotAuthenticated,
     "nonce, timestamp or signature is missing or is no such thing", Kept::REASON_SIGNATURE},
    {Reason::kUnsignableName, "unsignable_name", Code::kUnauthenticated, kNotAuthenticated,
     "the name of a field makes the signature ambiguous", Kept::REASON_SIGNATURE},
    {Reason::kSignature, "signature", Code::kUnauthenticated, kNotAuthenticated,
     "its signature is of no key that is in use", Kept::REASON_SIGNATURE},
    {Reason::kReplayWindow, "replay_window", Code::kUnauthenticated, kNotAuthenticated,
     "its timestamp lies outside the replay window, and no event of it is known",
     Kept::REASON_REPLAY_WINDOW},
    {Reason::kNonceReused, "nonce_reused", Code::kPermissionDenied, kNotAllowed,
     "its nonce and timestamp came with another content before", Kept::REASON_NONCE_REUSED},
    {Reason::kInvalidField, "invalid_field", Code::kInvalidArgument, "",
     "a field is missing, empty or too long", Kept::REASON_INVALID_FIELD},
};

}  // namespace

absl::Span<const RejectionRule> RejectionRules() { return kRules; }

const RejectionRule& RuleOf(RejectionReason reason) { return kRules[static_cast<size_t>(reason)]; }

Rejection RejectionFor(RejectionReason reason) {
  return {reason, std::string(RuleOf(reason).description)};
}

Rejection RejectionFor(Distrust distrust) {
  switch (distrust) {
    case Distrust::kNetwork:
      return RejectionFor(Reason::kNetwork);
    case Distrust::kCredentials:
      return RejectionFor(Reason::kCredentials);
    case Distrust::kUnsigned:
      return RejectionFor(Reason::kUnsigned);
    case Distrust::kUnsignableName:
      return RejectionFor(Reason::kUnsignableName);
    case Distrust::kSignature:
      return RejectionFor(Reason::kSignature);
    case Distrust::kReplayWindow:
      return RejectionFor(Reason::kReplayWindow);
    case Distrust::kNonceReused:
      return RejectionFor(Reason::kNonceReused);
  }
  return RejectionFor(Reason::kSignature);
}

absl::Status StatusOf(const Rejection& rejection) {
  const RejectionRule& rule = RuleOf(rejection.reason);
  return absl::Status(rule.code, rule.told.empty() ? rejection.detail : rule.told);
}

}  // namespace onhook
