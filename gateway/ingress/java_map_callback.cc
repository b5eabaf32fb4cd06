#include "gateway/ingress/java_map_callback.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "gateway/event/documented_fields.h"
#include "gateway/ingress/field_collector.h"

namespace onhook {
namespace {

constexpr absl::string_view kWhiteSpace = " \t\r\n";
constexpr absl::string_view kBlanks = " \t\r";  // white space within a line

bool IsNameCharacter(char c, bool first) {
  const auto byte = static_cast<unsigned char>(c);
  return c == '_' || (first ? absl::ascii_isalpha(byte) : absl::ascii_isalnum(byte));
}

absl::string_view WithoutTrailing(absl::string_view text, absl::string_view characters) {
  const size_t last = text.find_last_not_of(characters);
  return text.substr(0, last == absl::string_view::npos ? 0 : last + 1);
}

// A value as it stands before a line's end: blanks there are the line's, and one comma too.
absl::string_view ValueBeforeLineEnd(absl::string_view text) {
  text = WithoutTrailing(text, kBlanks);
  if (!text.empty() && text.back() == ',') text.remove_suffix(1);
  return text;
}

// The last value, up to the closing brace.
absl::string_view ValueBeforeBrace(absl::string_view text) {
  const size_t tail = WithoutTrailing(text, kWhiteSpace).size();
  const bool brace_on_line_of_its_own = text.find('\n', tail) != absl::string_view::npos;
  return brace_on_line_of_its_own ? text.substr(0, tail) : text;
}

class JavaMapReader {
 public:
  // `text` ends before the closing brace, and its first pair may stand at `start`.
  JavaMapReader(absl::string_view text, size_t start, size_t max_fields)
      : fields_(max_fields), text_(Keep(text)), at_(SkipWhiteSpace(start)) {}

  absl::StatusOr<VendorFields> Read();

 private:
  // `text` where the fields can stand in it.
  absl::string_view Keep(absl::string_view text);
  size_t SkipWhiteSpace(size_t at) const;
  // The name at `at`, if one stands there with its `=`; else empty.
  absl::string_view NameAt(size_t at) const;
  bool DocumentedNameAt(size_t at) const;
  // Where the next pair's name stands, if the comma at `comma` ends a value; else 0.
  size_t NameBehindComma(size_t comma) const;
  // Takes the value that begins at `at_` and moves `at_` to the next pair's name, or to the end.
  absl::string_view TakeValue();

  FieldCollector fields_;
  const absl::string_view text_;
  size_t at_;
};

absl::StatusOr<VendorFields> JavaMapReader::Read() {
  do {
    const absl::string_view name = NameAt(at_);
    if (name.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("neither JSON nor a Java map: a field's name and = expected at byte ", at_));
    }
    at_ += name.size() + 1;
    const absl::string_view text = TakeValue();
    const VendorFields::Value value = text == "null" ? VendorFields::Value() : text;
    if (absl::Status status = fields_.Add(name, value); !status.ok()) return status;
  } while (at_ < text_.size());
  return fields_.Take();
}

absl::string_view JavaMapReader::Keep(absl::string_view text) {
  char* const room = fields_.MakeRoom(text.size());
  std::copy(text.begin(), text.end(), room);
  return absl::string_view(room, text.size());
}

size_t JavaMapReader::SkipWhiteSpace(size_t at) const {
  const size_t next = text_.find_first_not_of(kWhiteSpace, at);
  return next == absl::string_view::npos ? text_.size() : next;
}

absl::string_view JavaMapReader::NameAt(size_t at) const {
  size_t end = at;
  while (end < text_.size() && IsNameCharacter(text_[end], end == at)) ++end;
  if (end == text_.size() || text_[end] != '=') return absl::string_view();
  return text_.substr(at, end - at);
}

bool JavaMapReader::DocumentedNameAt(size_t at) const {
  const absl::string_view name = NameAt(at);
  return FindDocumentedField(name) != nullptr || IsSignatureField(name);
}

// The vendor writes one space; whatever joined its lines may have left more.
size_t JavaMapReader::NameBehindComma(size_t comma) const {
  const size_t name = text_.find_first_not_of(' ', comma + 1);
  const bool is_pair =
      name != absl::string_view::npos && name > comma + 1 && DocumentedNameAt(name);
  return is_pair ? name : 0;
}

absl::string_view JavaMapReader::TakeValue() {
  const size_t begin = at_;
  for (size_t i = begin; i < text_.size(); ++i) {
    if (text_[i] == '\n') {
      const size_t next = SkipWhiteSpace(i);
      if (NameAt(next).empty()) {
        i = next - 1;  // no other new line of this white space has a name behind it either
        continue;
      }
      at_ = next;
      return ValueBeforeLineEnd(text_.substr(begin, i - begin));
    }
    const size_t next_name = text_[i] == ',' ? NameBehindComma(i) : 0;
    if (next_name != 0) {
      at_ = next_name;
      return text_.substr(begin, i - begin);
    }
  }
  at_ = text_.size();
  return ValueBeforeBrace(text_.substr(begin));
}

}  // namespace

absl::StatusOr<VendorFields> ParseJavaMapCallback(absl::string_view body, size_t start,
                                                  const Settings::CallbackLimits& limits) {
  const absl::string_view text = WithoutTrailing(body, kWhiteSpace);
  if (text.size() < start + 2 || text.back() != '}') {
    return absl::InvalidArgumentError(
        absl::StrCat("neither JSON nor a Java map: } expected at its end, byte ", text.size()));
  }
  return JavaMapReader(text.substr(0, text.size() - 1), start + 1, limits.max_fields).Read();
}

}  // namespace onhook
