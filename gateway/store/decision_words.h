#ifndef ONHOOK_GATEWAY_STORE_DECISION_WORDS_H_
#define ONHOOK_GATEWAY_STORE_DECISION_WORDS_H_

#include <string>

#include "gateway/store/subscription_state.h"
#include "onhook/v1/subscription_service.pb.h"

namespace onhook {

// What histories and dead letters say of a delivery's end, in every engine. Blocking: never.

// `reason`: the consumer's own words, which go first.
std::string WordsFor(const SubscriptionState::Decision& decision, const std::string& reason);

// Of a decision to park.
v1::DeadLetter::Reason ReasonOf(const SubscriptionState::Decision& decision);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_DECISION_WORDS_H_
