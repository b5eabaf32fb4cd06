#include "gateway/ingress/callback_handler.h"

#include <cstddef>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "gateway/ingress/callback_reader.h"
#include "gateway/ingress/rate_limit.h"
#include "gateway/ingress/vendor_reply.h"
#include "google/protobuf/arena.h"
#include "google/protobuf/timestamp.pb.h"
#include "onhook/v1/release_event.pb.h"

namespace onhook {
namespace {

// Holds a usual event with all its parts.
constexpr size_t kUsualEventBytes = 2048;

// Each kind of trouble comes for every callback or for none.
constexpr absl::Duration kTroubleInterval = absl::Minutes(1);

constexpr size_t kContentTypeBytes = 128;

// An event without a home of its own: its parts come from the room that is its first member.
class EventRoom {
 public:
  EventRoom() : arena_(room_, sizeof(room_)) {}
  v1::ReleaseEvent& event() { return *event_; }

 private:
  alignas(std::max_align_t) char room_[kUsualEventBytes];
  google::protobuf::Arena arena_;
  v1::ReleaseEvent* const event_ =
      google::protobuf::Arena::CreateMessage<v1::ReleaseEvent>(&arena_);
};

// What of a header may stand in the quarantine.
std::string Printable(absl::string_view text) {
  std::string printable;
  for (const char c : text.substr(0, kContentTypeBytes)) {
    printable.push_back(absl::ascii_isprint(static_cast<unsigned char>(c)) ? c : '?');
  }
  return printable;
}

absl::Time TimeOf(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
}

bool IsRejection(absl::StatusCode code) {
  return code == absl::StatusCode::kPermissionDenied || code == absl::StatusCode::kNotFound;
}

// What the store says of a callback that it will not take, as a rejection.
Rejection RejectionByStore(absl::StatusCode code) {
  return RejectionFor(code == absl::StatusCode::kPermissionDenied ? RejectionReason::kNonceReused
                                                                  : RejectionReason::kReplayWindow);
}

// Why the store, of all, would not take it. Nothing: it did not come to that.
absl::optional<Distrust> DistrustOfStore(const absl::optional<Rejection>& rejection) {
  if (!rejection.has_value()) return absl::nullopt;
  if (rejection->reason == RejectionReason::kNonceReused) return Distrust::kNonceReused;
  if (rejection->reason == RejectionReason::kReplayWindow) return Distrust::kReplayWindow;
  return absl::nullopt;
}

// Of the only header of that name: of two, nobody can tell which is meant.
absl::string_view TraceparentOf(const HttpRequest& request) {
  absl::string_view traceparent;
  int headers = 0;
  for (const HttpHeader& header : request.headers) {
    if (!absl::EqualsIgnoreCase(header.name, "traceparent")) continue;
    traceparent = header.value;
    ++headers;
  }
  return headers == 1 ? traceparent : "";
}

}  // namespace

// What is known of a source by its name, whatever its settings.
struct CallbackHandler::SourceRecord {
  SourceRecord(const std::string& name, const Settings::QuarantineLimits& limits,
               const Parts& parts)
      : counters(name, parts.metrics),
        quarantine_rate(limits.rate, limits.burst, parts.clock),
        not_forwarded(parts.clock, kTroubleInterval),
        not_stored(parts.clock, kTroubleInterval) {
    for (size_t i = 0; i < RejectionRules().size(); ++i) {
      unverified.push_back(std::make_unique<LogThrottle>(parts.clock, kTroubleInterval));
      rejected.push_back(std::make_unique<LogThrottle>(parts.clock, kTroubleInterval));
    }
  }

  const SourceCounters counters;
  RateLimit quarantine_rate;
  LogThrottle not_forwarded;
  LogThrottle not_stored;
  std::vector<std::unique_ptr<LogThrottle>> unverified;  // by reason
  std::vector<std::unique_ptr<LogThrottle>> rejected;    // by reason
};

struct CallbackHandler::SourceDesk {
  SourceDesk(CallbackSource made, std::shared_ptr<SourceRecord> known)
      : source(std::move(made)), record(std::move(known)) {}

