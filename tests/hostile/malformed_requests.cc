#include "tests/hostile/malformed_requests.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace onhook {
namespace {

// A request inside or behind a body, which some readers take for one, and its size.
constexpr char kSmuggled[] = "GET /?SMUGGLED HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr char kSmuggledSize[] = "36";

std::string With(absl::string_view headers, absl::string_view body) {
  return absl::StrCat("POST /x HTTP/1.1\r\nHost: h\r\nMarker: MARKER\r\n", headers, "\r\n", body);
}

std::string Chunked(absl::string_view chunks) {
  return With("Transfer-Encoding: chunked\r\n", chunks);
}

std::string Line(absl::string_view line) {
  return absl::StrCat(line, "\r\nHost: h\r\nMarker: MARKER\r\nContent-Length: 1\r\n\r\na");
}

std::string Nul(absl::string_view text) {
  return absl::StrReplaceAll(text, {{"NUL", std::string(1, '\0')}});
}

void AddLines(std::vector<MalformedRequest>& all) {
  const std::vector<MalformedRequest> rows = {
      {"TLS on the plain port", 400, Nul("\x16\x03\x01\x02NUL\x01NULNUL\x01\xfc\x03\x03")},
      {"HTTP/2 by prior knowledge", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
      {"HTTP/0.9", 400, "GET /?MARKER\r\n"},
      {"HTTP/1.2", 505, Line("POST /x HTTP/1.2")},
      {"HTTP/1.01", 400, Line("POST /x HTTP/1.01")},
      {"a protocol that looks like HTTP", 400, Line("POST /x ICAP/1.0")},
      {"a tab between the words", 400, Line("POST\t/x HTTP/1.1")},
      {"two spaces between the words", 400, Line("POST  /x HTTP/1.1")},
      {"a space at the end of the line", 400, Line("POST /x HTTP/1.1 ")},
      {"a target with a space", 400, Line("POST /x HTTP/1.1 HTTP/1.1")},
      {"a target with a NUL", 400, Nul(Line("POST /xNUL HTTP/1.1"))},
      {"a target with a CR", 400, Line("POST /\rx HTTP/1.1")},
      {"a target above ASCII", 400, Line("POST /\xc3\xa4 HTTP/1.1")},
      {"a target with a fragment", 400, Line("POST /x#y HTTP/1.1")},
      {"a target with half a percent encoding", 400, Line("POST /%x HTTP/1.1")},
      {"an absolute form of another scheme", 400, Line("POST file:///x HTTP/1.1")},
      {"an absolute form with a user", 400, Line("POST http://a@h/x HTTP/1.1")},
      {"a tunnel", 501, Line("CONNECT h:80 HTTP/1.1")},
      {"a trace", 501, Line("TRACE /x HTTP/1.1")},
      {"a method in lower case", 501, Line("post /x HTTP/1.1")},
      {"a method with a NUL", 400, Nul(Line("POSTNUL /x HTTP/1.1"))},
      {"a line that LF ends", 400,
       "POST /x HTTP/1.1\nHost: h\nMarker: MARKER\nContent-Length: 1\n\na"},
      {"empty lines in front", 400, "\r\n\r\n\r\n" + Line("POST /x HTTP/1.1")},
  };
  all.insert(all.end(), rows.begin(), rows.end());
}

void AddHeaders(std::vector<MalformedRequest>& all) {
  const std::string length = "Content-Length: 1\r\n";
  std::string hundred;
  for (int i = 0; i < 101; ++i) hundred += "X: y\r\n";
  const std::vector<MalformedRequest> rows = {
      {"a folded header", 400, With(length + "X: y\r\n z\r\n", "a")},
      {"a folded length", 400, With("Content-Length:\r\n 1\r\n", "a")},
      {"a first header that begins with a space", 400,
       "POST /x HTTP/1.1\r\n Host: h\r\nMarker: MARKER\r\n" + length + "\r\na"},
      {"a header that LF ends", 400, With("X: y\n" + length, "a")},
      {"a header that CR ends", 400, With("X: y\r" + length, "a")},
      {"a length behind a CR", 400, With("X: y\rContent-Length: 5\r\n" + length, "a")},
      {"a blank line of LF", 400,
       "POST /x HTTP/1.1\r\nHost: h\r\nMarker: MARKER\r\n" + length + "\na"},
      {"a space before a colon", 400, With(length + "X : y\r\n", "a")},
      {"a space before the colon of a length", 400, With("Content-Length : 1\r\n", "a")},
      {"a tab before the colon of a coding", 400,
       With("Transfer-Encoding\t: chunked\r\n", "0\r\n\r\n")},
      {"a header without a colon", 400, With(length + "X\r\n", "a")},
      {"a header without a name", 400, With(length + ": y\r\n", "a")},
      {"a name with a NUL", 400, Nul(With(length + "XNUL: y\r\n", "a"))},
      {"a name with quotes", 400, With(length + "\"X\": y\r\n", "a")},
      {"a name with a slash", 400, With(length + "X/Y: y\r\n", "a")},
      {"a name above ASCII", 400, With(length + "X\xe4: y\r\n", "a")},
      {"a value with a NUL", 400, Nul(With(length + "X: yNUL\r\n", "a"))},
      {"a value with a NUL before CR LF", 400, Nul(With(length + "X: yNUL\r\nY: z\r\n", "a"))},
      {"a value with an escape", 400, With(length + "X: \x1b[31m\r\n", "a")},
      {"too many headers", 431, With(length + hundred, "a")},
      {"too long a header", 431, With(length + "X: " + std::string(9000, 'y') + "\r\n", "a")},
      {"no Host", 400, "POST /x HTTP/1.1\r\nMarker: MARKER\r\n" + length + "\r\na"},
      {"two Hosts", 400, With("Host: i\r\n" + length, "a")},
      {"a Host with a path", 400,
       "POST /x HTTP/1.1\r\nHost: h/y\r\nMarker: MARKER\r\n" + length + "\r\na"},
      {"a Range", 400, With("Range: bytes=0-0\r\n" + length, "a")},
      {"an expectation", 417, With("Expect: 100-continue, x\r\n" + length, "a")},
      {"a body in gzip", 415, With("Content-Encoding: gzip\r\n" + length, "a")},
      {"a body in a list of encodings", 415,
       With("Content-Encoding: identity, br\r\n" + length, "a")},
      {"a form of parts", 415,
       With("Content-Type: multipart/form-data; boundary=b\r\n" + length, "a")},
  };
  all.insert(all.end(), rows.begin(), rows.end());
}

void AddLengths(std::vector<MalformedRequest>& all) {
  const auto length = [](absl::string_view value) {
    return With(absl::StrCat("Content-Length: ", value, "\r\n"), kSmuggled);
  };
  const std::vector<MalformedRequest> rows = {
      {"no length", 411, With("", "a")},
      {"a length with a plus", 400, length("+36")},
      {"a length with a minus", 400, length("-36")},
      {"a length in hexadecimal", 400, length("0x24")},
      {"a length in two words", 400, length("3 6")},
      {"a length with a comma", 400, length("36, 36")},
      {"a length with a dot", 400, length("36.0")},
      {"a length with an underscore", 400, length("3_6")},
      {"a length in quotes", 400, length("\"36\"")},
      {"a length with a vertical tab", 400, length("\v36")},
      {"a length with a NUL", 400, Nul(length("36NUL"))},
      {"an empty length", 400, length("")},
      {"a length of 2^64 + 1", 413, length("18446744073709551617")},
      {"a length of 2^63", 413, length("9223372036854775808")},
      {"two lengths", 400, With("Content-Length: 0\r\nContent-Length: 36\r\n", kSmuggled)},
      {"two lengths the other way round", 400,
       With("Content-Length: 36\r\nContent-Length: 0\r\n", kSmuggled)},
      {"two equal lengths", 400,
       With(absl::StrCat("Content-Length: ", kSmuggledSize, "\r\ncontent-length: 36\r\n"),
            kSmuggled)},
      {"a length and a coding", 400,
       With("Content-Length: 41\r\nTransfer-Encoding: chunked\r\n",
            absl::StrCat("0\r\n\r\n", kSmuggled))},
      {"a coding and a length", 400,
       With("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
            absl::StrCat("0\r\n\r\n", kSmuggled))},
      {"a coding and a length of nothing", 400,
       With("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", "0\r\n\r\n")},
  };
  all.insert(all.end(), rows.begin(), rows.end());
}

void AddCodings(std::vector<MalformedRequest>& all) {
  const auto coding = [](absl::string_view value) {
    return With(absl::StrCat("Transfer-Encoding: ", value, "\r\n"),
                absl::StrCat("0\r\n\r\n", kSmuggled));
  };
  const std::vector<MalformedRequest> rows = {
      {"an unknown coding", 501, coding("xchunked")},
      {"a coding in quotes", 501, coding("\"chunked\"")},
      {"a coding with a parameter", 501, coding("chunked;a=b")},
      {"a coding with a comma in front", 501, coding(", chunked")},
      {"a coding with a comma behind", 501, coding("chunked,")},
      {"chunked in gzip", 501, coding("gzip, chunked")},
      {"chunked twice in a list", 501, coding("chunked, chunked")},
      {"identity", 501, coding("identity")},
      {"an empty coding", 501, coding("")},
      {"a coding with a vertical tab", 400, coding("\vchunked")},
      {"a coding with a NUL", 400, Nul(coding("chunkedNUL"))},
      {"a coding above ASCII", 501,
       coding("chun\xc5\xb1"
              "ed")},
      {"chunked twice", 400,
       With("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")},
      {"chunked and identity", 400,
       With("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n")},
      {"chunks of HTTP/1.0", 400,
       "POST /x HTTP/1.0\r\nHost: h\r\nMarker: MARKER\r\nTransfer-Encoding: "
       "chunked\r\n\r\n0\r\n\r\n"},
  };
  all.insert(all.end(), rows.begin(), rows.end());
}

void AddChunks(std::vector<MalformedRequest>& all) {
  const std::string end = "0\r\n\r\n";
  const std::vector<MalformedRequest> rows = {
      {"a chunk size with 0x", 400, Chunked("0x2\r\nab\r\n" + end)},
      {"a negative chunk size", 400, Chunked("-2\r\nab\r\n" + end)},
      {"a chunk size with a plus", 400, Chunked("+2\r\nab\r\n" + end)},
      {"a chunk size with a space in front", 400, Chunked(" 2\r\nab\r\n" + end)},
      {"a chunk size with a space behind", 400, Chunked("2 \r\nab\r\n" + end)},
      {"a chunk size with an underscore", 400, Chunked("0_2\r\nab\r\n" + end)},
      {"a chunk size that overflows 32 bits", 413, Chunked("100000002\r\nab\r\n" + end)},
      {"a chunk size that overflows 64 bits", 413, Chunked("FFFFFFFFFFFFFFFF2\r\nab\r\n" + end)},
      {"a chunk size of many zeros", 400, Chunked("000000000000000002\r\nab\r\n" + end)},
      {"an empty chunk size", 400, Chunked("\r\nab\r\n" + end)},
      {"a chunk size that LF ends", 400, Chunked("2\nab\r\n" + end)},
      {"a chunk size that CR ends", 400, Chunked("2\rab\r\n" + end)},
      {"a chunk that LF ends", 400, Chunked("2\r\nab\n" + end)},
      {"a chunk longer than its size", 400, Chunked("1\r\nab\r\n" + end)},
      {"a chunk shorter than its size", 400, Chunked("3\r\nab\r\n" + end)},
      {"an extension with LF, behind which a request stands", 400,
       Chunked(absl::StrCat("2;\nxx\r\n23\r\n0\r\n\r\n", kSmuggled))},
      {"an extension with a NUL", 400, Nul(Chunked("2;aNUL\r\nab\r\n" + end))},
      {"a last chunk in words", 400, Chunked("zero\r\n\r\n")},
      {"a last chunk with a space", 400, Chunked(absl::StrCat("0 \r\n\r\n", kSmuggled))},
      {"a trailer with LF", 400, Chunked("0\r\nX: y\n\r\n")},
      {"a trailer with a CR", 400, Chunked("0\r\nX: y\rz\r\n\r\n")},
      {"an end of LF", 400, Chunked("0\r\n\n")},
      {"too much of an extension", 431, Chunked("2;" + std::string(17'000, 'a'))},
      {"too much of a trailer", 431, Chunked("0\r\nX: " + std::string(17'000, 'a'))},
      {"too long a chunk", 413, Chunked("10001\r\n" + std::string(1000, 'a'))},
  };
  all.insert(all.end(), rows.begin(), rows.end());
}

}  // namespace

std::string MalformedRequest::WithMarkers(absl::string_view marker,
                                          absl::string_view smuggled) const {
  return absl::StrReplaceAll(bytes, {{"MARKER", marker}, {"SMUGGLED", smuggled}});
}

std::vector<MalformedRequest> MalformedRequests() {
  std::vector<MalformedRequest> all;
  AddLines(all);
  AddHeaders(all);
  AddLengths(all);
  AddCodings(all);
  AddChunks(all);
  return all;
}

}  // namespace onhook
