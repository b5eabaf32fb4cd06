#ifndef ONHOOK_TESTS_CRASH_VENDOR_BOOKS_H_
#define ONHOOK_TESTS_CRASH_VENDOR_BOOKS_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "tests/crash/call_content.h"

namespace onhook {

// What became of one post of a callback: its retCode, or else.
enum class CallbackAnswer {
  kAccepted,      // "0"
  kRefused,       // "1"
  kNotForwarded,  // "2": stored, and to come again all the same
  kNotStored,     // "3"
  kNone,          // the connection ended first
  kOther,         // what no vendor understands
};
inline constexpr size_t kCallbackAnswers = 6;

// How often there was each.
using AnswerCounts = std::array<int64_t, kCallbackAnswers>;

// Where the vendor writes down what it does: a CallLedger, or the lines by which it tells one in
// another process. Threads: any.
class VendorBooks {
 public:
  virtual ~VendorBooks() = default;

  virtual const CallContent& content() const = 0;
  // A new callback, about to be sent for the first time. Returns its number.
  virtual int64_t Open() = 0;
  // It was sent, first or again, and this came of it.
  virtual void Replied(int64_t number, CallbackAnswer answer) = 0;
  // The same of a callback that must be refused: CallContent::WrongSerialNo(number).
  virtual void RepliedToWrong(int64_t number, CallbackAnswer answer) = 0;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_VENDOR_BOOKS_H_
