#include "gateway/ingress/callback_reader.h"

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/types/variant.h"
#include "gateway/event/release_event_mapper.h"
#include "gateway/event/vendor_fields.h"
#include "gateway/ingress/callback_parser.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace onhook {
namespace {

// Equal events as equal bytes: the order of `extra` is settled too.
std::string Serialise(const v1::ReleaseEvent& event) {
  std::string bytes(event.ByteSizeLong(), '\0');
  google::protobuf::io::ArrayOutputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  event.SerializeWithCachedSizes(&coded);
  return bytes;
}

Rejection Because(RejectionReason reason, const absl::Status& status) {
  return {reason, std::string(status.message())};
}

absl::variant<Proof, Distrust> Prove(const CallbackSource& source, const VendorFields& fields,
                                     const CallbackContext& context) {
  if (context.tolerated.has_value()) {
    Proof none;
    none.authentication = v1::AUTHENTICATION_UNVERIFIED;
    none.tolerated = context.tolerated;
    return none;
  }
  absl::variant<Proof, Distrust> checked = source.authenticator->CheckFields(
      fields, context.received_at,
      context.reparsed ? ReplayWindow::kIgnored : ReplayWindow::kEnforced);
  Proof* const proof = absl::get_if<Proof>(&checked);
  if (proof != nullptr && context.reparsed &&
      proof->authentication != v1::AUTHENTICATION_SIGNATURE &&
      proof->authentication != v1::AUTHENTICATION_NONE) {
    proof->authentication = v1::AUTHENTICATION_UNVERIFIED;
  }
  if (proof != nullptr && context.nonce_may_be_forgotten && proof->nonce.has_value()) {
    proof->authentication = v1::AUTHENTICATION_UNVERIFIED;
    proof->nonce->refuse_forgotten = false;
  }
  return checked;
}

}  // namespace

absl::optional<Rejection> ReadCallback(const CallbackSource& source, absl::string_view body,
                                       const CallbackContext& context, v1::ReleaseEvent& event,
                                       AdmittedCallback& admitted) {
  const absl::StatusOr<VendorFields> fields = ParseCallback(body, source.limits);
  if (!fields.ok()) return Because(RejectionReason::kMalformed, fields.status());
  absl::variant<Proof, Distrust> checked = Prove(source, *fields, context);
  if (const Distrust* distrust = absl::get_if<Distrust>(&checked)) return RejectionFor(*distrust);
  Proof& proof = *absl::get_if<Proof>(&checked);
  absl::StatusOr<std::string> digest =
      MapReleaseEvent(*fields,
                      {source.name, proof.authentication, source.time_zone, source.time_zone_name,
                       context.received_at, context.traceparent},
                      event);
  if (!digest.ok()) return Because(RejectionReason::kInvalidField, digest.status());
  admitted.tolerated = proof.tolerated;
  NewEvent& stored = admitted.new_event;
  stored.call_serial_no = event.call_serial_no();
  stored.source = source.name;
  stored.digest = *std::move(digest);
  stored.received_at = context.received_at;
  stored.event = Serialise(event);
  if (proof.nonce.has_value()) stored.nonce = *std::move(proof.nonce);
  stored.only_if_known = proof.stale;
  if (source.keep_raw_body) stored.raw_body = std::string(body);
  return absl::nullopt;
}

}  // namespace onhook
