#ifndef ONHOOK_GATEWAY_CONFIG_JSON_OBJECT_H_
#define ONHOOK_GATEWAY_CONFIG_JSON_OBJECT_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace onhook {

// An object of JSON that is being written: its members in the order in which they were added.
// Pure. Threads: one. Errors: none.
class JsonObject {
 public:
  // `value` is JSON.
  JsonObject& Add(absl::string_view name, std::string value);
  JsonObject& AddText(absl::string_view name, absl::string_view text);
  JsonObject& AddNumber(absl::string_view name, int64_t number);
  // Those of another one.
  JsonObject& AddAll(const JsonObject& other);

  bool empty() const { return members_.empty(); }
  // On one line.
  std::string Text() const;

 private:
  std::vector<std::pair<std::string, std::string>> members_;
};

std::string JsonText(absl::string_view text);
// `values` are JSON.
std::string JsonArray(const std::vector<std::string>& values);

// JSON of one line, as people read it: each member on its own line, but a sequence without objects
// on one.
std::string IndentedJson(absl::string_view json);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_JSON_OBJECT_H_
