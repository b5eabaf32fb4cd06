#include "gateway/config/json_object.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gateway/base/text.h"

namespace onhook {
namespace {

// Where the text, array or object ends that begins at `begin`: one past its last character.
size_t EndOf(absl::string_view json, size_t begin) {
  int depth = 0;
  bool quoted = false;
  for (size_t at = begin; at < json.size(); ++at) {
    const char c = json[at];
    if (quoted && c == '\\') {
      ++at;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == '{' || c == '[')) {
      ++depth;
    } else if (!quoted && (c == '}' || c == ']')) {
      --depth;
    }
    if (depth == 0 && !quoted) return at + 1;
  }
  return json.size();
}

bool HoldsObject(absl::string_view json) {
  for (size_t at = 0; at < json.size(); ++at) {
    if (json[at] == '{') return true;
    if (json[at] == '"') at = EndOf(json, at) - 1;
  }
  return false;
}

}  // namespace

JsonObject& JsonObject::Add(absl::string_view name, std::string value) {
  members_.emplace_back(name, std::move(value));
  return *this;
}

JsonObject& JsonObject::AddText(absl::string_view name, absl::string_view text) {
  return Add(name, JsonText(text));
}

JsonObject& JsonObject::AddNumber(absl::string_view name, int64_t number) {
  return Add(name, absl::StrCat(number));
}

JsonObject& JsonObject::AddAll(const JsonObject& other) {
  for (const auto& [name, value] : other.members_) Add(name, value);
  return *this;
}

std::string JsonObject::Text() const {
  return absl::StrCat("{",
                      absl::StrJoin(members_, ", ",
                                    [](std::string* out, const auto& member) {
                                      absl::StrAppend(out, JsonText(member.first), ": ",
                                                      member.second);
                                    }),
                      "}");
}

std::string JsonText(absl::string_view text) {
  std::string quoted;
  AppendJsonString(text, quoted);
  return quoted;
}

std::string JsonArray(const std::vector<std::string>& values) {
  return absl::StrCat("[", absl::StrJoin(values, ", "), "]");
}

std::string IndentedJson(absl::string_view json) {
  std::string text;
  size_t depth = 0;
  const auto begin_line = [&] { absl::StrAppend(&text, "\n", std::string(2 * depth, ' ')); };
  for (size_t at = 0; at < json.size(); ++at) {
    const char c = json[at];
    const absl::string_view whole = json.substr(at, EndOf(json, at) - at);
    if (c == '"' || (c == '[' && !HoldsObject(whole))) {
      absl::StrAppend(&text, whole);
      at += whole.size() - 1;
    } else if (c == '{' || c == '[') {
      text += c;
      ++depth;
      begin_line();
    } else if (c == '}' || c == ']') {
      --depth;
      begin_line();
      text += c;
    } else if (c == ',') {
      text += c;
      begin_line();
      ++at;  // the space behind it
    } else {
      text += c;
    }
  }
  return absl::StrCat(text, "\n");
}

}  // namespace onhook
