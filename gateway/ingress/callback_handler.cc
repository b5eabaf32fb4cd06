#include "gateway/ingress/callback_handler.h"

#include <cstddef>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "gateway/base/steady_condition.h"
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

// One request on its way to its answer; it belongs to whoever takes the next step.
struct CallbackHandler::Call {
  Call(const HttpRequest& asked, HttpDone answered, std::shared_ptr<SourceDesk> at)
      : request(asked), done(std::move(answered)), desk(std::move(at)) {}

  const HttpRequest& request;
  const HttpDone done;
  const std::shared_ptr<SourceDesk> desk;
  absl::Duration began;  // Clock::Elapsed()
  CallbackContext context;
  std::optional<EventRoom> room;
  Outcome outcome;
};

void CallbackHandler::Begin(const HttpRequest& request, HttpDone done) const {
  std::shared_ptr<SourceDesk> desk = FindDesk(request.path);
  if (desk == nullptr) {
    counters_.Count(CallbackOutcome::kRejected);
    counters_.CountRejection(RejectionReason::kPath);
    // Not the path: it may be a right one with half of its token.
    if (const int64_t requests = no_source_.Occurred(); requests > 0) {
      parts_.log->Warning("ingress", "requests came to a path of no source, or with a wrong token",
                          {{"requests", requests}});
    }
    return done(ReplyTo(StatusOf(RejectionFor(RejectionReason::kPath))));
  }
  auto call = std::make_unique<Call>(request, std::move(done), std::move(desk));
  call->began = parts_.clock->Elapsed();
  if (const auto distrust = call->desk->source.authenticator->CheckRequest(request)) {
    call->outcome.rejection = RejectionFor(*distrust);
  } else if (request.method != "POST") {
    call->outcome.rejection = RejectionFor(RejectionReason::kMethod);
  }
  if (call->outcome.rejection.has_value()) return Reject(std::move(call));
  call->context.received_at = parts_.clock->Now();
  call->context.traceparent = TraceparentOf(request);
  Accept(std::move(call));
}

HttpResponse CallbackHandler::HandleAndWait(const HttpRequest& request) const {
  HttpResponse answer;
  SteadyNotification answered;
  Begin(request, [&](HttpResponse response) {
    answer = std::move(response);
    answered.Notify();
  });
  answered.Wait();
  return answer;
}

void CallbackHandler::Accept(std::unique_ptr<Call> call) const {
  const CallbackSource& source = call->desk->source;
  AdmittedCallback admitted;
  v1::ReleaseEvent& event = call->room.emplace().event();
  call->outcome = {};
  call->outcome.rejection =
      ReadCallback(source, call->request.body, call->context, event, admitted);
  if (call->outcome.rejection.has_value()) return RejectOrTolerate(std::move(call));
  if (admitted.tolerated.has_value()) NoteTolerated(*call->desk, *admitted.tolerated);
  call->outcome.event_id = event.event_id();
  call->outcome.traceparent = event.traceparent();
  Call* const waiting = call.release();
  parts_.desk->Accept(std::move(admitted.new_event), event, source.acknowledge,
                      [this, waiting](const absl::Status& receipt, const AppendResult& stored) {
                        Accepted(std::unique_ptr<Call>(waiting), receipt, stored);
                      });
}

void CallbackHandler::Accepted(std::unique_ptr<Call> call, const absl::Status& receipt,
                               const AppendResult& stored) const {
  SourceDesk& desk = *call->desk;
  const v1::ReleaseEvent& event = call->room->event();
  call->outcome.status = receipt;
  if (IsRejection(receipt.code())) {
    call->outcome.rejection = RejectionByStore(receipt.code());
    return RejectOrTolerate(std::move(call));
  }
  if (stored.duplicate) {
    desk.record->counters.CountDuplicate();
  } else if ((stored.sequence != 0 || stored.spooled) && event.has_release_time()) {
    desk.record->counters.CountVendorDelay(call->context.received_at -
                                           TimeOf(event.release_time()));
  }
  Answer(std::move(call));
}

void CallbackHandler::RejectOrTolerate(std::unique_ptr<Call> call) const {
  const absl::optional<Distrust> distrust = DistrustOfStore(call->outcome.rejection);
  const bool is_told_already = call->context.tolerated.has_value();
  if (call->desk->source.enforced || !distrust.has_value() || is_told_already) {
    return Reject(std::move(call));
  }
  call->context.tolerated = distrust;
  Accept(std::move(call));
}

void CallbackHandler::Reject(std::unique_ptr<Call> call) const {
  SourceDesk& desk = *call->desk;
  const Rejection& rejection = *call->outcome.rejection;
  const RejectionRule& rule = RuleOf(rejection.reason);
  call->outcome.status = StatusOf(rejection);
  if (rule.kept_as == v1::RejectedCallback::REASON_UNSPECIFIED) return Answer(std::move(call));
  if (!desk.record->quarantine_rate.Take()) {
    desk.record->counters.CountNotKept(NotKept::kTooMany);
    call->outcome = {
        absl::ResourceExhaustedError("more callbacks are rejected than may be kept in a second"),
        absl::nullopt, "", ""};
    return Answer(std::move(call));
  }
  NewRejectedCallback callback;
  callback.source = desk.source.name;
  callback.received_at = parts_.clock->Now();
  callback.reason = rule.kept_as;
  callback.detail = rejection.detail;
  callback.content_type = Printable(call->request.Header("content-type"));
  callback.raw_body = std::string(call->request.body);
  Call* const keeping = call.release();
  parts_.quarantine->Keep(std::move(callback), [this, keeping](const absl::StatusOr<int64_t>& id) {
    std::unique_ptr<Call> kept(keeping);
    // As long as there is no copy of it, the sender must not be told to let it be.
    if (!id.ok()) {
      kept->desk->record->counters.CountNotKept(absl::IsOutOfRange(id.status()) ? NotKept::kTooLarge
                                                                                : NotKept::kNoRoom);
      kept->outcome = {id.status(), absl::nullopt, "", ""};
    }
    Answer(std::move(kept));
  });
}

void CallbackHandler::Answer(std::unique_ptr<Call> call) const {
  SourceDesk& desk = *call->desk;
  Note(desk, call->outcome);
  desk.record->counters.CountDuration(parts_.clock->Elapsed() - call->began);
  HttpResponse response = ReplyTo(call->outcome.status);
  if (desk.source.always_200) {
    response.status = 200;
    response.headers.clear();
  } else if (response.status == 401) {
    response.headers.emplace_back("WWW-Authenticate", desk.source.challenge);
  }
  call->done(std::move(response));
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
      parts_.desk->AcceptAndWait(std::move(admitted.new_event), room.event(), policy);
  if (IsRejection(stored.code()))
    return {absl::OkStatus(), RejectionByStore(stored.code()), "", ""};
  return {stored, absl::nullopt, room.event().event_id(), ""};
}

void CallbackHandler::NoteTolerated(SourceDesk& desk, Distrust distrust) const {
  desk.record->counters.CountUnverified();
  const RejectionRule& rule = RuleOf(RejectionFor(distrust).reason);
  LogThrottle& throttle = *desk.record->unverified[static_cast<size_t>(rule.reason)];
  if (const int64_t callbacks = throttle.Occurred(); callbacks > 0) {
    parts_.log->Warning(
        "ingress", "callbacks were accepted that do not verify",
        {{"source", desk.source.name}, {"reason", rule.description}, {"callbacks", callbacks}});
  }
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
