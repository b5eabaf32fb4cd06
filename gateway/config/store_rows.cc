#include "absl/time/time.h"
#include "gateway/config/setting_kinds.h"
#include "gateway/config/setting_rows.h"

namespace onhook {
namespace {

using S = Settings;

constexpr int64_t kMiB = int64_t{1} << 20;
constexpr int64_t kGiB = int64_t{1} << 30;
constexpr int64_t kTiB = int64_t{1} << 40;

}  // namespace

std::vector<Setting> StoreRows() {
  return {
      Row(
          "store.engine", EngineKind(), [](S* s) { return &s->store.engine; },
          "what keeps the events: this machine's disk, or NATS servers that gateways share",
          "it needs no server beside the gateway"),
      Row(
          "store.directory", DirectoryKind(), [](S* s) { return &s->store.directory; },
          "where sqlite keeps events; made if it is missing; from the working directory, if "
          "relative",
          "a first try needs no rights anywhere else"),
      Reloading(Row(
          "store.retention.age", DurationOrUnlimitedKind(),
          [](S* s) { return &s->store.retention_age; },
          "how long events that no subscription is owed are kept",
          "a consumer's fault that is found after a weekend can still be played back")),
      Reloading(Row(
          "store.retention.size", BytesOrUnlimitedKind(),
          [](S* s) { return &s->store.retention_size; },
          "how many bytes of events are kept, if no subscription is owed them",
          "ten million events of about 1 KiB, on a small disk")),
      Reloading(Row(
          "store.deduplication_window", DurationKind(),
          [](S* s) { return &s->store.deduplication_window; },
          "how long a repeat is known after its event was removed; the same for a whole fleet",
          "vendors of this kind repeat for some hours; a day leaves room; with jetstream it counts "
          "from the storing")),
      Reloading(Row(
          "store.dead_letters.age", DurationOrUnlimitedKind(),
          [](S* s) { return &s->store.dead_letters_age; }, "how long dead letters are kept",
          "time to notice and mend a consumer; they hold numbers, so not for ever")),
      Reloading(Row(
          "store.dead_letters.size", BytesOrUnlimitedKind(),
          [](S* s) { return &s->store.dead_letters_size; },
          "how many bytes of dead letters are kept",
          "a consumer that refuses everything must not fill the disk")),
      Reloading(Row(
          "store.minimum_free_disk", BytesKind<int64_t>(16 * kMiB, kTiB),
          [](S* s) { return &s->store.minimum_free_disk; },
          "with less room on the disk nothing new is stored, and callbacks are answered 503",
          "acks and checkpoints must still be written, so that what is stored can drain")),
      Reloading(Row(
          "store.keep_raw_body", BooleanKind(), [](S* s) { return &s->store.keep_raw_body; },
          "keep each callback's body beside its event, byte for byte",
          "an event holds every field already, and what is not kept cannot leak")),
      Row(
          "store.memory_tail", BytesKind<size_t>(kMiB, 64 * kGiB),
          [](S* s) { return &s->store.memory_tail; },
          "how many bytes of the newest events are kept in memory for subscribers that keep up",
          "fifteen thousand events of about 1 KiB, fifteen times what a stream may hold: only who"
          " is later reads the disk"),
  };
}

std::vector<Setting> QuarantineRows() {
  return {
      Reloading(Row(
          "quarantine.size", BytesKind<int64_t>(kMiB, kTiB),
          [](S* s) { return &s->quarantine.size; },
          "how many bytes of refused callbacks are kept; the source that takes most loses its "
          "oldest",
          "fifty thousand real callbacks; who floods one source pushes out none of those that take "
          "less")),
      Reloading(Row(
          "quarantine.age", DurationKind(absl::Minutes(1), absl::Hours(10 * 366 * 24)),
          [](S* s) { return &s->quarantine.age; }, "how long refused callbacks are kept",
          "time to notice and to mend a key or a setting; they hold numbers, so not for ever")),
      Reloading(Row(
          "quarantine.rate", NumberKind<double>(1, 100000),
          [](S* s) { return &s->quarantine.rate; },
          "how many refused callbacks of one source are kept in a second, in the long run",
          "more than a contact centre sends, and too few to slow down what is valid; beyond it the "
          "sender is told to come again")),
      Reloading(Row(
          "quarantine.burst", NumberKind<int64_t>(1, 1000000),
          [](S* s) { return &s->quarantine.burst; },
          "how many refused callbacks of one source are kept at once, above the rate",
          "ten seconds of the rate: a dialler's burst after a wrong key is kept whole")),
  };
}

}  // namespace onhook
