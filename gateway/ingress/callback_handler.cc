#include "gateway/ingress/callback_handler.h"

#include <utility>

#include "absl/status/statusor.h"
#include "gateway/event/release_event_mapper.h"
#include "gateway/ingress/callback_parser.h"
#include "gateway/ingress/vendor_reply.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace onhook {
namespace {

// Equal events as equal bytes: the order of `extra` is settled too.
std::string Serialise(const v1::ReleaseEvent& event) {
  std::string bytes;
  bytes.reserve(event.ByteSizeLong());
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  event.SerializeWithCachedSizes(&coded);
  coded.Trim();
  return bytes;
}

HttpResponse MethodNotAllowed() {
  HttpResponse response = ReplyToRefusal(405, "callbacks are sent by POST");
  response.headers.emplace_back("Allow", "POST");
  return response;
}

}  // namespace

CallbackHandler::CallbackHandler(CallbackSource source, const Clock* clock, const Log* log,
                                 ReceiptDesk* desk)
    : source_(std::move(source)), clock_(clock), log_(log), desk_(desk) {}

HttpResponse CallbackHandler::Handle(const HttpRequest& request) const {
  if (request.path != source_.path) return ReplyToRefusal(404, "no source has this path");
  if (request.method != "POST") return MethodNotAllowed();
  return ReplyTo(Accept(request));
}

absl::Status CallbackHandler::Accept(const HttpRequest& request) const {
  const absl::Time received_at = clock_->Now();
  const absl::StatusOr<VendorFields> fields = ParseCallback(request.body);
  if (!fields.ok()) return fields.status();
  absl::StatusOr<MappedEvent> mapped = MapReleaseEvent(
      *fields, {source_.name, source_.authentication, source_.time_zone, source_.time_zone_name,
                received_at, request.Header("traceparent")});
  if (!mapped.ok()) return mapped.status();
  NewEvent event{mapped->event.call_serial_no(), source_.name, std::move(mapped->digest),
                 received_at, Serialise(mapped->event)};
  const absl::Status receipt = desk_->Accept(std::move(event), source_.acknowledge);
  log_->Debug("ingress", "callback", {{"event_id", mapped->event.event_id()}});
  return receipt;
}

}  // namespace onhook
