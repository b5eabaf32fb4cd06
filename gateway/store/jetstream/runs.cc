#include "gateway/store/jetstream/runs.h"

namespace onhook {

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
  // A sequence is a stream's, so far below this; what would pass it is no sequence.
  constexpr Sequence kMost = Sequence{1} << 62;
  Sequence before = 0;
  for (int i = 0; i + 1 < runs.distances_size(); i += 2) {
    const Sequence to_first = runs.distances(i);
    const Sequence length = runs.distances(i + 1);
    if (to_first <= 0 || length < 0 || to_first > kMost - before) return sequences;
    const Sequence first = before + to_first;
    if (length > kMost - first) return sequences;
    sequences.Add({first, first + length});
    before = first + length;
  }
  return sequences;
}

}  // namespace onhook
