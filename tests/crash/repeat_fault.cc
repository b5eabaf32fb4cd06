#include "tests/crash/repeat_fault.h"

#include <cstdint>
#include <list>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/crash/crash_run.h"
#include "tests/support/raw_http_client.h"

namespace onhook {
namespace {

constexpr int kConnections = 8;
constexpr int kCallbacks = 4;

std::string RequestFor(const CallLedger& ledger, int64_t number) {
  const std::string body = absl::StrCat("{", ledger.CallbackWords(number), "}");
  return absl::StrCat("POST /release-events HTTP/1.1\r\nHost: gateway\r\nContent-Length: ",
                      body.size(), "\r\n\r\n", body);
}

bool SaysStored(const RawAnswer& answer) {
  return absl::StrContains(answer.body, R"("retCode":"0")") ||
         absl::StrContains(answer.body, R"("retCode":"2")");
}

// Over all connections before any answer is read.
void Post(const std::string& request, std::list<RawHttpClient>& connections) {
  for (RawHttpClient& connection : connections) connection.Send(request);
}

void TakeAnswers(int64_t number, std::list<RawHttpClient>& connections, CallLedger& ledger) {
  for (RawHttpClient& connection : connections) {
    if (SaysStored(connection.ReadAnswer())) ledger.Promised(number);
  }
}

void Connect(int port, std::list<RawHttpClient>& connections) {
  connections.clear();
  for (int i = 0; i < kConnections; ++i) connections.emplace_back(port);
}

}  // namespace

void RepeatFault::Strike(CrashRun& run) {
  std::list<RawHttpClient> connections;
  Connect(run.gateway().http_port(), connections);
  for (int i = 0; i < kCallbacks; ++i) {
    const int64_t number = run.ledger().Open();
    Post(RequestFor(run.ledger(), number), connections);
    TakeAnswers(number, connections, run.ledger());
  }
  if (run.random()() % 2 == 0) return;
  const int64_t number = run.ledger().Open();
  const std::string request = RequestFor(run.ledger(), number);
  Post(request, connections);
  run.Kill();
  TakeAnswers(number, connections, run.ledger());
  if (!run.Start()) return;
  Connect(run.gateway().http_port(), connections);
  Post(request, connections);
  TakeAnswers(number, connections, run.ledger());
}

}  // namespace onhook
