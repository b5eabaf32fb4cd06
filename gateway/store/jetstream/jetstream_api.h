#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_JETSTREAM_API_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_JETSTREAM_API_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/base/steady_condition.h"
#include "gateway/store/jetstream/nats_connection.h"

namespace onhook {

// A stream as it is to be. What is not named here is as it must be for us: file storage, limits
// retention, DiscardNew, no maximum of age, messages or bytes; direct reads off, since a replica
// may be behind.
struct StreamConfig {
  std::string name;
  std::vector<std::string> subjects;
  int replicas = 1;
  absl::Duration duplicate_window = absl::Minutes(2);
  std::string description;    // ours: tells the store's identity
  bool allow_rollup = false;  // a message may replace all of its subject
  // Newer servers take a thousand for what is not said. It cannot be changed later.
  int64_t max_consumers = 100000;
  // At which it takes nothing new; -1: none.
  int64_t max_messages = -1;
  int64_t max_bytes = -1;
};

struct StreamInfo {
  StreamConfig config;
  // What the server would do that we never want: why this stream cannot be ours; empty: nothing.
  // ("max_age is set", "discard is old", ...)
  std::string unsuitable;
  int64_t first_sequence = 0;  // of the oldest message kept, or to come
  int64_t last_sequence = 0;   // of the newest ever stored
  int64_t messages = 0;
  int64_t bytes = 0;
  std::string leader;        // name of a server; empty: none, or not clustered
  int current_replicas = 0;  // with the leader; 1 where there is no cluster
};

// A message as it lies in a stream.
struct StreamMessage {
  int64_t sequence = 0;
  std::string subject;
  NatsHeaders headers;
  std::string data;
  absl::Time stored_at;
};

struct ConsumerConfig {
  std::string name;  // empty: the server chooses one
  bool durable = false;
  std::string description;
  std::vector<std::string> filter_subjects;  // empty: all
  int64_t start_sequence = 1;                // from this one on
  bool explicit_ack = true;                  // false: nothing is acknowledged
  absl::Duration ack_wait = absl::Seconds(30);
  int64_t max_ack_pending = 1000;
  int replicas = 0;  // 0: as the stream
  bool memory_storage = false;
  absl::Duration inactive_threshold;  // it is deleted when unused for so long; 0: never
  std::string deliver_subject;        // push; empty: pull
  bool flow_control = false;          // of push
  absl::Duration idle_heartbeat;      // of push; 0: none
};

struct ConsumerInfo {
  std::string name;
  ConsumerConfig config;
  int64_t delivered_stream_sequence = 0;
  int64_t ack_floor_stream_sequence = 0;
  int64_t pending = 0;      // not yet delivered
  int64_t ack_pending = 0;  // delivered, not acknowledged
  int64_t redelivered = 0;
  int64_t waiting = 0;  // pull requests
};

struct PublishOptions {
  std::string message_id;                           // empty: none
  std::optional<int64_t> expected_last_of_subject;  // Nats-Expected-Last-Subject-Sequence
  bool rollup = false;                              // replaces all of its subject
  absl::Duration timeout;                           // 0: the options' request_timeout
};

struct PublishAck {
  int64_t sequence = 0;
  bool duplicate = false;
};

// Where a message of a pull or push consumer stands, as its reply subject tells.
struct DeliveryFacts {
  std::string stream;
  std::string consumer;
  int64_t delivered = 0;  // how often, this time included
  int64_t stream_sequence = 0;
  int64_t consumer_sequence = 0;
  absl::Time stored_at;
  int64_t pending = 0;  // messages behind it for this consumer
};
// Errors: nothing for what is no such subject. Takes both forms, with domain and account and
// without.
std::optional<DeliveryFacts> ParseAckSubject(absl::string_view reply);

// The JetStream API over a connection, as questions and answers.
//
// Why not libnats' own functions for it: they block, and know nothing of servers newer than they.
// Errors of all: as NatsConnection::Request; kNotFound (no such stream, consumer or message),
// kAlreadyExists (of another configuration), kAborted (expected_last_of_subject does not hold),
// kResourceExhausted (the stream, its account or its disk is full), kFailedPrecondition (JetStream
// is not enabled, the servers cannot place what is asked for), kInternal (else). "No leader now"
// and its like are kUnavailable. The message holds the server's own words. Threads: any. Blocking:
// never. Answers come from the connection's threads.
class JetStreamApi {
 public:
  template <typename Result>
  using Done = std::function<void(absl::StatusOr<Result>)>;
  using DoneStatus = std::function<void(absl::Status)>;

  // The connection must outlive it.
  JetStreamApi(NatsConnection* connection, absl::Duration timeout);

  NatsConnection* connection() const { return connection_; }

  // Fails with kAlreadyExists if there is one of another configuration.
  void CreateStream(const StreamConfig& config, Done<StreamInfo> done);
  void UpdateStream(const StreamConfig& config, Done<StreamInfo> done);
  void GetStream(const std::string& name, Done<StreamInfo> done);
  void DeleteStream(const std::string& name, DoneStatus done);
  // Removes all messages before `sequence`; of one subject if that is set. Behind the last message
  // but one the sequences up to there are never given out any more.
  void Purge(const std::string& stream, int64_t sequence, const std::string& subject,
             DoneStatus done);
  void DeleteMessage(const std::string& stream, int64_t sequence, DoneStatus done);

  // The message at `sequence`; the first at or behind it that the subject (wildcards allowed)
  // matches; the newest of a subject. kNotFound: the stream has none; a stream that is not there
  // is kUnavailable.
  void GetMessage(const std::string& stream, int64_t sequence, Done<StreamMessage> done);
  void GetNext(const std::string& stream, int64_t sequence, const std::string& subject,
               Done<StreamMessage> done);
  void GetLast(const std::string& stream, const std::string& subject, Done<StreamMessage> done);

  void Publish(const std::string& subject, const NatsHeaders& headers, absl::string_view data,
               const PublishOptions& options, Done<PublishAck> done);

  // Creates one, or changes what may be changed of one that exists.
  void CreateConsumer(const std::string& stream, const ConsumerConfig& config,
                      Done<ConsumerInfo> done);
  void GetConsumer(const std::string& stream, const std::string& name, Done<ConsumerInfo> done);
  void DeleteConsumer(const std::string& stream, const std::string& name, DoneStatus done);
  // The subjects of which the stream has messages; 100,000 at most.
  void ListSubjects(const std::string& stream, Done<std::vector<std::string>> done);
  // By name. Pages through all.
  void ListConsumers(const std::string& stream, Done<std::vector<std::string>> done);

 private:
  void Ask(const std::string& subject, absl::string_view body, NatsConnection::Reply reply);

  NatsConnection* const connection_;
  const absl::Duration timeout_;
};

// Waits for an answer: for what happens while a store is opened. Never on a connection's thread.
template <typename Result>
absl::StatusOr<Result> AwaitAnswer(
    const std::function<void(std::function<void(absl::StatusOr<Result>)>)>& ask) {
  struct Answer {
    SteadyNotification came;
    absl::StatusOr<Result> result;
  };
  const auto answer = std::make_shared<Answer>();
  ask([answer](absl::StatusOr<Result> result) {
    answer->result = std::move(result);
    answer->came.Notify();
  });
  answer->came.Wait();
  return std::move(answer->result);
}
// The same of those that answer with a status only.
absl::Status AwaitStatus(const std::function<void(JetStreamApi::DoneStatus)>& ask);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_JETSTREAM_API_H_