  const CallbackSource source;
  const std::shared_ptr<SourceRecord> record;
};

CallbackHandler::CallbackHandler(std::vector<CallbackSource> sources,
                                 const Settings::QuarantineLimits& limits, Parts parts)
    : parts_(parts),
      desks_(MakeDesks(std::move(sources), limits, {})),
      counters_(SourceCounters::OfNoSource(parts.metrics)),
      no_source_(parts.clock, kTroubleInterval) {}

CallbackHandler::~CallbackHandler() = default;

CallbackHandler::Desks CallbackHandler::MakeDesks(std::vector<CallbackSource> sources,
                                                  const Settings::QuarantineLimits& limits,
                                                  const Desks& before) const {
  Desks desks;
  for (CallbackSource& source : sources) {
    std::shared_ptr<SourceRecord> record;
    for (const std::shared_ptr<SourceDesk>& desk : before) {
      if (desk->source.name == source.name) record = desk->record;
    }
    if (record == nullptr) {
      record = std::make_shared<SourceRecord>(source.name, limits, parts_);
    } else {
      record->quarantine_rate.SetLimits(limits.rate, limits.burst);
    }
    desks.push_back(std::make_shared<SourceDesk>(std::move(source), std::move(record)));
  }
  return desks;
}

void CallbackHandler::SetSources(std::vector<CallbackSource> sources,
                                 const Settings::QuarantineLimits& limits) {
  desks_.Set(MakeDesks(std::move(sources), limits, *desks_.Get()));
}

std::shared_ptr<CallbackHandler::SourceDesk> CallbackHandler::FindDesk(
    absl::string_view path) const {
  const std::shared_ptr<const Desks> desks = desks_.Get();
  std::shared_ptr<SourceDesk> found;
  // All are asked, so that time does not tell which one was near.
  for (const std::shared_ptr<SourceDesk>& desk : *desks) {
    if (desk->source.authenticator->IsAt(path)) found = desk;
  }
  return found;
}

HttpResponse CallbackHandler::Handle(const HttpRequest& request) const {
  const std::shared_ptr<SourceDesk> desk = FindDesk(request.path);
  if (desk == nullptr) {
    counters_.Count(CallbackOutcome::kRejected);
    counters_.CountRejection(RejectionReason::kPath);
    // Not the path: it may be a right one with half of its token.
    if (const int64_t requests = no_source_.Occurred(); requests > 0) {
      parts_.log->Warning("ingress", "requests came to a path of no source, or with a wrong token",
                          {{"requests", requests}});
    }
    return ReplyTo(StatusOf(RejectionFor(RejectionReason::kPath)));
  }
  HttpResponse response = HandleAt(*desk, request);
  if (desk->source.always_200) {
    response.status = 200;
    response.headers.clear();
  } else if (response.status == 401) {
    response.headers.emplace_back("WWW-Authenticate", desk->source.challenge);
  }
  return response;
}

HttpResponse CallbackHandler::HandleAt(SourceDesk& desk, const HttpRequest& request) const {
  const absl::Duration began = parts_.clock->Elapsed();
  Outcome outcome;
  if (const auto distrust = desk.source.authenticator->CheckRequest(request)) {
    outcome.rejection = RejectionFor(*distrust);
  } else if (request.method != "POST") {
    outcome.rejection = RejectionFor(RejectionReason::kMethod);
  } else {
    outcome = Accept(desk, request);
  }
  if (outcome.rejection.has_value()) {
    outcome.status = StatusOf(*outcome.rejection);
    const absl::Status kept = Keep(desk, request, *outcome.rejection);
    // As long as there is no copy of it, the sender must not be told to let it be.
    if (!kept.ok()) outcome = {kept, absl::nullopt, "", ""};
  }
  Note(desk, outcome);
  desk.record->counters.CountDuration(parts_.clock->Elapsed() - began);
  return ReplyTo(outcome.status);
}

CallbackHandler::Outcome CallbackHandler::Accept(SourceDesk& desk,
                                                 const HttpRequest& request) const {
  const CallbackSource& source = desk.source;
  CallbackContext context;
  context.received_at = parts_.clock->Now();
  context.traceparent = TraceparentOf(request);
  Outcome outcome = AcceptAs(desk, request.body, context);
  if (source.enforced) return outcome;
  context.tolerated = DistrustOfStore(outcome.rejection);
  return context.tolerated.has_value() ? AcceptAs(desk, request.body, context) : outcome;
}

CallbackHandler::Outcome CallbackHandler::AcceptAs(SourceDesk& desk, absl::string_view body,
                                                   const CallbackContext& context) const {
  const CallbackSource& source = desk.source;
  EventRoom room;
  AdmittedCallback admitted;
  if (auto rejection = ReadCallback(source, body, context, room.event(), admitted)) {
    return {absl::OkStatus(), std::move(rejection), "", ""};
  }
  if (admitted.tolerated.has_value()) {
    desk.record->counters.CountUnverified();
    const RejectionRule& rule = RuleOf(RejectionFor(*admitted.tolerated).reason);
    LogThrottle& throttle = *desk.record->unverified[static_cast<size_t>(rule.reason)];
    if (const int64_t callbacks = throttle.Occurred(); callbacks > 0) {
      parts_.log->Warning(
          "ingress", "callbacks were accepted that do not verify",
          {{"source", source.name}, {"reason", rule.description}, {"callbacks", callbacks}});
    }
  }
  Outcome outcome;
  AppendResult stored;
  outcome.event_id = room.event().event_id();
  outcome.traceparent = room.event().traceparent();
  outcome.status =
      parts_.desk->Accept(std::move(admitted.new_event), room.event(), source.acknowledge, &stored);
  if (IsRejection(outcome.status.code())) {
    outcome.rejection = RejectionByStore(outcome.status.code());
  } else if (stored.duplicate) {
    desk.record->counters.CountDuplicate();
  } else if (stored.sequence != 0 && room.event().has_release_time()) {
    desk.record->counters.CountVendorDelay(context.received_at -
                                           TimeOf(room.event().release_time()));
  }
  return outcome;
}

absl::Status CallbackHandler::Keep(SourceDesk& desk, const HttpRequest& request,
                                   const Rejection& rejection) const {
  const RejectionRule& rule = RuleOf(rejection.reason);
  if (rule.kept_as == v1::RejectedCallback::REASON_UNSPECIFIED) return absl::OkStatus();
  if (!desk.record->quarantine_rate.Take()) {
    desk.record->counters.CountNotKept(NotKept::kTooMany);
    return absl::ResourceExhaustedError("more callbacks are rejected than may be kept in a second");
  }
  NewRejectedCallback callback;
  callback.source = desk.source.name;
  callback.received_at = parts_.clock->Now();
  callback.reason = rule.kept_as;
  callback.detail = rejection.detail;
  callback.content_type = Printable(request.Header("content-type"));
  callback.raw_body = std::string(request.body);
  absl::Status kept;
  absl::Notification done;
  parts_.quarantine->Keep(std::move(callback), [&](const absl::StatusOr<int64_t>& id) {
    kept = id.status();
    done.Notify();
  });
  done.WaitForNotification();
  if (!kept.ok()) desk.record->counters.CountNotKept(NotKept::kNoRoom);
  return kept;
}

absl::StatusOr<Judgement> CallbackHandler::Judge(const RejectedCallback& callback) {
  const NewRejectedCallback& kept = callback.callback;
  const std::shared_ptr<const Desks> desks = desks_.Get();
  const SourceDesk* desk = nullptr;
  for (const std::shared_ptr<SourceDesk>& candidate : *desks) {
    if (candidate->source.name == kept.source) desk = candidate.get();
  }
  Judgement judgement;
  if (desk == nullptr) {
    judgement.reason = kept.reason;
    judgement.detail = "its source is no longer in the settings";
    return judgement;
  }
  const CallbackSource& source = desk->source;
  CallbackContext context;
  // Events lie in the log in the order of their receipt, so this one was received now.
  context.received_at = parts_.clock->Now();
  context.reparsed = true;
  Outcome outcome = AcceptKept(source, kept.raw_body, context);
  const absl::optional<Distrust> distrust = DistrustOfStore(outcome.rejection);
  // Its window is past, but what it comes with may have been forgotten since.
  context.nonce_may_be_forgotten = source.enforced && distrust == Distrust::kReplayWindow;
  if (!source.enforced) context.tolerated = distrust;
  if (context.nonce_may_be_forgotten || context.tolerated.has_value()) {
    outcome = AcceptKept(source, kept.raw_body, context);
  }
  if (!outcome.status.ok()) return outcome.status;
  judgement.event_id = outcome.event_id;
  if (outcome.rejection.has_value()) {
    judgement.reason = RuleOf(outcome.rejection->reason).kept_as;
    judgement.detail = outcome.rejection->detail;
  }
  return judgement;
}

CallbackHandler::Outcome CallbackHandler::AcceptKept(const CallbackSource& source,
                                                     absl::string_view body,
                                                     const CallbackContext& context) const {
  EventRoom room;
  AdmittedCallback admitted;
  if (auto rejection = ReadCallback(source, body, context, room.event(), admitted)) {
    return {absl::OkStatus(), std::move(rejection), "", ""};
  }
  AcknowledgePolicy policy;
  policy.when = AcknowledgePolicy::When::kStored;
  const absl::Status stored =
      parts_.desk->Accept(std::move(admitted.new_event), room.event(), policy);
  if (IsRejection(stored.code()))
    return {absl::OkStatus(), RejectionByStore(stored.code()), "", ""};
  return {stored, absl::nullopt, room.event().event_id(), ""};
}

void CallbackHandler::Note(SourceDesk& desk, const Outcome& outcome) const {
  if (outcome.rejection.has_value()) {
    desk.record->counters.Count(CallbackOutcome::kRejected);
    desk.record->counters.CountRejection(outcome.rejection->reason);
  } else if (outcome.status.ok()) {
    desk.record->counters.Count(CallbackOutcome::kSucceeded);
  } else if (absl::IsDeadlineExceeded(outcome.status)) {
    desk.record->counters.Count(CallbackOutcome::kNotForwarded);
  } else {
    desk.record->counters.Count(CallbackOutcome::kNotStored);
  }
  if (!outcome.status.ok()) NoteTrouble(desk, outcome);
  if (!parts_.log->enabled(LogLevel::kDebug)) return;
  parts_.log->Debug("ingress", "callback answered",
                    {{"source", desk.source.name},
                     {"event_id", outcome.event_id},
                     {"traceparent", outcome.traceparent},
                     {"status", absl::StatusCodeToString(outcome.status.code())}});
}

// One line now and then of each kind.
void CallbackHandler::NoteTrouble(SourceDesk& desk, const Outcome& outcome) const {
  const auto tell = [&](LogLevel level, LogThrottle& throttle, absl::string_view what,
                        absl::string_view why) {
    const int64_t callbacks = throttle.Occurred();
    if (callbacks == 0) return;
    parts_.log->Write(level, "ingress", what,
                      {{"source", desk.source.name}, {"reason", why}, {"callbacks", callbacks}});
  };
  if (outcome.rejection.has_value()) {
    const RejectionRule& rule = RuleOf(outcome.rejection->reason);
    // By the rule, not the detail: that one may speak of what one sender wrote.
    tell(LogLevel::kWarning, *desk.record->rejected[static_cast<size_t>(rule.reason)],
         "callbacks were rejected", rule.description);
  } else if (absl::IsDeadlineExceeded(outcome.status)) {
    tell(LogLevel::kWarning, desk.record->not_forwarded,
         "callbacks were not answered with success in time", outcome.status.ToString());
  } else {
    tell(LogLevel::kError, desk.record->not_stored, "callbacks could not be stored",
         outcome.status.ToString());
  }
}

}  // namespace onhook
