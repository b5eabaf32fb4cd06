#ifndef ONHOOK_TESTS_FUZZ_BODY_INVARIANTS_H_
#define ONHOOK_TESTS_FUZZ_BODY_INVARIANTS_H_

#include "gateway/event/vendor_fields.h"

namespace onhook {

// What holds of the words of any body, whichever form it had. Each ends the process if it does not.

// Names occur once and are found, and all texts are UTF-8.
void CheckFields(const VendorFields& fields);

// The same names and values in the same order.
void CheckSame(const VendorFields& a, const VendorFields& b);

// Every word that is not null can be told from the event alone, also behind the wire; and the
// event's digest is that of its words, whatever their order, and changes with any of them. Words
// that the mapping demands and `fields` lacks are added.
void CheckEvent(const VendorFields& fields);

}  // namespace onhook

#endif  // ONHOOK_TESTS_FUZZ_BODY_INVARIANTS_H_
