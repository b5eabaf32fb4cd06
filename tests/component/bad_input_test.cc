// What is refused: the right status, a body that the vendor can read, and nothing stored.
#include "tests/component/gateway_fixture.h"

namespace onhook {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

using BadInputTest = GatewayTest;

// A value that no answer may repeat.
#define CANARY "88880067"

struct BadBody {
  const char* why;
  std::string body;
  const char* named;  // what the answer has to name
};

const BadBody kBadBodies[] = {
    {"nothing at all", "", ""},
    {"no closing brace", R"({"callSerialNo":"1","called":")" CANARY R"(")", ""},
    {"an array", R"([{"callSerialNo":"1","called":")" CANARY R"("}])", ""},
    {"a form", "callSerialNo=1&called=" CANARY, ""},
    {"a duplicate key", R"({"callSerialNo":"1","called":")" CANARY R"(","called":"1"})", "called"},
    {"no callSerialNo", R"({"called":")" CANARY R"("})", "callSerialNo"},
    {"a callSerialNo of 51 characters",
     R"({"callSerialNo":")" CANARY + std::string(43, '1') + R"(","called":"1"})", "callSerialNo"},
    {"no called", R"({"callSerialNo":")" CANARY R"("})", "called"},
    {"an empty called", R"({"callSerialNo":")" CANARY R"(","called":""})", "called"},
    {"a called of null", R"({"callSerialNo":")" CANARY R"(","called":null})", "called"},
    {"invalid UTF-8", "{\"callSerialNo\":\"1\",\"called\":\"" CANARY "\xFF\"}", ""},
};

TEST_F(BadInputTest, AMalformedCallbackIsRefusedInTheVendorsFormat) {
  StartGateway();
  for (const BadBody& row : kBadBodies) {
    const RawAnswer answer = Post(row.body);
    EXPECT_EQ(answer.status, 400) << row.why;
    EXPECT_THAT(answer.head, HasSubstr("application/json;charset=UTF-8")) << row.why;
    EXPECT_THAT(answer.body, StartsWith(R"({"retCode":"1","retMsg":")")) << row.why;
    EXPECT_THAT(answer.body, HasSubstr(row.named)) << row.why;
    EXPECT_THAT(answer.body, Not(HasSubstr(CANARY))) << row.why;
  }
  EXPECT_THAT(StoredCalls(), IsEmpty());
}

struct BadRequest {
  const char* why;
  std::string request;
  int status;
};

std::string With(const std::string& request_line, const std::string& headers,
                 const std::string& body) {
  return request_line + "\r\nHost: gateway\r\n" + headers + "\r\n" + body;
}

const char kBody[] = R"({"callSerialNo":"1","called":"2"})";  // 33 bytes
const char kLine[] = "POST /release-events HTTP/1.1";

const BadRequest kBadRequests[] = {
    {"another method", With("GET /release-events HTTP/1.1", "", ""), 405},
    {"another path", With("POST /elsewhere HTTP/1.1", "Content-Length: 33\r\n", kBody), 404},
    {"no HTTP", "hello\r\n\r\n", 400},
    {"a version to come", With("POST /release-events HTTP/3.0", "", ""), 505},
    {"no host", "POST /release-events HTTP/1.1\r\nContent-Length: 33\r\n\r\n", 400},
    {"two lengths", With(kLine, "Content-Length: 33\r\nContent-Length: 34\r\n", kBody), 400},
    {"a length with a sign", With(kLine, "Content-Length: +33\r\n", kBody), 400},
    {"a length and chunks", With(kLine, "Content-Length: 33\r\nTransfer-Encoding: chunked\r\n", ""),
     400},
    {"a chunk size that is none", With(kLine, "Transfer-Encoding: chunked\r\n", "0x2\r\nab\r\n"),
     400},
    {"a body over the limit", With(kLine, "Content-Length: 65537\r\n", ""), 413},
    {"a chunk over the limit", With(kLine, "Transfer-Encoding: chunked\r\n", "10001\r\n"), 413},
    {"a header over the limit", With(kLine, "X: " + std::string(9000, 'x') + "\r\n", ""), 431},
    {"a line over the limit", With("POST /" + std::string(9000, 'x') + " HTTP/1.1", "", ""), 414},
};

TEST_F(BadInputTest, AMalformedRequestIsRefusedInTheVendorsFormat) {
  StartGateway();
  for (const BadRequest& row : kBadRequests) {
    const RawAnswer answer = RawHttpClient(gateway_->http_port()).Send(row.request).ReadAnswer();
    EXPECT_EQ(answer.status, row.status) << row.why;
    EXPECT_THAT(answer.head, HasSubstr("application/json;charset=UTF-8")) << row.why;
    EXPECT_THAT(answer.body,
                HasSubstr(row.status < 500 ? R"({"retCode":"1","retMsg":")" : R"("retCode":)"))
        << row.why;
  }
  EXPECT_THAT(StoredCalls(), IsEmpty());
}

TEST_F(BadInputTest, WhatFollowsAMalformedRequestIsNeverTakenForOne) {
  StartGateway();
  RawHttpClient client(gateway_->http_port());
  client.Send(With(kLine, "Content-Length: 33\r\nContent-Length: 34\r\n", "") + PostOf(kBody));
  EXPECT_EQ(client.ReadAnswer().status, 400);
  EXPECT_EQ(client.ReadAnswer().status, 0);
  EXPECT_THAT(StoredCalls(), IsEmpty());
}

TEST_F(BadInputTest, AMalformedCallbackLeavesItsConnectionUsable) {
  settings_.acknowledge.when = Settings::Acknowledge::When::kStored;
  StartGateway();
  RawHttpClient client(gateway_->http_port());
  EXPECT_EQ(client.Send(PostOf("{")).ReadAnswer().status, 400);
  EXPECT_EQ(client.Send(PostOf(kBody)).ReadAnswer().body, kSuccess);
}

TEST_F(BadInputTest, TheLimitOfABodyIsASetting) {
  settings_.acknowledge.when = Settings::Acknowledge::When::kStored;
  settings_.http.server.max_body_bytes = 33;
  StartGateway();
  EXPECT_EQ(Post(kBody).status, 200);
  EXPECT_EQ(Post(std::string(kBody) + " ").status, 413);
}

TEST_F(BadInputTest, ServiceNoMayBeNullEmptyOrAbsent) {
  settings_.acknowledge.when = Settings::Acknowledge::When::kStored;
  StartGateway();
  for (const char* service_no : {R"(,"serviceNo":null)", R"(,"serviceNo":"")", ""}) {
    EXPECT_EQ(Post(absl::StrCat(R"({"callSerialNo":"1","called":"2")", service_no, "}")).body,
              kSuccess);
  }
}

}  // namespace
}  // namespace onhook
