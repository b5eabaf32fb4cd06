#ifndef ONHOOK_CLIENTS_CLI_EVENT_FORMAT_H_
#define ONHOOK_CLIENTS_CLI_EVENT_FORMAT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "onhook/v1/release_event_service.pb.h"
#include "onhook/v1/subscription_service.pb.h"

namespace onhook::cli {

// How events are printed.
struct EventFormat {
  // One JSON object a line instead of text.
  bool json = false;
  // Telephone numbers, the recording's path, callData and `extra` as they are instead of masked.
  bool show_numbers = false;
};

// The event as a person reads it, in one line without its newline, columns aligned:
//
//   2022-02-22T10:04:36.318Z  1197765398201387012   888***67     customer hung up   talk 5.9s ...
//
// The time is the release's (else, marked with `~`, that of its receipt), in UTC. `talk` is the
// time from talking to release, because the vendor's own talkDuration has been seen to be wrong;
// that one only, marked with `~`, where a time is missing. Whatever the vendor sent is escaped by
// Printable. Numbers are masked unless show_numbers.
std::string EventLine(const v1::ReleaseEvent& event, const EventFormat& format);

// What came, for one line or block of output that ends with a newline.
//
// As JSON: the message itself in protobuf's JSON mapping. Masked output begins with
// `"masked":true`, a member that the message does not have, so that a program which reads strictly
// fails rather than takes masked numbers for numbers; with show_numbers the line is the message and
// no more.
std::string Format(const v1::Delivery& delivery, const EventFormat& format);
std::string Format(const v1::WatchedEvent& event, const EventFormat& format);
std::string Format(const v1::StoredEvent& event, const EventFormat& format);
std::string Format(const v1::DeadLetter& letter, const EventFormat& format);

// All of a dead letter as text, its whole event included.
std::string DeadLetterText(const v1::DeadLetter& letter, const EventFormat& format);

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_EVENT_FORMAT_H_
