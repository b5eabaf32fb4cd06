#ifndef ONHOOK_TESTS_DIFFERENTIAL_JSON_READING_H_
#define ONHOOK_TESTS_DIFFERENTIAL_JSON_READING_H_

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace onhook {

// What a reader of JSON makes of a text: of an object's own members the names and, as a callback's
// fields have it, a string's decoded text, the source text of a number, true or false and of a
// nested value, nothing for null.
struct JsonReading {
  using Word = std::pair<std::string, std::optional<std::string>>;

  bool accepted = false;
  bool is_object = false;  // the outermost value
  size_t depth = 0;        // objects and arrays around the innermost value
  std::vector<Word> words;
  std::string error;  // of a text that was refused
};

// The readers to compare with, each from its library alone. They take what stands in the text from
// its first byte to its last; no byte order mark is skipped. A number that fits no double is read
// like any other: the grammar of RFC 8259 has it, and no value of it is asked for.
JsonReading ReadByNlohmann(absl::string_view text);
JsonReading ReadByRapidJson(absl::string_view text);

// The same of ours, but that a byte order mark at the beginning is skipped: what ParseCallback and
// ParseJsonCallback say. A Java map is refused here.
JsonReading ReadByUs(absl::string_view body);

// Makes a reading of a reader's events. Both libraries report them in the same order, and the
// place in the text at which they are.
class ReadingBuilder {
 public:
  // Texts of values are taken from `text`, which must outlive the builder.
  explicit ReadingBuilder(absl::string_view text) : text_(text) {}

  void Name(absl::string_view name);
  void String(absl::string_view decoded);
  // A number that ends before `end`.
  void NumberBefore(size_t end);
  void Literal(absl::string_view literal);
  void Null();
  // An object or array whose first bracket stands at `at`, and the same when it has been read up
  // to and without `end`.
  void Open(size_t at, bool is_object);
  void Close(size_t end);

  JsonReading Take(bool accepted, std::string error);

 private:
  void Value(std::optional<std::string> text);

  const absl::string_view text_;
  JsonReading reading_;
  std::string name_;
  size_t depth_ = 0;
  size_t nested_begin_ = 0;
};

// Overwrites the number of `size` bytes, at least 3, at `begin` with a small one of that length.
void MakeNumberSmall(size_t begin, size_t size, std::string& text);

}  // namespace onhook

#endif  // ONHOOK_TESTS_DIFFERENTIAL_JSON_READING_H_
