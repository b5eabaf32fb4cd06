#include <cstddef>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/differential/json_reading.h"

namespace onhook {
namespace {

using Json = nlohmann::json;

constexpr int kOutOfRange = 406;  // the id of its error for a number that fits no double

// Over a text, counting what has been taken of it: the events do not say where they are.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, size_t* taken) : at_(at), taken_(taken) {}

  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    ++at_;
    ++*taken_;
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  size_t* taken_;
};

class Handler : public nlohmann::json_sax<Json> {
 public:
  // `taken`: how much of the text has been taken so far, the event's last byte included; one more
  // behind a number, whose end only the next byte tells.
  Handler(absl::string_view text, const size_t* taken) : builder_(text), taken_(taken) {}

  bool null() override {
    builder_.Null();
    return true;
  }
  bool boolean(bool value) override {
    builder_.Literal(value ? "true" : "false");
    return true;
  }
  bool number_integer(number_integer_t) override { return Number(); }
  bool number_unsigned(number_unsigned_t) override { return Number(); }
  bool number_float(number_float_t, const string_t&) override { return Number(); }
  bool string(string_t& value) override {
    builder_.String(value);
    return true;
  }
  bool binary(binary_t&) override { return false; }
  bool start_object(size_t) override {
    builder_.Open(*taken_ - 1, true);
    return true;
  }
  bool key(string_t& name) override {
    builder_.Name(name);
    return true;
  }
  bool end_object() override {
    builder_.Close(*taken_);
    return true;
  }
  bool start_array(size_t) override {
    builder_.Open(*taken_ - 1, false);
    return true;
  }
  bool end_array() override {
    builder_.Close(*taken_);
    return true;
  }
  bool parse_error(size_t position, const std::string& token,
                   const nlohmann::detail::exception& error) override {
    error_ = error.what();
    if (error.id == kOutOfRange) {
      size_ = token.size();
      begin_ = position - size_;
    }
    return false;
  }

  // The number that fits no double, if there was one: size 0 if not.
  size_t number_begin() const { return begin_; }
  size_t number_size() const { return size_; }
  JsonReading Take(bool accepted) { return builder_.Take(accepted, error_); }

 private:
  bool Number() {
    builder_.NumberBefore(*taken_ - 1);
    return true;
  }

  ReadingBuilder builder_;
  const size_t* const taken_;
  std::string error_;
  size_t begin_ = 0;
  size_t size_ = 0;
};

}  // namespace

JsonReading ReadByNlohmann(absl::string_view text) {
  // It skips a byte order mark at the beginning. Behind a space it does not.
  const std::string whole = absl::StrCat(" ", text);
  std::string bearable = whole;
  while (true) {
    size_t taken = 0;
    Handler handler(whole, &taken);
    const CountingIterator begin(bearable.data(), &taken);
    const CountingIterator end(bearable.data() + bearable.size(), &taken);
    const bool accepted = Json::sax_parse(begin, end, &handler);
    if (handler.number_size() == 0) return handler.Take(accepted);
    MakeNumberSmall(handler.number_begin(), handler.number_size(), bearable);
  }
}

}  // namespace onhook
