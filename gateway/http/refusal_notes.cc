#include "gateway/http/refusal_notes.h"

#include <cstdint>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "gateway/base/log_throttle.h"
#include "gateway/http/refusal.h"

namespace onhook {
namespace {

constexpr absl::Duration kLineInterval = absl::Minutes(1);

struct Note {
  Note(const Refusal* refused, Metrics::Counter count, const Clock* clock)
      : refusal(refused), counter(count), throttle(clock, kLineInterval) {}

  const Refusal* const refusal;
  const Metrics::Counter counter;
  LogThrottle throttle;
};

}  // namespace

std::function<void(absl::string_view label)> NoteRefusals(const std::string& listener,
                                                          Metrics* metrics, const Clock* clock,
                                                          const Log* log) {
  absl::flat_hash_map<absl::string_view, std::shared_ptr<Note>> notes;
  for (const Refusal& refusal : AllRefusals()) {
    const Metrics::Counter counter = metrics->AddCounter(
        "onhook_http_refusals_total", "Requests that are no HTTP as this port takes it.",
        {{"listener", listener}, {"reason", std::string(refusal.label)}});
    notes[refusal.label] = std::make_shared<Note>(&refusal, counter, clock);
  }
  return [notes = std::move(notes), listener, log](absl::string_view label) {
    const auto found = notes.find(label);
    if (found == notes.end()) return;
    Note& note = *found->second;
    note.counter.Increment();
    const int64_t requests = note.throttle.Occurred();
    if (requests == 0) return;
    log->Warning(
        "http", "requests were refused before anything looked at them",
        {{"listener", listener}, {"reason", note.refusal->reason}, {"requests", requests}});
  };
}

}  // namespace onhook
