#ifndef ONHOOK_GATEWAY_DELIVERY_SHOWN_EVENT_H_
#define ONHOOK_GATEWAY_DELIVERY_SHOWN_EVENT_H_

#include <google/protobuf/message.h>

#include <string>

#include "onhook/v1/release_event.pb.h"

namespace onhook {

// Events as a caller gets them who may not see numbers. What nobody knows to be free of numbers is
// left out: fields that this version does not know, and bodies, which cannot be masked.
//
// Pure functions. Threads: any. Blocking: never.

// Masks `event`, and says so in it.
void HideNumbers(v1::ReleaseEvent& event);

// The bytes of an event as the log keeps them, masked. Empty if they are no event.
std::string BytesWithoutNumbers(const std::string& event);

// Does the same to every event in a message, at whatever depth, and empties every field of bytes:
// those are bodies. So an answer that learns to carry events is masked like the others.
void HideNumbersIn(google::protobuf::Message& message);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_DELIVERY_SHOWN_EVENT_H_
