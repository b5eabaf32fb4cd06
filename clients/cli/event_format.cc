#include "clients/cli/event_format.h"

#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/time_util.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "clients/cli/printable.h"
#include "clients/cli/time_text.h"
#include "gateway/event/masking.h"

namespace onhook::cli {
namespace {

using google::protobuf::util::TimeUtil;

std::string ReasonText(const v1::ReleaseEvent& event) {
  switch (event.release_reason()) {
    case v1::RELEASE_REASON_UNSPECIFIED:
      return event.has_release_reason_code()
                 ? absl::StrCat("reason ", Printable(event.release_reason_code()))
                 : "no reason given";
    case v1::RELEASE_REASON_CALLED_HUNG_UP:
      return "customer hung up";
    case v1::RELEASE_REASON_CALLER_HUNG_UP:
      return "agent hung up";
    case v1::RELEASE_REASON_CALL_TO_CALLER_FAILED:
      return "call to agent failed";
    case v1::RELEASE_REASON_CALL_TO_CALLED_FAILED:
      return "call to customer failed";
    case v1::RELEASE_REASON_CALLER_NO_ANSWER:
      return "agent no answer";
    case v1::RELEASE_REASON_CALLED_NO_ANSWER:
      return "customer no answer";
    default:
      return absl::StrCat("other reason ", Printable(event.release_reason_code()));
  }
}

std::string SecondsText(const google::protobuf::Duration& duration) {
  return absl::StrFormat("%.1fs",
                         static_cast<double>(TimeUtil::DurationToMilliseconds(duration)) / 1000.0);
}

std::string RingText(const v1::ReleaseEvent& event) {
  if (!event.has_alerting_time() || !event.has_talking_time()) return "-";
  return SecondsText(event.talking_time() - event.alerting_time());
}

std::string TalkText(const v1::ReleaseEvent& event) {
  if (event.has_talking_time() && event.has_release_time()) {
    return SecondsText(event.release_time() - event.talking_time());
  }
  return event.has_talk_duration() ? absl::StrCat("~", SecondsText(event.talk_duration())) : "-";
}

// "-" for what is unset or empty.
std::string Word(const std::string& value) { return value.empty() ? "-" : Printable(value); }

v1::ReleaseEvent Shown(const v1::ReleaseEvent& event, const EventFormat& format) {
  return format.show_numbers ? event : MaskedCopy(event);
}

std::string JsonLine(const google::protobuf::Message& message, const EventFormat& format) {
  std::string json;
  // Fails for a time or duration outside protobuf's range only, which the gateway never sends.
  const auto status = google::protobuf::util::MessageToJsonString(message, &json);
  if (!status.ok()) return absl::StrCat("{\"unprintable\":true}\n");
  if (!format.show_numbers) {
    const absl::string_view members = absl::StripPrefix(json, "{");
    json = absl::StrCat("{\"masked\":true", members == "}" ? "" : ",", members);
  }
  return absl::StrCat(json, "\n");
}

template <typename Message>
Message WithShownEvent(const Message& message, const EventFormat& format) {
  Message shown = message;
  if (message.has_event()) *shown.mutable_event() = Shown(message.event(), format);
  return shown;
}

// "STATE_ACKED" -> "acked".
std::string Lower(absl::string_view name, absl::string_view prefix) {
  std::string lower = absl::AsciiStrToLower(absl::StripPrefix(name, prefix));
  return absl::StrReplaceAll(lower, {{"_", " "}});
}

// "delivered to", "acked by".
absl::string_view Preposition(v1::TimelineEntry::Kind kind) {
  switch (kind) {
    case v1::TimelineEntry::KIND_DELIVERED:
      return "to";
    case v1::TimelineEntry::KIND_DEADLINE_EXPIRED:
    case v1::TimelineEntry::KIND_STREAM_LOST:
      return "with";
    default:
      return "by";
  }
}

// " by CONSUMER at TIME (attempt N): REASON", as far as `entry` knows it.
std::string WhoAndWhen(const v1::TimelineEntry& entry) {
  std::string text;
  if (!entry.consumer_name().empty()) {
    absl::StrAppend(&text, " ", Preposition(entry.kind()), " ", Printable(entry.consumer_name()));
  }
  absl::StrAppend(&text, " at ", TimeText(entry.time()));
  if (entry.attempt() != 0) absl::StrAppend(&text, " (attempt ", entry.attempt(), ")");
  if (!entry.reason().empty()) absl::StrAppend(&text, ": ", Printable(entry.reason()));
  return text;
}

// Of what happened so often, the last time: "acked by ..."; nothing if that is not kept.
std::string LastText(const v1::SubscriptionTimeline& timeline, v1::TimelineEntry::Kind kind) {
  std::string text;
  for (const v1::TimelineEntry& entry : timeline.entries()) {
    if (entry.kind() == kind) text = WhoAndWhen(entry);
  }
  return text;
}

std::string PendingText(const v1::SubscriptionTimeline& timeline) {
  if (timeline.entries().empty()) return "pending: owed, not yet delivered";
  const v1::TimelineEntry& last = *timeline.entries().rbegin();
  return absl::StrCat("pending: owed, to be delivered again; last ",
                      Lower(v1::TimelineEntry::Kind_Name(last.kind()), "KIND_"), WhoAndWhen(last));
}

// The answer at a glance: where the event stands, and who brought it there.
std::string StandingText(const v1::SubscriptionTimeline& timeline) {
  switch (timeline.state()) {
    case v1::SubscriptionTimeline::STATE_PENDING:
      return PendingText(timeline);
    case v1::SubscriptionTimeline::STATE_DELIVERED:
      return absl::StrCat("not yet settled, delivered",
                          LastText(timeline, v1::TimelineEntry::KIND_DELIVERED));
    case v1::SubscriptionTimeline::STATE_ACKED:
      return absl::StrCat("acked", LastText(timeline, v1::TimelineEntry::KIND_ACKED));
    case v1::SubscriptionTimeline::STATE_SKIPPED:
      return absl::StrCat("skipped, not processed",
                          LastText(timeline, v1::TimelineEntry::KIND_SKIPPED));
    case v1::SubscriptionTimeline::STATE_PARKED:
      return absl::StrCat("parked among the dead letters",
                          LastText(timeline, v1::TimelineEntry::KIND_PARKED));
    case v1::SubscriptionTimeline::STATE_DISCARDED:
      return absl::StrCat("given up: its dead letter was discarded",
                          LastText(timeline, v1::TimelineEntry::KIND_DISCARDED));
    case v1::SubscriptionTimeline::STATE_FILTERED:
      return "not wanted: excluded by its filter";
    case v1::SubscriptionTimeline::STATE_DROPPED_BY_LIMIT:
      return "given up by its backlog limit, not processed";
    default:
      return Lower(v1::SubscriptionTimeline::State_Name(timeline.state()), "STATE_");
  }
}

std::string TimelineText(const v1::SubscriptionTimeline& timeline) {
  std::string text =
      absl::StrCat("  ", Printable(timeline.subscription()), ": ", StandingText(timeline), "\n");
  for (const v1::TimelineEntry& entry : timeline.entries()) {
    absl::StrAppend(&text, "    ", TimeText(entry.time()), "  ",
                    Lower(v1::TimelineEntry::Kind_Name(entry.kind()), "KIND_"));
    if (!entry.consumer_name().empty()) {
      absl::StrAppend(&text, " ", Preposition(entry.kind()), " ", Printable(entry.consumer_name()));
    }
    if (entry.attempt() != 0) absl::StrAppend(&text, "  attempt ", entry.attempt());
    if (!entry.reason().empty()) absl::StrAppend(&text, "  (", Printable(entry.reason()), ")");
    absl::StrAppend(&text, "\n");
  }
  return text;
}

std::string WhyParked(const v1::DeadLetter& letter) {
  switch (letter.reason()) {
    case v1::DeadLetter::REASON_REQUESTED:
      return "its consumer asked for it";
    case v1::DeadLetter::REASON_ATTEMPTS_EXHAUSTED:
      return "its attempts and its retry time are used up";
    case v1::DeadLetter::REASON_CORRUPT:
      return "it is damaged";
    default:
      return Lower(v1::DeadLetter::Reason_Name(letter.reason()), "REASON_");
  }
}

// The event's set fields as indented JSON, which says all and stays readable.
std::string EventBlock(const v1::ReleaseEvent& event, const EventFormat& format) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  std::string json;
  const auto status =
      google::protobuf::util::MessageToJsonString(Shown(event, format), &json, options);
  if (!status.ok()) return "  (unprintable)\n";
  std::string block;
  for (const absl::string_view line : absl::StrSplit(json, '\n', absl::SkipEmpty())) {
    absl::StrAppend(&block, "  ", Printable(line), "\n");
  }
  return block;
}

}  // namespace

