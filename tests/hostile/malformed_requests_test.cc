// The corpus of malformed requests, direct: each between two good ones on one connection.
#include <httplib.h>

#include <thread>

#include "gmock/gmock.h"
#include "tests/hostile/hostile_fixture.h"
#include "tests/hostile/malformed_requests.h"
#include "tests/support/raw_tls_client.h"

namespace onhook {
namespace {

using testing::IsEmpty;

// What is wrong with how the server of `client` takes `row`; nothing if it serves what comes
// before, answers as it has to, closes, and serves nothing that comes behind.
std::vector<std::string> FaultsOf(const MalformedRequest& row, RawHttpClient& client,
                                  RequestRecord& record) {
  const std::string before = record.NewMarker();
  const std::string malformed = record.NewMarker();
  const std::string smuggled = record.NewMarker();
  const std::string behind = record.NewMarker();
  client.Send(absl::StrCat(RequestRecord::RequestOf(before), row.WithMarkers(malformed, smuggled),
                           RequestRecord::RequestOf(behind)));
  const RawAnswer first = client.ReadAnswer();
  const RawAnswer second = client.ReadAnswer();
  const bool closed = client.FinishSending().IsClosed();

  std::vector<std::string> faults = record.TakeFaults();
  const auto expect = [&](bool good, const std::string& fault) {
    if (!good) faults.push_back(fault);
  };
  expect(first.body == RequestRecord::AnswerTo(before), "the request before it was not served");
  expect(second.status == row.status, absl::StrCat("it was answered ", second.status));
  expect(closed, "the connection went on");
  expect(record.TimesTaken(malformed) == 0, "it was taken for a request");
  expect(record.TimesTaken(smuggled) == 0, "what is inside it was taken for a request");
  expect(record.TimesTaken(behind) == 0, "what is behind it was taken for a request");
  return faults;
}

TEST_F(HostileTest, EveryMalformedRequestIsAnsweredAndClosedAndNothingBehindItIsServed) {
  Start();
  for (const MalformedRequest& row : MalformedRequests()) {
    RawHttpClient client(port());
    EXPECT_THAT(FaultsOf(row, client, record_), IsEmpty()) << row.name;
  }
}

// As it came through a slow network.
TEST_F(HostileTest, ItMakesNoDifferenceHowAMalformedRequestIsCut) {
  Start();
  for (const MalformedRequest& row : MalformedRequests()) {
    const std::string malformed = record_.NewMarker();
    const std::string smuggled = record_.NewMarker();
    const std::string behind = record_.NewMarker();
    const std::string bytes = row.WithMarkers(malformed, smuggled);
    RawHttpClient client(port());
    const size_t half = bytes.size() / 2;
    client.Send(bytes.substr(0, half)).Send(bytes.substr(half));
    client.Send(RequestRecord::RequestOf(behind));
    EXPECT_EQ(client.ReadAnswer().status, row.status) << row.name;
    EXPECT_TRUE(client.FinishSending().IsClosed()) << row.name;
    for (const std::string& marker : {malformed, smuggled, behind}) {
      EXPECT_EQ(record_.TimesTaken(marker), 0) << row.name;
    }
    EXPECT_THAT(record_.TakeFaults(), IsEmpty()) << row.name;
  }
}

TEST_F(HostileTest, NorDoesTlsMakeADifference) {
  StartWithTls();
  for (const MalformedRequest& row : MalformedRequests()) {
    RawTlsClient client(port());
    EXPECT_THAT(FaultsOf(row, client, record_), IsEmpty()) << row.name;
  }
}

// What shows that the corpus would find something: the library alone lets some of it through.
TEST_F(HostileTest, ABareLibraryTakesMalformedRequestsForRequests) {
  httplib::Server bare;
  bare.set_tcp_nodelay(true);
  bare.set_read_timeout(1);
  bare.set_keep_alive_timeout(1);
  bare.Post(".*", [&](const httplib::Request& request, httplib::Response& response) {
    response.set_content(record_.Take(request.get_header_value("Marker"), request.body),
                         "text/plain");
  });
  const int bare_port = bare.bind_to_any_port("127.0.0.1");
  std::thread listener([&] { bare.listen_after_bind(); });
  bare.wait_until_ready();
  std::vector<std::string> let_through;
  for (const MalformedRequest& row : MalformedRequests()) {
    const std::string malformed = record_.NewMarker();
    RawHttpClient client(bare_port);
    client.Send(row.WithMarkers(malformed, record_.NewMarker())).FinishSending().ReadAnswer();
    if (record_.TimesTaken(malformed) > 0) let_through.push_back(row.name);
  }
  bare.stop();
  listener.join();
  EXPECT_THAT(let_through, testing::IsSupersetOf({"a Range", "two equal lengths", "chunked in gzip",
                                                  "a chunk size with 0x"}));
}

}  // namespace
}  // namespace onhook
