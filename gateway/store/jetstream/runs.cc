#include "gateway/store/jetstream/runs.h"

#include <cstdint>
#include <iterator>

#include "absl/functional/function_ref.h"
#include "google/protobuf/io/coded_stream.h"

namespace onhook {
namespace {

size_t BytesOf(int64_t distance) {
  return google::protobuf::io::CodedOutputStream::VarintSize64(static_cast<uint64_t>(distance));
}

// Up to what is no run, if there is such: then false.
bool Read(const jetstream::Runs& runs, absl::FunctionRef<void(SequenceRange)> take) {
  // A sequence is a stream's, so far below this; what would pass it is no sequence.
  constexpr Sequence kMost = Sequence{1} << 62;
  Sequence before = 0;
  for (int i = 0; i + 1 < runs.distances_size(); i += 2) {
    const Sequence to_first = runs.distances(i);
    const Sequence length = runs.distances(i + 1);
    if (to_first <= 0 || length < 0 || to_first > kMost - before) return false;
    const Sequence first = before + to_first;
    if (length > kMost - first) return false;
    take({first, first + length});
    before = first + length;
  }
  return runs.distances_size() % 2 == 0;
}

}  // namespace

void EncodeNewestRuns(const SequenceSet& sequences, size_t most_bytes, jetstream::Runs* runs) {
  SequenceSet newest;
  // The first one's distance is from the beginning.
  size_t bytes = BytesOf(INT64_MAX);
  const auto& all = sequences.runs();
  for (auto it = all.rbegin(); it != all.rend(); ++it) {
    const auto older = std::next(it);
    const Sequence before = older == all.rend() ? 0 : older->second;
    bytes += BytesOf(it->first - before) + BytesOf(it->second - it->first);
    if (bytes > most_bytes) break;
    newest.Add({it->first, it->second});
  }
  EncodeRuns(newest, runs);
}

void EncodeRuns(const SequenceSet& sequences, jetstream::Runs* runs) {
  Sequence before = 0;
  for (const auto& [first, last] : sequences.runs()) {
    runs->add_distances(first - before);
    runs->add_distances(last - first);
    before = last;
  }
}

SequenceSet DecodeRuns(const jetstream::Runs& runs) {
  SequenceSet sequences;
  Read(runs, [&sequences](SequenceRange range) { sequences.Add(range); });
  return sequences;
}

bool AreRuns(const jetstream::Runs& runs) {
  return Read(runs, [](SequenceRange) {});
}

}  // namespace onhook
