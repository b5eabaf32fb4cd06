#ifndef ONHOOK_TESTS_UNIT_STORE_SQLITE_FORMAT_2_H_
#define ONHOOK_TESTS_UNIT_STORE_SQLITE_FORMAT_2_H_

namespace onhook {

// What makes an empty file a store of format 2, with one event and a subscription that owes it.
constexpr char kStoreOfFormat2[] = R"(
  CREATE TABLE store (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE counters (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE events (
    sequence INTEGER PRIMARY KEY,
    call_serial_no TEXT NOT NULL,
    source TEXT NOT NULL,
    digest BLOB NOT NULL,
    received_us INTEGER NOT NULL,
    stored_us INTEGER NOT NULL,
    end_offset INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    event BLOB NOT NULL) STRICT;
  CREATE UNIQUE INDEX events_identity ON events (call_serial_no, source, digest);
  CREATE TABLE removed_identities (
    call_serial_no TEXT NOT NULL,
    source TEXT NOT NULL,
    digest BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    removed_us INTEGER NOT NULL,
    PRIMARY KEY (call_serial_no, source, digest)) STRICT, WITHOUT ROWID;
  CREATE INDEX removed_identities_age ON removed_identities (removed_us);
  CREATE TABLE forwarded (
    receiver TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (receiver, first)) STRICT, WITHOUT ROWID;
  CREATE TABLE subscriptions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    spec BLOB NOT NULL,
    origin INTEGER NOT NULL,
    paused INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    last_used_us INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    epoch_number INTEGER NOT NULL,
    start INTEGER NOT NULL,
    floor INTEGER NOT NULL,
    replayed_through INTEGER NOT NULL,
    dropped_by_limit INTEGER NOT NULL) STRICT;
  CREATE TABLE orphans (subscription_id INTEGER PRIMARY KEY) STRICT;
  CREATE TABLE settlements (
    subscription_id INTEGER NOT NULL,
    epoch_number INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    consumer_name TEXT NOT NULL,
    settled_us INTEGER NOT NULL,
    PRIMARY KEY (subscription_id, epoch_number, first)) STRICT, WITHOUT ROWID;
  CREATE TABLE history (
    subscription_id INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    epoch_number INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    at_us INTEGER NOT NULL,
    consumer_name TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    reason TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    first_attempt_us INTEGER NOT NULL,
    retry_us INTEGER NOT NULL,
    last_ended INTEGER NOT NULL,
    PRIMARY KEY (subscription_id, sequence, entry)) STRICT, WITHOUT ROWID;
  CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    subscription_id INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    reason INTEGER NOT NULL,
    detail TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    parked_us INTEGER NOT NULL,
    consumer_name TEXT NOT NULL,
    redriven INTEGER NOT NULL,
    received_us INTEGER NOT NULL,
    stored_us INTEGER NOT NULL,
    end_offset INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    digest BLOB NOT NULL,
    event BLOB NOT NULL,
    UNIQUE (subscription_id, sequence)) STRICT;
  CREATE INDEX dead_letters_state ON dead_letters (subscription_id, redriven, sequence);
  CREATE TRIGGER dead_letter_comes AFTER INSERT ON dead_letters WHEN new.redriven = 0 BEGIN
    UPDATE counters SET value = value + length(new.event) WHERE key = 'dead_letter_bytes'; END;
  CREATE TRIGGER dead_letter_goes AFTER DELETE ON dead_letters WHEN old.redriven = 0 BEGIN
    UPDATE counters SET value = value - length(old.event) WHERE key = 'dead_letter_bytes'; END;
  CREATE TRIGGER dead_letter_is_redriven AFTER UPDATE OF redriven ON dead_letters
    WHEN old.redriven = 0 AND new.redriven = 1 BEGIN
    UPDATE counters SET value = value - length(old.event) WHERE key = 'dead_letter_bytes'; END;
  INSERT INTO counters VALUES ('openings', 0), ('dead_letter_bytes', 0);
  INSERT INTO store VALUES ('store_id', '0123456789abcdef');
  INSERT INTO events VALUES (1, 'call', 'default', CAST('dddddddddddddddd' AS BLOB),
    1645524280000000, 1645524280000001, 7, -7707461886194228352, CAST('event 1' AS BLOB));
  INSERT INTO subscriptions VALUES (1, 'crm', x'', 0, 0, 1645524280000000, 1645524280000000,
    '00000000000000ab', 0, 0, 0, 0, 0);
  PRAGMA user_version=2;
)";

}  // namespace onhook

#endif  // ONHOOK_TESTS_UNIT_STORE_SQLITE_FORMAT_2_H_
