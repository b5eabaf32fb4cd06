#ifndef ONHOOK_GATEWAY_STORE_JETSTREAM_RUNS_H_
#define ONHOOK_GATEWAY_STORE_JETSTREAM_RUNS_H_

#include <cstddef>

#include "gateway/store/jetstream/stored_records.pb.h"
#include "gateway/store/sequence.h"

namespace onhook {

// How sets of sequences are written: first and last of each run, each as its distance from the one
// before. Pure functions.

void EncodeRuns(const SequenceSet& sequences, jetstream::Runs* runs);

// The newest of them that take about so many bytes.
void EncodeNewestRuns(const SequenceSet& sequences, size_t most_bytes, jetstream::Runs* runs);

// What is no such form, or no sequence, is left out.
SequenceSet DecodeRuns(const jetstream::Runs& runs);
// Whether all of it is.
bool AreRuns(const jetstream::Runs& runs);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_STORE_JETSTREAM_RUNS_H_