std::string EventLine(const v1::ReleaseEvent& event, const EventFormat& format) {
  const v1::ReleaseEvent shown = Shown(event, format);
  const std::string time = shown.has_release_time() ? TimeText(shown.release_time())
                                                    : "~" + TimeText(shown.received_at());
  return absl::StrFormat("%-24s  %-20s  %-12s  %-23s  ring %-6s talk %-8s agent %-8s source %s",
                         time, Printable(shown.call_serial_no()), Word(shown.called()),
                         ReasonText(shown), RingText(shown), TalkText(shown),
                         Word(shown.service_no()), Printable(shown.source()));
}

std::string Format(const v1::Delivery& delivery, const EventFormat& format) {
  if (format.json) return JsonLine(WithShownEvent(delivery, format), format);
  return absl::StrCat(EventLine(delivery.event(), format), "  attempt ", delivery.attempt(), "\n");
}

std::string Format(const v1::WatchedEvent& event, const EventFormat& format) {
  if (format.json) return JsonLine(WithShownEvent(event, format), format);
  return absl::StrCat(EventLine(event.event(), format), "\n");
}

std::string Format(const v1::StoredEvent& event, const EventFormat& format) {
  if (format.json) {
    v1::StoredEvent shown = WithShownEvent(event, format);
    // The body holds in one piece all that was just masked.
    if (!format.show_numbers) shown.clear_raw_body();
    return JsonLine(shown, format);
  }
  std::string text = absl::StrCat(EventLine(event.event(), format), "\n");
  absl::StrAppend(&text, "  event_id ", Printable(event.event().event_id()), "\n");
  absl::StrAppend(&text, "  received ", TimeText(event.event().received_at()), "  stored ",
                  TimeText(event.stored_at()), "  cursor ", Printable(event.cursor()), "\n");
  if (event.event().has_traceparent()) {
    absl::StrAppend(&text, "  traceparent ", Printable(event.event().traceparent()), "\n");
  }
  for (const v1::SubscriptionTimeline& timeline : event.timelines()) {
    absl::StrAppend(&text, TimelineText(timeline));
  }
  if (event.timelines().empty()) {
    absl::StrAppend(&text, "  no subscription is known to owe it or to have had it\n");
  }
  return text;
}

