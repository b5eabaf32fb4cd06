// The head of a request: whatever comes, and however it is cut, there is one verdict; and what is
// accepted means the same when it is written again in its plainest form.
#include <memory>
#include <set>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gateway/http/request_head.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/splits.h"

namespace onhook {
namespace {

// Small, so that an input reaches each of them.
constexpr RequestHeadLimits kLimits{
    .line_bytes = 256, .header_bytes = 128, .headers = 10, .head_bytes = 1024, .body_bytes = 1000};

struct Verdict {
  ParseState state = ParseState::kNeedMore;
  std::unique_ptr<RequestHeadParser> parser = std::make_unique<RequestHeadParser>(kLimits);
  std::string bytes;  // what the parser saw last: its views lead into it
};

Verdict Parse(absl::string_view bytes, const std::vector<size_t>& ends) {
  Verdict verdict;
  for (const size_t end : ends) {
    // At another address each time, as a buffer that grows.
    std::string seen(bytes.substr(0, end));
    verdict.bytes.swap(seen);
    verdict.state = verdict.parser->Parse(verdict.bytes);
    if (verdict.state != ParseState::kNeedMore) break;
  }
  return verdict;
}

// Of two faults the one that is seen first is told. A long line is seen in its beginnings, and a
// request line is judged alone if nothing else has come: what such a judgement says, may in another
// cutting be said of something else.
bool MayComeFirst(const Refusal& refusal) {
  return refusal.status == 414 || refusal.status == 431 || refusal.status == 501 ||
         refusal.status == 505;
}

void CheckSame(const RequestHead& a, const RequestHead& b) {
  FUZZ_CHECK(a.method == b.method);
  FUZZ_CHECK(a.path == b.path);
  FUZZ_CHECK(a.query == b.query);
  FUZZ_CHECK(a.minor_version == b.minor_version);
  FUZZ_CHECK(a.content_length == b.content_length);
  FUZZ_CHECK(a.chunked == b.chunked);
  FUZZ_CHECK(a.expects_continue == b.expects_continue);
  FUZZ_CHECK(a.keep_alive == b.keep_alive);
  FUZZ_CHECK(a.headers.size() == b.headers.size());
  for (size_t i = 0; i < a.headers.size(); ++i) {
    FUZZ_CHECK(a.headers[i].name == b.headers[i].name);
    FUZZ_CHECK(a.headers[i].value == b.headers[i].value);
  }
}

void CheckSame(const Verdict& a, const Verdict& b) {
  FUZZ_CHECK(a.state == b.state);
  if (a.state == ParseState::kDone) {
    FUZZ_CHECK(a.parser->size() == b.parser->size());
    CheckSame(a.parser->head(), b.parser->head());
  } else if (a.state == ParseState::kRefused) {
    const Refusal& one = a.parser->refusal();
    const Refusal& other = b.parser->refusal();
    FUZZ_CHECK(one.status == other.status || MayComeFirst(one) || MayComeFirst(other));
  }
}

void CheckRefusal(const Refusal& refusal) {
  static const std::set<int>* const known =
      new std::set<int>{400, 411, 413, 414, 415, 417, 431, 501, 505};
  FUZZ_CHECK(known->count(refusal.status) == 1);
  FUZZ_CHECK(!refusal.reason.empty());
}

bool LiesIn(absl::string_view part, absl::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void CheckWithin(const RequestHead& head, absl::string_view bytes) {
  FUZZ_CHECK(LiesIn(head.method, bytes));
  FUZZ_CHECK(LiesIn(head.path, bytes));
  FUZZ_CHECK(LiesIn(head.query, bytes));
  for (const HttpHeader& header : head.headers) {
    FUZZ_CHECK(LiesIn(header.name, bytes));
    FUZZ_CHECK(LiesIn(header.value, bytes));
    // What two servers could take for two headers, or for the end of the head.
    FUZZ_CHECK(header.value.find_first_of(absl::string_view("\r\n\0", 3)) == header.value.npos);
  }
}

void CheckAccepted(const RequestHead& head, absl::string_view bytes) {
  FUZZ_CHECK(absl::EndsWith(bytes, "\r\n\r\n"));
  FUZZ_CHECK(bytes.size() <= kLimits.head_bytes);
  FUZZ_CHECK(head.headers.size() <= kLimits.headers);
  FUZZ_CHECK(head.content_length <= kLimits.body_bytes);
  FUZZ_CHECK(!(head.chunked && head.content_length > 0));

  const bool asks = head.query.data() != nullptr;
  std::string plain = absl::StrCat(head.method, " ", head.path, asks ? "?" : "", head.query,
                                   " HTTP/1.", head.minor_version, "\r\n");
  for (const HttpHeader& header : head.headers) {
    absl::StrAppend(&plain, header.name, ":", header.value, "\r\n");
  }
  absl::StrAppend(&plain, "\r\n");
  const Verdict again = Parse(plain, {plain.size()});
  FUZZ_CHECK(again.state == ParseState::kDone);
  FUZZ_CHECK(again.parser->size() == plain.size());
  CheckSame(head, again.parser->head());
}

void RunOne(absl::string_view input) {
  const std::vector<std::vector<size_t>> splits = SplitsOf(input);
  Verdict whole = Parse(input, splits[0]);
  for (size_t i = 1; i < splits.size() && !input.empty(); ++i) {
    CheckSame(whole, Parse(input, splits[i]));
  }
  if (whole.state == ParseState::kRefused) CheckRefusal(whole.parser->refusal());
  if (whole.state == ParseState::kDone) {
    const size_t size = whole.parser->size();
    FUZZ_CHECK(size <= input.size());
    const absl::string_view head_bytes = absl::string_view(whole.bytes).substr(0, size);
    CheckWithin(whole.parser->head(), head_bytes);
    CheckAccepted(whole.parser->head(), head_bytes);
    // What stands behind the head is another's, and changes nothing.
    CheckSame(whole, Parse(head_bytes, {size}));
  }
  // Reset leaves nothing of the request: the next is read as the first of a parser was.
  constexpr absl::string_view kNext = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  whole.parser->Reset();
  FUZZ_CHECK(whole.parser->Parse(kNext) == ParseState::kDone);
  CheckSame(whole.parser->head(), Parse(kNext, {kNext.size()}).parser->head());
}

}  // namespace

std::vector<std::string> Seeds(const std::vector<std::string>& bodies) {
  std::vector<std::string> seeds = {
      "GET http://gateway.example/release-events?x=%20 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
      "\r\nOPTIONS * HTTP/1.1\r\nhost: [::1]:80\r\nConnection: close, x\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n0",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\n"};
  for (const std::string& body : bodies) {
    seeds.push_back(
        absl::StrCat("POST /release-events HTTP/1.1\r\nHost: gateway.example:8080\r\n"
                     "Content-Type: application/json\r\nContent-Length: ",
                     body.size(), "\r\n\r\n", body));
  }
  return seeds;
}

}  // namespace onhook

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  onhook::RunOne(onhook::BytesOf(data, size));
  return 0;
}
