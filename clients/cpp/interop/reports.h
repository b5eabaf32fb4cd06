#ifndef ONHOOK_CLIENTS_CPP_INTEROP_REPORTS_H_
#define ONHOOK_CLIENTS_CPP_INTEROP_REPORTS_H_

#include <google/protobuf/struct.pb.h>

#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "onhook/v1/release_event.pb.h"

namespace onhook::interop {

// One JSON object: a report on its way out, or a command that came in.
class Json {
 public:
  Json() = default;
  explicit Json(google::protobuf::Struct object) : object_(std::move(object)) {}

  Json& Set(const std::string& name, absl::string_view text);
  Json& Set(const std::string& name, const char* text) {
    return Set(name, absl::string_view(text));
  }
  Json& Set(const std::string& name, double number);
  Json& Set(const std::string& name, int number) { return Set(name, static_cast<double>(number)); }
  Json& Set(const std::string& name, bool flag);
  Json& Set(const std::string& name, const Json& object);
  Json& Set(const std::string& name, const google::protobuf::ListValue& list);
  Json& SetNull(const std::string& name);
  // Text, or null where there is none.
  Json& SetOptional(const std::string& name, const std::optional<absl::string_view>& text);

  // Of a command; what is not there is empty or nothing.
  std::string Text(const std::string& name) const;
  std::optional<double> Number(const std::string& name) const;
  bool Flag(const std::string& name) const;

  const google::protobuf::Struct& object() const { return object_; }

 private:
  google::protobuf::Struct object_;
};

// Writes reports to standard output, one a line, as PROTOCOL.md has them. Threads: any.
class Reports {
 public:
  void Write(const std::string& report, Json members);
  // The last one of a subscription or a watch: how it ended.
  void WriteEnd(const absl::Status& status);

 private:
  absl::Mutex mutex_;
};

// The canonical name of a code: "NOT_FOUND".
std::string CodeName(const absl::Status& status);

// Serialised again, in base64.
std::string Encoded(const v1::ReleaseEvent& event);

// The event by the library's own types.
Json Native(const v1::ReleaseEvent& event);

}  // namespace onhook::interop

#endif  // ONHOOK_CLIENTS_CPP_INTEROP_REPORTS_H_
