// The journal of the JetStream engine: whatever its records say, a gateway passes over them or
// applies them, each gateway alike, and a snapshot says the same as what it stands for.
//
// An input is a sequence of records, each behind its length. One gateway applies them and writes a
// snapshot after each, one applies them while it serves, and one begins with each snapshot.
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/util/delimited_message_util.h>

#include <deque>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/base/cautious_clock.h"
#include "gateway/base/log.h"
#include "gateway/store/jetstream/jetstream_api.h"
#include "gateway/store/jetstream/jetstream_queue.h"
#include "gateway/store/jetstream/record_check.h"
#include "gateway/store/jetstream/runs.h"
#include "gateway/store/jetstream/snapshot_record.h"
#include "gateway/store/jetstream/state_journal.h"
#include "gateway/store/jetstream/subjects.h"
#include "gateway/store/jetstream/subscription_registry.h"
#include "gateway/store/memory/memory_store.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/manual_clock.h"

namespace onhook {
namespace {

using jetstream::SubscriptionChange;
using jetstream::SubscriptionChanges;

constexpr int kEvents = 40;
constexpr size_t kMostRecords = 30;

// One that is connected to nobody, and remembers the newest snapshot that was to be written.
class AwayConnection final : public NatsConnection {
 public:
  bool connected() const override { return false; }
  bool may_be_back_soon() const override { return false; }
  std::string trouble() const override { return "nobody is there"; }
  int64_t connection_number() const override { return 0; }
  absl::Duration silence() const override { return absl::InfiniteDuration(); }
  int64_t max_payload() const override { return 1 << 20; }
  void Request(const std::string&, const NatsHeaders&, absl::string_view data, absl::Duration,
               Reply reply) override {
    SubscriptionChanges changes;
    if (changes.ParseFromArray(data.data(), static_cast<int>(data.size())) &&
        changes.changes_size() == 1 && changes.changes(0).has_snapshot()) {
      snapshot_ = std::move(changes);
    }
    replies_.push_back(std::move(reply));
  }
  absl::Status Publish(const std::string&, absl::string_view, const std::string&) override {
    return Away();
  }
  absl::StatusOr<std::unique_ptr<NatsSubscription>> Subscribe(const std::string&,
                                                              Handler) override {
    return Away();
  }
  std::string NewInbox() override { return "inbox.1"; }
  void AddListener(Listener) override {}
  void Close() override { Answer(); }

  void Answer() {
    while (!replies_.empty()) {
      const Reply reply = std::move(replies_.front());
      replies_.pop_front();
      reply(Away());
    }
  }
  SubscriptionChanges TakeSnapshot() { return std::exchange(snapshot_, {}); }

 private:
  static absl::Status Away() { return absl::UnavailableError("nobody is there"); }

  std::deque<Reply> replies_;
  SubscriptionChanges snapshot_;
};

// What all gateways share, whatever the input.
struct World {
  World() {
    store = *OpenMemoryStore(std::make_shared<MemoryDisk>(), &clock, &log);
    for (int i = 0; i < kEvents; ++i) {
      v1::ReleaseEvent event;
      event.set_call_serial_no(absl::StrCat(i));
      const absl::StatusOr<AppendResult> appended = AwaitAnswer<AppendResult>([&](auto done) {
        store->log().Append({absl::StrCat(i), "default", std::string(16, 'd'), clock.Now(),
                             event.SerializeAsString()},
                            std::move(done));
      });
      FUZZ_CHECK(appended.ok());
    }
  }
  static World& Get() {
    static World* const world = new World;
    return *world;
  }

  ManualClock clock;
  const Log log{&clock, LogLevel::kError, Log::Format::kText, [](absl::string_view) {}};
  const CautiousClock cautious_clock{&clock};
  const std::vector<Store::SettledListener> listeners;
  std::unique_ptr<Store> store;
};

class Gateway {
 public:
  explicit Gateway(bool writes_snapshots) : writes_snapshots_(writes_snapshots) {
    options_.records_between_snapshots = 1;
  }
  ~Gateway() {
    registry_.Close();
    journal_.Close();
    connection_.Close();
  }

  void Apply(int64_t place, const SubscriptionChanges& changes) {
    registry_.Apply(place, changes, writes_snapshots_ ? place : 0);
    connection_.Answer();
  }
  void Serve() {
    registry_.Open();
    registry_.Tick();
    connection_.Answer();
  }
  SubscriptionChanges TakeSnapshot() { return connection_.TakeSnapshot(); }
  std::vector<SubscriptionRegistry::QueuePtr> Queues() const { return registry_.Queues(); }

