#include "gateway/config/settings_members.h"

namespace onhook {
namespace {

constexpr SettingMember kSourceMembers[] = {
    {"name", "NAME", "",
     "what events, logs and metrics call it; part of what tells events apart, so repeats under "
     "another name are new events",
     ""},
    {"path", "PATH", "", "where it posts to: /, and a-z A-Z 0-9 - : . _ / up to 512 characters",
     ""},
    {"path_token_file", "FILE", "none",
     "holds a secret that is one more segment of the path, behind `path`",
     "the vendor's URLs take no query, so a secret can only stand in the path; a guessable one "
     "would be worse than none"},
    {"authentication", "none, or one of the three", "none",
     "how a callback proves that it is the source's",
     "a URL that is entered on the vendor's pages is never signed, and may hold no password"},
    {"authentication.shared_key.key_files", "[FILE, FILE]", "",
     "the tenant's key: one file, or two while it changes", ""},
    {"authentication.shared_key.replay_window", "DURATION|0s, 1s to 24h", "15m",
     "how far a signed timestamp may be from now, either way; 0s: however far",
     "a repeat after 10 minutes may carry its first signature, and clocks differ"},
    {"authentication.shared_key.enforce", "reject|report", "reject",
     "what becomes of a callback that does not verify: refused, or taken and marked",
     "only what is refused keeps strangers out; report is for trying a key out"},
    {"authentication.bearer.token_files", "[FILE, FILE]", "",
     "the token of the header Authorization: one file, or two while it changes", ""},
    {"authentication.basic.username", "TEXT", "", "the name in the header Authorization", ""},
    {"authentication.basic.password_files", "[FILE, FILE]", "",
     "its password: one file, or two while it changes", ""},
    {"allowed_networks", "[ADDRESS, ADDRESS/BITS, ...]", "[]",
     "where callbacks may come from; none: from anywhere",
     "no addresses that the vendor calls from are documented"},
    {"trusted_proxies", "[ADDRESS, ADDRESS/BITS, ...]", "[]",
     "from these alone X-Forwarded-For is believed", "anybody can write that header"},
    {"time_zone", "ZONE", "UTC", "of the vendor's times, an IANA name, Asia/Shanghai",
     "the vendor's times name no zone, and those of its own sample read as UTC"},
    {"acknowledge.when", "forwarded|stored|processed", "acknowledge.when",
     "as the setting of that name, for this source", "one rule for all is the usual case"},
    {"acknowledge.subscriptions", "[NAME, ...]", "acknowledge.subscriptions",
     "as the setting of that name, for this source; none if the source says itself that `when` is "
     "stored",
     "one rule for all is the usual case"},
    {"acknowledge.timeout", "DURATION", "acknowledge.timeout",
     "as the setting of that name, for this source", "one rule for all is the usual case"},
    {"answer.always_200", "true|false", "false",
     "answer with HTTP status 200 always, and tell failure by retCode alone",
     "some of the vendor's senders judge the status, and a failure must reach both kinds"},
};

constexpr SettingMember kSubscriptionMembers[] = {
    {"name", "NAME", "", "what consumers ask for", ""},
    {"start_position", "earliest|latest", "earliest",
     "where it begins when it is created: with what is kept, or with what comes",
     "what came in before a consumer was deployed is not lost on it"},
    {"filter.sources", "[TEXT, ...]", "all", "only events of these sources",
     "leaving events out is a decision"},
    {"filter.service_nos", "[TEXT, ...]", "all", "only events of these agents",
     "leaving events out is a decision"},
    {"filter.release_reason_codes", "[TEXT, ...]", "all", "only events with these reasons",
     "leaving events out is a decision"},
    {"ack_deadline", "DURATION, 1s to 10m", "30s",
     "how long a delivery may stay unsettled before it comes again",
     "longer than a consumer's slow database, shorter than anybody's patience"},
    {"max_delivery_attempts", "NUMBER|unlimited, 1 to 2147483647", "20",
     "an event is parked once it failed so often, and for minimum_retry_time",
     "one that failed so often fails for a reason that time does not mend"},
    {"minimum_retry_time", "DURATION, 0s to 30d", "1d",
     "how long an event is retried at least, from its first attempt",
     "an outage of the consumer's, over night, must park nothing"},
    {"max_unacked_events", "NUMBER, 1 to 1000000", "100000",
     "the most events that are handed out and not settled",
     "bounds what the gateway keeps in memory of a consumer that never acks"},
    {"backlog_limit.age", "DURATION, 1s to 3660d", "unlimited",
     "older events are given up for it, counted and reported", "giving up events is a decision"},
    {"backlog_limit.bytes", "BYTES", "unlimited",
     "with more owed the oldest are given up for it, counted and reported",
     "giving up events is a decision"},
};

constexpr SettingMember kIdentityMembers[] = {
    {"name", "NAME", "", "what logs and errors call it", ""},
    {"certificate", "URI|DNS-NAME", "none",
     "recognised by a certificate with this subject alternative name, compared as it stands",
     "an identity is recognised by exactly one of the three"},
    {"token_files", "[FILE, FILE]", "[]",
     "or by the token in this file, sent as authorization: Bearer TOKEN; two while it changes. A "
     "file that is emptied or removed leaves its token in use: write another one into it, or take "
     "the identity out of the list",
     "an identity is recognised by exactly one of the three"},
    {"unix_socket", "true|false", "false", "or by coming through grpc.unix_socket, without a token",
     "an identity is recognised by exactly one of the three"},
    {"subscribe", "[PATTERN, ...]", "[]",
     "receive and settle events of these subscriptions, and see how they stand",
     "nothing is allowed that is not given"},
    {"create", "[PATTERN, ...]", "[]", "create subscriptions of these names",
     "a subscription that nobody reads keeps events on the disk"},
    {"administer", "[PATTERN, ...]", "[]",
     "change, seek, pause and delete these subscriptions, and their dead letters",
     "a seek or a discarded dead letter is an event that somebody does not get"},
    {"watch", "true|false", "false", "read the whole log as it grows",
     "it shows every event, whatever subscription it is for"},
    {"read_events", "true|false", "false", "look up stored events, and who handled them",
     "it shows every event, whatever subscription it is for"},
    {"rejected_callbacks", "true|false", "false", "see, judge again and discard what was refused",
     "bodies that were refused are shown as they came, numbers and all"},
    {"see_numbers", "true|false", "false",
     "get telephone numbers, callData and recording paths as they are, and not masked",
     "many who handle an event need none of them"},
    {"monitor", "true|false", "false", "read /metrics, which then is for nobody else",
     "as long as no identity has it, whoever reaches the admin port may"},
};

}  // namespace

absl::Span<const SettingMember> SourceMembers() { return kSourceMembers; }

absl::Span<const SettingMember> SubscriptionMembers() { return kSubscriptionMembers; }

absl::Span<const SettingMember> IdentityMembers() { return kIdentityMembers; }

}  // namespace onhook
