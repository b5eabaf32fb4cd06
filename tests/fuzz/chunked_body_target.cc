// A body in chunks: whatever comes, and however it is cut, there is one verdict; and what was
// joined is joined again from plain chunks.
#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "gateway/http/chunked_body.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/splits.h"

namespace onhook {
namespace {

constexpr size_t kMaxBytes = 300;

struct Verdict {
  ParseState state = ParseState::kNeedMore;
  size_t taken = 0;
  std::string body;
  int status = 0;
};

Verdict Join(ChunkedBody& chunks, absl::string_view bytes, const std::vector<size_t>& ends) {
  Verdict verdict;
  size_t begin = 0;
  for (const size_t end : ends) {
    const std::string piece(bytes.substr(begin, end - begin));
    size_t taken = 0;
    verdict.state = chunks.Feed(piece, taken);
    FUZZ_CHECK(taken <= piece.size());
    FUZZ_CHECK(verdict.state != ParseState::kNeedMore || taken == piece.size());
    verdict.taken += taken;
    begin = end;
    if (verdict.state != ParseState::kNeedMore) break;
  }
  if (verdict.state == ParseState::kDone) verdict.body = chunks.body();
  if (verdict.state == ParseState::kRefused) verdict.status = chunks.refusal().status;
  return verdict;
}

void CheckSame(const Verdict& a, const Verdict& b) {
  FUZZ_CHECK(a.state == b.state);
  FUZZ_CHECK(a.taken == b.taken);
  FUZZ_CHECK(a.body == b.body);
  FUZZ_CHECK(a.status == b.status);
}

// `body` in chunks of `size` bytes, as plain as they can be.
std::string InChunks(absl::string_view body, size_t size) {
  std::string chunks;
  while (!body.empty()) {
    const absl::string_view chunk = body.substr(0, size);
    absl::StrAppend(&chunks, absl::Hex(chunk.size()), "\r\n", chunk, "\r\n");
    body.remove_prefix(chunk.size());
  }
  return chunks + "0\r\n\r\n";
}

void CheckJoined(const Verdict& whole, absl::string_view input) {
  FUZZ_CHECK(whole.body.size() <= kMaxBytes);
  // Framing costs five bytes at the least, and it ends with an empty line.
  FUZZ_CHECK(whole.taken >= whole.body.size() + 5);
  FUZZ_CHECK(input.substr(whole.taken - 4, 4) == "\r\n\r\n");
  for (const size_t size : {size_t{1}, size_t{16}, kMaxBytes}) {
    const std::string plain = InChunks(whole.body, size);
    ChunkedBody chunks(kMaxBytes);
    const Verdict again = Join(chunks, plain, {plain.size()});
    FUZZ_CHECK(again.state == ParseState::kDone);
    FUZZ_CHECK(again.taken == plain.size());
    FUZZ_CHECK(again.body == whole.body);
  }
}

void RunOne(absl::string_view input) {
  if (input.empty()) return;
  ChunkedBody chunks(kMaxBytes);
  const std::vector<std::vector<size_t>> splits = SplitsOf(input);
  const Verdict whole = Join(chunks, input, splits[0]);
  for (size_t i = 1; i < splits.size(); ++i) {
    chunks.Reset();  // a used one is as good as a new one
    CheckSame(whole, Join(chunks, input, splits[i]));
  }
  if (whole.state == ParseState::kDone) CheckJoined(whole, input);
  if (whole.state == ParseState::kRefused) {
    FUZZ_CHECK(whole.status == 400 || whole.status == 413 || whole.status == 431);
  }
}

}  // namespace

std::vector<std::string> Seeds(const std::vector<std::string>& bodies) {
  std::vector<std::string> seeds = {
      "5;name=\"value\"\r\nhello\r\n0\r\nTrailer: x\r\n\r\nGET / HTTP/1.1\r\n",
      "00000005\r\nhello\r\n00000\r\n\r\n", "FFFFFFFF\r\n", "a\r\n0123456789\r\n"};
  for (const std::string& body : bodies) {
    seeds.push_back(InChunks(absl::string_view(body).substr(0, kMaxBytes), 100));
  }
  return seeds;
}

}  // namespace onhook

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  onhook::RunOne(onhook::BytesOf(data, size));
  return 0;
}
