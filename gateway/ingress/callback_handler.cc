#include "gateway/ingress/callback_handler.h"

#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "gateway/event/release_event_mapper.h"
#include "gateway/ingress/callback_parser.h"
#include "gateway/ingress/vendor_reply.h"
#include "google/protobuf/arena.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace onhook {
namespace {

// Holds a usual event with all its parts.
constexpr size_t kUsualEventBytes = 2048;

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

constexpr absl::Duration kTroubleInterval = absl::Minutes(1);

}  // namespace

CallbackHandler::CallbackHandler(CallbackSource source, const Clock* clock, const Log* log,
                                 ReceiptDesk* desk)
    : source_(std::move(source)),
      clock_(clock),
      log_(log),
      desk_(desk),
      not_forwarded_(clock, kTroubleInterval),
      not_stored_(clock, kTroubleInterval),
      refused_(clock, kTroubleInterval) {}

HttpResponse CallbackHandler::Handle(const HttpRequest& request) const {
  if (request.path != source_.path) return ReplyToRefusal(404, "no source has this path");
  if (request.method != "POST") return MethodNotAllowed();
  std::string event_id;
  const absl::Status status = Accept(request, event_id);
  LogOutcome(event_id, status);
  return ReplyTo(status);
}

absl::Status CallbackHandler::Accept(const HttpRequest& request, std::string& event_id) const {
  const absl::Time received_at = clock_->Now();
  const absl::StatusOr<VendorFields> fields = ParseCallback(request.body);
  if (!fields.ok()) return fields.status();
  alignas(std::max_align_t) char room[kUsualEventBytes];
  google::protobuf::Arena arena(room, sizeof(room));
  auto& event = *google::protobuf::Arena::CreateMessage<v1::ReleaseEvent>(&arena);
  const absl::StatusOr<std::string> digest =
      MapReleaseEvent(*fields,
                      {source_.name, source_.authentication, source_.time_zone,
                       source_.time_zone_name, received_at, request.Header("traceparent")},
                      event);
  if (!digest.ok()) return digest.status();
  event_id = event.event_id();
  return desk_->Accept(
      {event.call_serial_no(), source_.name, *digest, received_at, Serialise(event)}, event,
      source_.acknowledge);
}

void CallbackHandler::LogOutcome(absl::string_view event_id, const absl::Status& status) const {
  if (absl::IsDeadlineExceeded(status)) {
    if (const int64_t callbacks = not_forwarded_.Occurred(); callbacks > 0) {
      log_->Warning("ingress", "callbacks were not answered with success in time",
                    {{"source", source_.name}, {"callbacks", callbacks}, {"status", status}});
    }
  } else if (absl::IsInvalidArgument(status)) {
    if (const int64_t callbacks = refused_.Occurred(); callbacks > 0) {
      // Not why: the reason may hold words of whoever sent it. The answer told them.
      log_->Warning("ingress", "callbacks were refused: malformed, or without a mandatory field",
                    {{"source", source_.name}, {"callbacks", callbacks}});
    }
  } else if (absl::IsUnavailable(status) || absl::IsResourceExhausted(status)) {
    if (const int64_t callbacks = not_stored_.Occurred(); callbacks > 0) {
      log_->Error("ingress", "callbacks could not be stored",
                  {{"source", source_.name}, {"callbacks", callbacks}, {"status", status}});
    }
  }
  if (!log_->enabled(LogLevel::kDebug)) return;
  log_->Debug("ingress", "callback answered",
              {{"source", source_.name},
               {"event_id", event_id},
               {"status", absl::StatusCodeToString(status.code())}});
}

}  // namespace onhook