 private:
  World& world_ = World::Get();
  const bool writes_snapshots_;
  JetStreamOptions options_;
  const Subjects subjects_{options_};
  AwayConnection connection_;
  JetStreamApi api_{&connection_, absl::Seconds(1)};
  StateJournal journal_{&api_, subjects_, 1, &world_.clock, &world_.log};
  SubscriptionRegistry registry_{{&api_, &subjects_, &options_, &world_.store->log(), &journal_,
                                  &world_.clock, &world_.cautious_clock, &world_.log,
                                  &world_.listeners}};
};

void CheckSame(const JetStreamQueue& one, const JetStreamQueue& other) {
  const QueueStats stats = one.Stats();
  const QueueStats others = other.Stats();
  FUZZ_CHECK(stats.paused == others.paused);
  FUZZ_CHECK(stats.backlog_events == others.backlog_events);
  FUZZ_CHECK(stats.dead_letters == others.dead_letters);
  FUZZ_CHECK(stats.dropped_by_limit == others.dropped_by_limit);
  FUZZ_CHECK(stats.floor == others.floor);
  FUZZ_CHECK(stats.oldest_unsettled == others.oldest_unsettled);
  const SubscriptionRecord record = one.record();
  const SubscriptionRecord others_record = other.record();
  FUZZ_CHECK(record.spec.SerializeAsString() == others_record.spec.SerializeAsString());
  FUZZ_CHECK(record.origin == others_record.origin && record.epoch == others_record.epoch);
  FUZZ_CHECK(record.epoch_number == others_record.epoch_number);
  FUZZ_CHECK(record.created_at == others_record.created_at);
  FUZZ_CHECK(record.last_used_at == others_record.last_used_at);
  FUZZ_CHECK(one.DeadMessages() == other.DeadMessages());
  FUZZ_CHECK(one.OldestDeadLetter() == other.OldestDeadLetter());
  for (Sequence sequence = 1; sequence <= kEvents; ++sequence) {
    FUZZ_CHECK(one.HasProcessed(sequence) == other.HasProcessed(sequence));
  }
}

void CheckSame(const Gateway& one, const Gateway& other) {
  const auto queues = one.Queues();
  const auto others = other.Queues();
  FUZZ_CHECK(queues.size() == others.size());
  for (size_t i = 0; i < queues.size(); ++i) CheckSame(*queues[i], *others[i]);
}

std::vector<SubscriptionChanges> RecordsOf(absl::string_view bytes) {
  google::protobuf::io::ArrayInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  std::vector<SubscriptionChanges> records;
  bool end = false;
  while (!end && records.size() < kMostRecords) {
    SubscriptionChanges changes;
    if (!google::protobuf::util::ParseDelimitedFromZeroCopyStream(&changes, &stream, &end)) break;
    changes.set_subscription("crm");
    records.push_back(std::move(changes));
  }
  return records;
}

// ----------------------------------------------------------------------------------------- seeds

// A journal of one subscription.
class SeedJournal {
 public:
  SeedJournal& Created(Sequence start) {
    SubscriptionChange::Created* const created = Next()->mutable_created();
    created->set_epoch(7);
    created->set_start(start);
    return *this;
  }
  SeedJournal& Settled(SettlementRow::Kind kind, SequenceRange range) {
    SequenceSet sequences;
    sequences.Add(range);
    SubscriptionChange::Settled* const settled = Next()->mutable_settled();
    settled->set_kind(static_cast<int32_t>(kind));
    EncodeRuns(sequences, settled->mutable_sequences());
    for (Sequence at = range.first; kind == SettlementRow::Kind::kParked && at <= range.last;
         ++at) {
      SubscriptionChange::Parked* const parked = settled->add_parked();
      parked->set_sequence(at);
      parked->set_dead_letter_id(100 + at);
      parked->set_attempt(1);
      parked->set_kind(v1::TimelineEntry::KIND_PARKED);
    }
    return *this;
  }
  SeedJournal& Failed(Sequence sequence) {
    SubscriptionChange::Failed* const failed = Next()->mutable_failed();
    failed->set_sequence(sequence);
    failed->set_kind(v1::TimelineEntry::KIND_NACKED);
    failed->set_attempts(1);
    return *this;
  }
  SeedJournal& Letters(v1::TimelineEntry::Kind kind, Sequence sequence, int64_t copy,
                       int64_t lost_copy) {
    SubscriptionChange::DeadLettersChanged* const changed = Next()->mutable_dead_letters_changed();
    changed->set_kind(kind);
    changed->add_sequences(sequence);
    changed->add_dead_letter_ids(100 + sequence);
    if (copy != 0) changed->add_copies(copy);
    if (lost_copy != 0) changed->add_lost_copies(lost_copy);
    return *this;
  }
  SeedJournal& Sought(Sequence after, bool lost) {
    SubscriptionChange* const change = Next();
    change->set_epoch_number(++epoch_number_);
    SubscriptionChange::Sought* const sought = change->mutable_sought();
    sought->set_after(after);
    sought->set_epoch(8);
    sought->set_replayed_through(after + 2);
    if (lost) sought->set_lost_behind(after);
    return *this;
  }
  SeedJournal& Paused(bool paused) {
    Next()->set_paused(paused);
    return *this;
  }
  SeedJournal& Respecified(int32_t attempts) {
    Next()->mutable_respecified()->mutable_spec()->set_max_delivery_attempts(attempts);
    return *this;
  }
  SeedJournal& Used() {
    Next()->mutable_used();
    return *this;
  }
  SeedJournal& Deleted() {
    Next()->mutable_deleted();
    return *this;
  }
  // What a gateway that applied all so far would write.
  SeedJournal& Snapshot() {
    Gateway gateway(true);
    for (size_t i = 0; i < records_.size(); ++i) {
      gateway.Apply(static_cast<int64_t>(i) + 1, records_[i]);
    }
    records_.push_back(gateway.TakeSnapshot());
    return *this;
  }
  std::string Bytes() const {
    std::ostringstream bytes;
    for (const SubscriptionChanges& record : records_) {
      google::protobuf::util::SerializeDelimitedToOstream(record, &bytes);
    }
    return bytes.str();
  }

