// The table of gateway/http/REFUSALS.md, provoked row by row.
#include <fstream>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/notification.h"
#include "gateway/http/refusal.h"
#include "gateway/ingress/vendor_reply.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/http/https_server_fixture.h"

namespace onhook {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Row {
  std::string label;
  int status = 0;
  std::string ret_code;
  std::string ret_msg;
};

std::vector<Row> DocumentedRows() {
  std::ifstream file(ONHOOK_REFUSALS_DOCUMENT);
  std::vector<Row> rows;
  for (std::string line; std::getline(file, line);) {
    const std::vector<std::string> cells = absl::StrSplit(line, " | ");
    Row row;
    if (cells.size() != 5) continue;
    // One that nobody hears has none.
    if (cells[1] != "-" && !absl::SimpleAtoi(cells[1], &row.status)) continue;
    row.label = std::string(absl::StripPrefix(cells[0], "| "));
    row.ret_code = cells[2];
    row.ret_msg = cells[3];
    rows.push_back(row);
  }
  return rows;
}

std::string WithHeaders(absl::string_view headers) {
  return absl::StrCat("POST / HTTP/1.1\r\nHost: h\r\n", headers, "\r\n");
}

std::string Chunked(absl::string_view chunks) {
  return absl::StrCat(WithHeaders("Transfer-Encoding: chunked\r\n"), chunks);
}

std::string Repeated(absl::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) absl::StrAppend(&all, text);
  return all;
}

