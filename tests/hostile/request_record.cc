#include "tests/hostile/request_record.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"

namespace onhook {
namespace {

// Every marker begins and ends with it, and nothing else in a request holds it.
constexpr char kEdge = '~';

// The markers in `text`, each one as it stands.
std::vector<std::string> MarkersIn(absl::string_view text) {
  std::vector<std::string> markers;
  const std::vector<absl::string_view> parts = absl::StrSplit(text, kEdge);
  for (size_t i = 1; i + 1 < parts.size(); i += 2) {
    markers.push_back(absl::StrCat("~", parts[i], "~"));
  }
  return markers;
}

}  // namespace

std::string RequestRecord::NewMarker() {
  absl::MutexLock lock(&mutex_);
  return absl::StrFormat("~%06d~", ++last_);
}

std::string RequestRecord::RequestOf(absl::string_view marker) {
  return absl::StrCat("POST /x HTTP/1.1\r\nHost: h\r\nMarker: ", marker,
                      "\r\nContent-Length: ", marker.size(), "\r\n\r\n", marker);
}

std::string RequestRecord::Take(absl::string_view own_marker, absl::string_view body) {
  const std::string marker(own_marker);
  absl::MutexLock lock(&mutex_);
  if (marker.empty()) faults_.push_back("a request without a marker");
  if (++taken_[marker] > 1) faults_.push_back(absl::StrCat("request ", marker, " a second time"));
  for (const std::string& other : MarkersIn(body)) {
    if (other != marker) faults_.push_back(absl::StrCat("a body of ", other, " with ", marker));
  }
  return AnswerTo(marker);
}

std::string RequestRecord::AnswerTo(absl::string_view marker) {
  return absl::StrCat("served ", marker);
}

int RequestRecord::TimesTaken(const std::string& marker) const {
  absl::MutexLock lock(&mutex_);
  const auto found = taken_.find(marker);
  return found == taken_.end() ? 0 : found->second;
}

std::vector<std::string> RequestRecord::TakeFaults() {
  absl::MutexLock lock(&mutex_);
  std::vector<std::string> faults;
  faults.swap(faults_);
  return faults;
}

}  // namespace onhook
