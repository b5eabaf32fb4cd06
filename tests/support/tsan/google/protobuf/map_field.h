#ifndef ONHOOK_TESTS_SUPPORT_TSAN_GOOGLE_PROTOBUF_MAP_FIELD_H_
#define ONHOOK_TESTS_SUPPORT_TSAN_GOOGLE_PROTOBUF_MAP_FIELD_H_

// Stands before protobuf's own header in builds with the thread sanitizer. There that header would
// give its class two members more than Debian's library, built without the sanitizer, knows of.

#pragma GCC system_header
#pragma push_macro("__SANITIZE_THREAD__")
#undef __SANITIZE_THREAD__
#include_next <google/protobuf/map_field.h>
#pragma pop_macro("__SANITIZE_THREAD__")

#endif  // ONHOOK_TESTS_SUPPORT_TSAN_GOOGLE_PROTOBUF_MAP_FIELD_H_