// For each label that bytes alone can cause: those bytes.
std::map<std::string, std::string> Requests() {
  const std::string rest = "\r\nHost: h\r\n\r\n";
  const std::string kib(1024, 'x');
  return {
      {"tls", std::string("\x16\x03\x01\0", 4)},
      {"request_line", "GET /\r\n"},
      {"request_line_too_long", "GET /" + Repeated(kib, 9)},
      {"empty_lines", "\r\n\r\n"},
      {"method_malformed", "G(T / HTTP/1.1" + rest},
      {"method_unknown", "CONNECT h:80 HTTP/1.1" + rest},
      {"target", "GET x HTTP/1.1" + rest},
      {"version_malformed", "GET / http/1.1" + rest},
      {"version_unknown", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
      {"line_end", "GET / HTTP/1.1\n"},
      {"carriage_return", WithHeaders("X: a\rb\r\n")},
      {"header_folded", WithHeaders("X: a\r\n b\r\n")},
      {"header_colon", WithHeaders("X\r\n")},
      {"header_name", WithHeaders("X : a\r\n")},
      {"header_control", WithHeaders(absl::string_view("X: \0\r\n", 6))},
      {"header_too_long", WithHeaders("X: " + Repeated(kib, 9) + "\r\n")},
      {"too_many_headers", WithHeaders(Repeated("X: a\r\n", 101))},
      {"head_too_long", WithHeaders(Repeated("X: " + Repeated(kib, 7) + "\r\n", 10))},
      {"host_missing", "GET / HTTP/1.1\r\n\r\n"},
      {"host_repeated", WithHeaders("Host: h\r\n")},
      {"host_malformed", "GET / HTTP/1.1\r\nHost: h/x\r\n\r\n"},
      {"content_encoding", WithHeaders("Content-Encoding: gzip\r\n")},
      {"multipart", WithHeaders("Content-Type: multipart/form-data\r\n")},
      {"expectation", WithHeaders("Expect: 200-ok\r\n")},
      {"range", WithHeaders("Range: bytes=0-1\r\nContent-Length: 1\r\n")},
      {"length_missing", WithHeaders("")},
      {"length_repeated", WithHeaders("Content-Length: 1\r\nContent-Length: 1\r\n")},
      {"length_malformed", WithHeaders("Content-Length: +1\r\n")},
      {"length_and_chunked", WithHeaders("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n")},
      {"transfer_encoding_repeated", WithHeaders(Repeated("Transfer-Encoding: chunked\r\n", 2))},
      {"transfer_encoding_old", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {"transfer_encoding_unknown", WithHeaders("Transfer-Encoding: gzip, chunked\r\n")},
      {"body_too_long", WithHeaders("Content-Length: 65537\r\n")},
      {"chunk_size", Chunked("0x1\r\n")},
      {"chunk_size_digits", Chunked("000000001\r\n")},
      {"chunk_line", Chunked("1\r\nab")},
      {"chunk_control", Chunked("1;a\n")},
      {"chunk_framing", Chunked("1;" + Repeated(kib, 17))},
  };
}

class RefusalsTest : public HttpsServerTest {
 protected:
  RefusalsTest() {
    callbacks_.error_body = ReplyToRefusal;
    for (const Row& row : DocumentedRows()) rows_[row.label] = row;
  }

  // Expects that `client` is answered as the row of `label` says, and closed.
  void ExpectRefusal(const std::string& label, RawHttpClient& client) {
    const Row& row = rows_[label];
    const RawAnswer answer = client.ReadAnswer();
    EXPECT_EQ(answer.status, row.status) << label;
    EXPECT_EQ(answer.body, absl::StrCat(R"({"retCode":")", row.ret_code, R"(","retMsg":")",
                                        row.ret_msg, R"("})"));
    EXPECT_THAT(answer.head, HasSubstr("\r\nConnection: close\r\n")) << label;
    EXPECT_EQ(absl::StrContains(answer.head, "\r\nRetry-After: 1\r\n"), row.status == 503) << label;
    EXPECT_TRUE(client.FinishSending().IsClosed()) << label;
    absl::MutexLock lock(&mutex_);
    EXPECT_THAT(refused_, ElementsAre(label));
    refused_.clear();
    provoked_.insert(label);
  }

  // Expects that what has just been done is counted as the row of `label`, which nobody hears.
  void ExpectSilentRefusal(const std::string& label) {
    EXPECT_EQ(AwaitRefusal(), label);
    EXPECT_EQ(rows_[label].status, 0);
    absl::MutexLock lock(&mutex_);
    refused_.clear();
    provoked_.insert(label);
  }

  void ProvokeByBytes() {
    HttpServerTest::Start();
    for (const auto& [label, bytes] : Requests()) {
      RawHttpClient client(port());
      // What follows would be served if it was ever taken for a request.
      client.Send(bytes).Send(Post("smuggled"));
      ExpectRefusal(label, client);
    }
    EXPECT_EQ(handled_, 0);
  }

  void ProvokeByTime() {
    options_.head_timeout = absl::Milliseconds(20);
    HttpServerTest::Start();
    RawHttpClient slow(port());
    slow.Send("GET");
    ExpectRefusal("too_slow", slow);
    RawHttpClient gone(port());
    gone.Send("GET").FinishSending();
    ExpectRefusal("ends_early", gone);
    EXPECT_EQ(handled_, 0);
  }

  void ProvokeByTheServer() {
    options_.max_connections = 1;
    absl::Notification entered;
    absl::Notification release;
    callbacks_.handler = [&](const HttpRequest&) -> HttpResponse {
      entered.Notify();
      release.WaitForNotification();
      throw std::runtime_error("x");
    };
    HttpServerTest::Start();
    RawHttpClient busy(port());
    busy.Send(Post("a"));
    entered.WaitForNotification();
    RawHttpClient one_too_many(port());
    ExpectRefusal("too_many_connections", one_too_many);
    release.Notify();
    ExpectRefusal("exception", busy);
  }

  void ProvokeByTls() {
    const HttpOptions defaults;
    options_.head_timeout = defaults.head_timeout;
    options_.max_connections = defaults.max_connections;
    AskForCertificates(TlsOptions::ClientCertificate::kRequired);
    HttpsServerTest::Start();
    RawHttpClient plain(port());
    plain.Send(Post("a"));
    ExpectRefusal("plain_http", plain);
    RawTlsClient::Options old;
    old.version = TLS1_1_VERSION;
    // Each stays until it has been noticed: what it said might be lost with it.
    const RawTlsClient outdated(port(), old);
    ExpectSilentRefusal("tls_version");
    const RawTlsClient without_certificate(port(), Trusting());
    ExpectSilentRefusal("tls_client_certificate");
    RawTlsClient::Options stranger;
    stranger.ca_pem = TestAuthority("Other").certificate_pem();
    const RawTlsClient distrustful(port(), stranger);
    ExpectSilentRefusal("tls_not_trusted");
    RawHttpClient broken(port());
    broken.Send("\x16").FinishSending();
    ExpectSilentRefusal("tls_handshake");
  }

  std::map<std::string, Row> rows_;
  std::set<std::string> provoked_;
};

TEST_F(RefusalsTest, TheDocumentSaysWhatTheServerAnswers) {
  ProvokeByBytes();
  ProvokeByTime();
  ProvokeByTheServer();
  ProvokeByTls();
  std::set<std::string> documented;
  for (const auto& [label, row] : rows_) documented.insert(label);
  EXPECT_EQ(provoked_, documented);
}

TEST_F(RefusalsTest, TheDocumentNamesEveryRefusalThereIs) {
  std::vector<std::string> documented;
  for (const Row& row : DocumentedRows()) {
    documented.push_back(absl::StrCat(row.label, " ", row.status, " ", row.ret_msg));
  }
  std::vector<std::string> all;
  for (const Refusal& refusal : AllRefusals()) {
    all.push_back(absl::StrCat(refusal.label, " ", refusal.status, " ", refusal.reason));
  }
  EXPECT_EQ(documented, all);
}

}  // namespace
}  // namespace onhook