 private:
  SubscriptionChange* Next() {
    records_.emplace_back();
    records_.back().set_subscription("crm");
    SubscriptionChange* const change = records_.back().add_changes();
    change->set_epoch_number(epoch_number_);
    change->set_at_us(1645524276000000);
    return change;
  }

  int64_t epoch_number_ = 0;
  std::vector<SubscriptionChanges> records_;
};

}  // namespace

std::vector<std::string> Seeds(const std::vector<std::string>& /*bodies*/) {
  using Kind = SettlementRow::Kind;
  using Entry = v1::TimelineEntry;
  SeedJournal letters;
  letters.Created(2)
      .Settled(Kind::kParked, {4, 6})
      .Letters(Entry::KIND_REDRIVEN, 5, 301, 0)
      .Letters(Entry::KIND_REDRIVEN, 5, 302, 301)
      .Letters(Entry::KIND_DISCARDED, 5, 0, 302)
      .Letters(Entry::KIND_DISCARDED, 4, 0, 0)
      .Snapshot()
      .Sought(5, true)
      .Letters(Entry::KIND_DISCARDED, 6, 0, 0)
      .Snapshot();
  SeedJournal settling;
  settling.Created(0)
      .Settled(Kind::kAcked, {1, 3})
      .Failed(5)
      .Settled(Kind::kSkipped, {7, 9})
      .Paused(true)
      .Snapshot()
      .Paused(false)
      .Respecified(3)
      .Used()
      .Settled(Kind::kPassedOver, {10, 12})
      .Sought(2, false)
      .Settled(Kind::kAcked, {3, 40})
      .Snapshot()
      .Deleted()
      .Created(4);
  return {letters.Bytes(), settling.Bytes()};
}

}  // namespace onhook

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using onhook::Gateway;
  google::protobuf::SetLogHandler(nullptr);  // as the gateway has it
  Gateway writing(true);
  Gateway serving(false);
  serving.Serve();
  int64_t place = 0;
  for (const auto& record : onhook::RecordsOf(onhook::BytesOf(data, size))) {
    ++place;
    if (!onhook::CheckRecord(record).ok()) continue;
    writing.Apply(place, record);
    serving.Apply(place, record);
    serving.Serve();
    onhook::CheckSame(writing, serving);
    const onhook::jetstream::SubscriptionChanges snapshot = writing.TakeSnapshot();
    if (snapshot.changes().empty()) continue;
    FUZZ_CHECK(onhook::CheckRecord(snapshot).ok());
    Gateway late(false);
    late.Apply(place + 1, snapshot);
    onhook::CheckSame(writing, late);
  }
  return 0;
}
