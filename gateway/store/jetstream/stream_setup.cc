#include "gateway/store/jetstream/stream_setup.h"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "gateway/base/clock.h"
#include "gateway/store/embedded/random_bits.h"
#include "gateway/store/jetstream/jetstream_json.h"

namespace onhook {
namespace {

constexpr char kDescription[] = "onhook format 1 store ";
constexpr size_t kIdDigits = 16;
// Of what is not deduplicated by ids: the servers' least.
constexpr absl::Duration kShortWindow = absl::Minutes(2);

constexpr absl::string_view kReplicas = "store.jetstream.replicas";
constexpr absl::string_view kStream = "store.jetstream.stream";
constexpr absl::string_view kSubjectPrefix = "store.jetstream.subject_prefix";

// How long a cluster may take to form once one of its servers answers.
constexpr absl::Duration kForming = absl::Seconds(10);
constexpr absl::Duration kBetweenTries = absl::Milliseconds(200);

// Numbers of the servers' errors.
constexpr int64_t kNoPeersFit = 10005;
constexpr int64_t kNoCluster = 10074;
constexpr int64_t kSubjectsOverlap = 10065;

// What the setting `of` contradicts.
absl::Status Wrong(const std::string& stream, absl::string_view what,
                   absl::string_view of = kStream) {
  return absl::FailedPreconditionError(absl::StrCat(of, ": stream ", stream, ": ", what));
}

// Why a stream was neither found nor made.
absl::Status CannotBeHad(const StreamConfig& config, const std::string& prefix,
                         const absl::Status& error) {
  switch (NatsErrorNumber(error)) {
    case kNoCluster:
      return Wrong(config.name, absl::StrCat(error.message(), "; set 1 for a single server"),
                   kReplicas);
    case kNoPeersFit:
      return Wrong(config.name,
                   absl::StrCat(error.message(), "; there must be ", config.replicas,
                                " servers with room for it, and know of each other; set 1 for a "
                                "single one"),
                   kReplicas);
    case kSubjectsOverlap:
      return Wrong(
          config.name,
          absl::StrCat(error.message(), ": a stream of another name has the subjects of ",
                       kSubjectPrefix, " ", prefix, "; set that stream's name, or another prefix"));
    default:
      break;
  }
  if (absl::IsDeadlineExceeded(error)) {
    return absl::UnavailableError(absl::StrCat(
        "stream ", config.name, ": ", error.message(),
        ": a server is connected, but those of its cluster may have no leader: most of the servers "
        "that its `routes` name must be up; take the `cluster` block out of a single one's "
        "configuration"));
  }
  return absl::Status(error.code(), absl::StrCat("stream ", config.name, ": ", error.message()));
}

// A stream that is not there is made; if another gateway does that at the same time, its is found.
// That no servers fit is so, too, while those of a cluster are finding each other.
absl::StatusOr<StreamInfo> FindOrCreate(JetStreamApi* api, const StreamConfig& config) {
  const SystemClock clock;
  const absl::Duration formed_by = clock.Elapsed() + kForming;
  absl::StatusOr<StreamInfo> info;
  for (int attempt = 0; attempt < 3;) {
    info =
        AwaitAnswer<StreamInfo>([&](auto done) { api->GetStream(config.name, std::move(done)); });
    if (!absl::IsNotFound(info.status())) return info;
    info = AwaitAnswer<StreamInfo>([&](auto done) { api->CreateStream(config, std::move(done)); });
    if (NatsErrorNumber(info.status()) == kNoPeersFit && clock.Elapsed() < formed_by) {
      absl::SleepFor(kBetweenTries);
      continue;
    }
    if (!absl::IsAlreadyExists(info.status())) return info;
    ++attempt;
  }
  return info;
}

// That nothing is missing that the rest counts on. What was settled, parked and seen is not known
// without these streams, and of events that are gone others say that they are settled.
absl::Status CheckWhole(JetStreamApi* api, const Subjects& subjects) {
  const auto find = [api](const std::string& name) {
    return AwaitAnswer<StreamInfo>([&](auto done) { api->GetStream(name, std::move(done)); });
  };
  const auto failed = [](const std::string& name, const absl::Status& error) {
    StreamConfig config;
    config.name = name;
    return CannotBeHad(config, "", error);
  };
  const std::string others[] = {subjects.state_stream(), subjects.dead_stream(),
                                subjects.nonces_stream()};
  // Another gateway may be making them just now: what is used has all of them for long.
  std::string used;
  for (const std::string& name : others) {
    const absl::StatusOr<StreamInfo> info = find(name);
    if (!info.ok() && !absl::IsNotFound(info.status())) return failed(name, info.status());
    if (info.ok() && info->last_sequence > 0) used = name;
  }
  const absl::StatusOr<StreamInfo> events = find(subjects.events_stream());
  if (absl::IsNotFound(events.status())) {
    if (used.empty()) return absl::OkStatus();
    return Wrong(subjects.events_stream(),
                 absl::StrCat("it is missing, though ", used,
                              " was used: restore it, or remove all of them"));
  }
  if (!events.ok()) return failed(subjects.events_stream(), events.status());
  for (const std::string& name : others) {
    const absl::Status there = find(name).status();
    if (!absl::IsNotFound(there)) {
      if (!there.ok()) return failed(name, there);
      continue;
    }
    return Wrong(name, absl::StrCat("it is missing, though ", subjects.events_stream(),
                                    " is there: restore it, or remove all of them"));
  }
  return absl::OkStatus();
}

absl::Status Check(const StreamInfo& info, const StreamConfig& wanted, bool may_be_limited) {
  if (!info.unsuitable.empty()) return Wrong(wanted.name, info.unsuitable);
  std::vector<std::string> subjects = info.config.subjects;
  std::vector<std::string> wanted_subjects = wanted.subjects;
  std::sort(subjects.begin(), subjects.end());
  std::sort(wanted_subjects.begin(), wanted_subjects.end());
  if (subjects != wanted_subjects) {
    return Wrong(wanted.name,
                 absl::StrCat("its subjects are ", absl::StrJoin(subjects, ", "), ", not ",
                              absl::StrJoin(wanted_subjects, ", "),
                              "; set the prefix that it was made with, or another ", kStream),
                 kSubjectPrefix);
  }
  if (info.config.replicas != wanted.replicas) {
    return Wrong(wanted.name,
                 absl::StrCat("it has ", info.config.replicas, " replicas, not ", wanted.replicas,
                              "; set ", info.config.replicas, ", or change all five streams first",
                              info.config.replicas == 1 ? " (there must be as many servers)" : ""),
                 kReplicas);
  }
  // At a limit nothing is settled any more, or parked, or refused for good: what is owed comes
  // again and again. A limit of events only refuses callbacks, which come again.
  const bool is_limited = info.config.max_messages > 0 || info.config.max_bytes > 0;
  if (is_limited && !may_be_limited) {
    return Wrong(wanted.name,
                 "max_msgs or max_bytes is set, which only the stream of events may be: set it "
                 "to -1");
  }
  if (wanted.allow_rollup && !info.config.allow_rollup) {
    return Wrong(wanted.name, "allow_rollup_hdrs is off: set it to true");
  }
  return absl::OkStatus();
}

}  // namespace

std::string StoreIdOf(absl::string_view description) {
  if (!absl::StartsWith(description, kDescription)) return "";
  const absl::string_view id = description.substr(sizeof(kDescription) - 1);
  return id.size() == kIdDigits ? std::string(id) : "";
}

absl::StatusOr<StoreStreams> SetUpStreams(JetStreamApi* api, const Subjects& subjects,
                                          const JetStreamOptions& options) {
  StoreStreams streams;
  const std::string new_id = absl::StrCat(absl::Hex(RandomBits(), absl::kZeroPad16));
  struct Wanted {
    std::string name;
    std::vector<std::string> subjects;
    absl::Duration window;
    bool allow_rollup;
    StreamInfo* info;
  };
  // The events last: a setup that ended halfway is known by their stream's not being there.
  const Wanted all[] = {
      {subjects.state_stream(), {subjects.states()}, kShortWindow, true, &streams.state},
      {subjects.dead_stream(),
       {subjects.dead(), subjects.redriven()},
       kShortWindow,
       false,
       &streams.dead},
      {subjects.nonces_stream(),
       {subjects.nonces(), subjects.horizons()},
       kShortWindow,
       true,
       &streams.nonces},
      {subjects.rejected_stream(), {subjects.rejected()}, kShortWindow, false, &streams.rejected},
      {subjects.events_stream(),
       {subjects.events()},
       options.retention.deduplication_window,
       false,
       &streams.events},
  };
  if (absl::Status status = CheckWhole(api, subjects); !status.ok()) return status;
  for (const Wanted& wanted : all) {
    StreamConfig config;
    config.name = wanted.name;
    config.subjects = wanted.subjects;
    config.replicas = options.replicas;
    config.duplicate_window = wanted.window;
    config.allow_rollup = wanted.allow_rollup;
    config.description =
        absl::StrCat(kDescription, streams.store_id.empty() ? new_id : streams.store_id);
    absl::StatusOr<StreamInfo> info = FindOrCreate(api, config);
    if (!info.ok()) return CannotBeHad(config, options.subject_prefix, info.status());
    const std::string id = StoreIdOf(info->config.description);
    if (id.empty()) {
      return Wrong(wanted.name, "it was not made by onhook: its description does not say so");
    }
    if (streams.store_id.empty()) streams.store_id = id;
    if (id != streams.store_id) {
      return Wrong(
          wanted.name,
          absl::StrCat("it belongs to store ", id, ", but ", subjects.state_stream(), " is store ",
                       streams.store_id, ": one of them was removed and made anew"));
    }
    if (absl::Status status = Check(*info, config, wanted.info == &streams.events); !status.ok())
      return status;
    *wanted.info = *std::move(info);
  }
  absl::Status status = CheckEventsStream(streams.events, options.retention.deduplication_window);
  if (!status.ok()) return status;
  return streams;
}

absl::Status CheckEventsStream(const StreamInfo& events, absl::Duration window) {
  const std::string& name = events.config.name;
  if (!events.unsuitable.empty()) return Wrong(name, events.unsuitable);
  const absl::Duration has = events.config.duplicate_window;
  if (has == window) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "store.deduplication_window: stream ", name, " has a window of ", absl::FormatDuration(has),
      ", not ", absl::FormatDuration(window), ": all gateways on it need the same one; set ",
      absl::FormatDuration(has),
      ", or change it for all of them: give the new one to all, and reload those that run"));
}

absl::StatusOr<absl::Duration> ChangeWindow(JetStreamApi* api, const std::string& events_stream,
                                            absl::Duration window) {
  // As it is now: somebody may have set a limit since it was opened.
  absl::StatusOr<StreamInfo> info =
      AwaitAnswer<StreamInfo>([&](auto done) { api->GetStream(events_stream, std::move(done)); });
  if (!info.ok()) return info.status();
  const absl::Duration had = std::exchange(info->config.duplicate_window, window);
  if (had == window) return had;
  const absl::Status changed = AwaitAnswer<StreamInfo>([&](auto done) {
                                 api->UpdateStream(info->config, std::move(done));
                               }).status();
  if (!changed.ok()) return changed;
  return had;
}

}  // namespace onhook
