#ifndef ONHOOK_TESTS_BENCH_SINGLE_ROW_COMMITS_H_
#define ONHOOK_TESTS_BENCH_SINGLE_ROW_COMMITS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace onhook {

// The floor under every durable acknowledgment: how long SQLite takes to commit one row of an
// event's size, one after the other, in a new database of `directory` with the gateway's own
// settings (write-ahead log, synchronous=FULL, an index on the serial). Sorted.
//
// Blocking: as long as it takes. Errors: kUnavailable, with SQLite's words.
absl::StatusOr<std::vector<absl::Duration>> TimeSingleRowCommits(const std::string& directory,
                                                                 int commits);

}  // namespace onhook

#endif  // ONHOOK_TESTS_BENCH_SINGLE_ROW_COMMITS_H_
