#ifndef ONHOOK_TESTS_CRASH_JETSTREAM_NATS_QUESTION_H_
#define ONHOOK_TESTS_CRASH_JETSTREAM_NATS_QUESTION_H_

#include <string>

#include "absl/strings/string_view.h"

namespace onhook {

// Sends one request to a nats-server at a port of this machine, over a connection of its own, and
// returns the body of the first answer. Empty: none came within five seconds.
//
// Why: what looks at a cluster from outside, or spoils it on purpose, is not to go the way of what
// is tested. Threads: any. Blocking: yes.
std::string AskNats(int port, absl::string_view subject, absl::string_view body = "");

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_JETSTREAM_NATS_QUESTION_H_