std::string Format(const v1::DeadLetter& letter, const EventFormat& format) {
  if (format.json) return JsonLine(WithShownEvent(letter, format), format);
  std::string text =
      absl::StrCat(Printable(letter.dead_letter_id()), "  ",
                   letter.has_event() ? EventLine(letter.event(), format) : "(no event: corrupt)",
                   "\n    parked ", TimeText(letter.parked_at()), " after ", letter.attempts(),
                   " attempt(s): ", WhyParked(letter));
  if (!letter.consumer_name().empty()) {
    absl::StrAppend(&text, "; last with ", Printable(letter.consumer_name()));
  }
  if (!letter.detail().empty()) absl::StrAppend(&text, ": ", Printable(letter.detail()));
  return absl::StrCat(text, "\n");
}

std::string DeadLetterText(const v1::DeadLetter& letter, const EventFormat& format) {
  std::string text = absl::StrCat("dead letter ", Printable(letter.dead_letter_id()), "\n");
  const auto add = [&text](absl::string_view what, absl::string_view value) {
    absl::StrAppendFormat(&text, "  %-10s %s\n", what, value);
  };
  add("why", WhyParked(letter));
  add("detail", Word(letter.detail()));
  add("attempts", absl::StrCat(letter.attempts()));
  add("consumer", Word(letter.consumer_name()));
  add("parked", TimeText(letter.parked_at()));
  add("cursor", Printable(letter.cursor()));
  if (!letter.has_event()) return absl::StrCat(text, "it holds no event\n");
  return absl::StrCat(text, EventLine(letter.event(), format), "\n",
                      EventBlock(letter.event(), format));
}

}  // namespace onhook::cli
