#include <fcntl.h>
#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "clients/cli/command.h"
#include "tests/unit/clients/program_fixture.h"

namespace onhook::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kBody[] = "{\"called\":\"88880067\",\x1b[2J";

// `onhook rejected ...`.
class RejectedTest : public ProgramFixture {
 protected:
  client::FakeRejectedCallbackService& service_ = gateway_.quarantine;
};

v1::RejectedCallback Callback(const std::string& id) {
  v1::RejectedCallback callback;
  callback.set_rejected_callback_id(id);
  callback.set_source("sales");
  callback.mutable_received_at()->set_seconds(1645524276);
  callback.set_reason(v1::RejectedCallback::REASON_MALFORMED);
  callback.set_detail("not JSON");
  callback.set_content_type("application/json");
  callback.set_body_bytes(25);
  return callback;
}

v1::GetRejectedCallbackResponse WithBody() {
  v1::GetRejectedCallbackResponse response;
  *response.mutable_rejected_callback() = Callback("r1");
  response.set_raw_body(kBody);
  return response;
}

TEST_F(RejectedTest, ListFollowsThePagesALineEach) {
  v1::ListRejectedCallbacksResponse first;
  *first.add_rejected_callbacks() = Callback("r1");
  first.set_next_page_token("r1");
  v1::ListRejectedCallbacksResponse second;
  *second.add_rejected_callbacks() = Callback("r2");
  service_.list.responses = {first, second};
  EXPECT_EQ(Run({"rejected", "list", "--source", "sales"}), kExitOk);
  EXPECT_EQ(output_,
            "r1  2022-02-22T10:04:36.000Z  sales  25 B  malformed: not JSON\n"
            "r2  2022-02-22T10:04:36.000Z  sales  25 B  malformed: not JSON\n");
  EXPECT_EQ(service_.list.requests.Take().source(), "sales");
  EXPECT_EQ(service_.list.requests.Take().page_token(), "r1");
}

TEST_F(RejectedTest, EveryReasonHasItsWord) {
  const google::protobuf::EnumDescriptor& reasons = *v1::RejectedCallback::Reason_descriptor();
  v1::ListRejectedCallbacksResponse response;
  for (int i = 1; i < reasons.value_count(); ++i) {
    v1::RejectedCallback callback = Callback("r1");
    callback.set_reason(static_cast<v1::RejectedCallback::Reason>(reasons.value(i)->number()));
    *response.add_rejected_callbacks() = callback;
  }
  service_.list.responses = {response};
  EXPECT_EQ(Run({"rejected", "list"}), kExitOk);
  EXPECT_THAT(output_, HasSubstr("nonce reused: not JSON"));
  EXPECT_THAT(output_, Not(HasSubstr("reason ")));
}

TEST_F(RejectedTest, ListEscapesWhateverItPrints) {
  v1::RejectedCallback hostile = Callback("r1\n");
  hostile.set_source("a\x1b[2J");
  hostile.set_detail("\x1b]0;x\x07");
  v1::ListRejectedCallbacksResponse response;
  *response.add_rejected_callbacks() = hostile;
  service_.list.responses = {response};
  EXPECT_EQ(Run({"rejected", "list"}), kExitOk);
  EXPECT_THAT(output_, StartsWith("r1\\n  "));
  EXPECT_THAT(output_, HasSubstr("a\\x1B[2J"));
  EXPECT_THAT(output_, Not(HasSubstr("\x1b")));
}

TEST_F(RejectedTest, ListAsJsonIsOneMessageALine) {
  v1::ListRejectedCallbacksResponse response;
  *response.add_rejected_callbacks() = Callback("r1");
  service_.list.responses = {response};
  EXPECT_EQ(Run({"rejected", "list", "--json"}), kExitOk);
  v1::RejectedCallback parsed;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(output_, &parsed).ok());
  EXPECT_EQ(parsed.SerializeAsString(), Callback("r1").SerializeAsString());
}

TEST_F(RejectedTest, ThatThereAreNoneIsSaid) {
  EXPECT_EQ(Run({"rejected", "list"}), kExitOk);
  EXPECT_EQ(output_, "");
  EXPECT_EQ(said_, "onhook: there are no rejected callbacks\n");
}

TEST_F(RejectedTest, ShowTellsAllButTheBody) {
  service_.get.responses = {WithBody()};
  EXPECT_EQ(Run({"rejected", "show", "r1"}), kExitOk);
  EXPECT_EQ(service_.get.requests.Take().rejected_callback_id(), "r1");
  EXPECT_EQ(output_,
            "rejected callback r1\n"
            "  why          malformed\n"
            "  detail       not JSON\n"
            "  received     2022-02-22T10:04:36.000Z\n"
            "  source       sales\n"
            "  content type application/json\n"
            "  body         25 B; --raw prints it\n");
  EXPECT_EQ(Run({"rejected", "show", "r1", "--json"}), kExitOk);
  EXPECT_THAT(output_, Not(HasSubstr("rawBody")));
}

TEST_F(RejectedTest, RawIsTheBodyByteForByteElsewhereThanOnATerminal) {
  service_.get.responses = {WithBody()};
  EXPECT_EQ(Run({"rejected", "show", "r1", "--raw"}), kExitOk);
  EXPECT_EQ(output_, kBody);
  EXPECT_EQ(Run({"rejected", "show", "r1", "--raw", "--json"}), kExitUsage);
}

TEST_F(RejectedTest, RawIsEscapedOnATerminal) {
  service_.get.responses = {WithBody()};
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
  ASSERT_EQ(grantpt(terminal), 0);
  ASSERT_EQ(unlockpt(terminal), 0);
  const int shown = open(ptsname(terminal), O_RDWR | O_NOCTTY);
  ASSERT_GE(shown, 0);
  std::fflush(stdout);
  const int standard_output = dup(STDOUT_FILENO);
  dup2(shown, STDOUT_FILENO);
  const int code =
      RunProgram({"rejected", "show", "r1", "--raw", "--server=" + gateway_.address()});
  dup2(standard_output, STDOUT_FILENO);
  char printed[256] = {};
  EXPECT_GT(read(terminal, printed, sizeof(printed) - 1), 0);
  for (const int file : {terminal, shown, standard_output}) close(file);
  EXPECT_EQ(code, kExitOk);
  EXPECT_STREQ(printed, "{\"called\":\"88880067\",\\x1B[2J\r\n") << "a terminal adds the \\r";
}

TEST_F(RejectedTest, AnUnknownIdSaysWhereToLook) {
  service_.status = grpc::Status(grpc::StatusCode::NOT_FOUND, "no rejected callback has this id");
  EXPECT_EQ(Run({"rejected", "show", "r9"}), kExitNegative);
  EXPECT_EQ(said_,
            "onhook: NOT_FOUND: no rejected callback has this id; `onhook rejected list` shows "
            "what there is\n");
}

TEST_F(RejectedTest, ReparseAsksUntilAllIsJudged) {
  v1::ReparseRejectedCallbacksResponse first;
  first.add_event_ids("v1-a");
  first.add_unjudged_ids("r2");
  v1::ReparseRejectedCallbacksResponse second;
  second.add_event_ids("v1-b");
  service_.reparse.responses = {first, second};
  EXPECT_EQ(Run({"rejected", "reparse", "r1", "r2"}), kExitOk);
  EXPECT_EQ(output_, "event v1-a\nevent v1-b\n2 became event(s), 0 refused again\n");
  EXPECT_THAT(service_.reparse.requests.Take().rejected_callback_ids(), ElementsAre("r1", "r2"));
  EXPECT_THAT(service_.reparse.requests.Take().rejected_callback_ids(), ElementsAre("r2"));
}

TEST_F(RejectedTest, ReparseOfAllGoesOnWithTheSamePass) {
  v1::ReparseRejectedCallbacksResponse first;
  first.add_event_ids("v1-a");
  first.set_next_page_token("t");
  v1::ReparseRejectedCallbacksResponse second;
  auto& refusal = *second.add_refusals();
  refusal.set_rejected_callback_id("r2");
  refusal.set_reason(v1::RejectedCallback::REASON_SIGNATURE);
  refusal.set_detail("the signature is of no key");
  auto& unreadable = *second.add_refusals();
  unreadable.set_rejected_callback_id("r3");
  unreadable.set_detail("its stored bytes do not fit their checksum");
  service_.reparse.responses = {first, second};
  EXPECT_EQ(Run({"rejected", "reparse", "--all"}), kExitNegative);
  EXPECT_EQ(output_,
            "event v1-a\nrefused r2  signature: the signature is of no key\n"
            "refused r3  its stored bytes do not fit their checksum\n"
            "1 became event(s), 2 refused again\n");
  EXPECT_EQ(service_.reparse.requests.Take().page_token(), "");
  const v1::ReparseRejectedCallbacksRequest next = service_.reparse.requests.Take();
  EXPECT_TRUE(next.all());
  EXPECT_EQ(next.page_token(), "t");
}

TEST_F(RejectedTest, UnknownIdsAreToldAndTheOthersDone) {
  v1::ReparseRejectedCallbacksResponse reparsed;
  reparsed.add_event_ids("v1-a");
  reparsed.add_unknown_ids("r9");
  service_.reparse.responses = {reparsed};
  EXPECT_EQ(Run({"rejected", "reparse", "r1", "r9"}), kExitNegative);
  EXPECT_EQ(said_, "onhook: no rejected callback has the id r9\n");
  v1::DiscardRejectedCallbacksResponse discarded;
  discarded.set_discarded(1);
  discarded.add_unknown_ids("r9");
  service_.discard.responses = {discarded};
  EXPECT_EQ(Run({"rejected", "discard", "r1", "r9"}), kExitNegative);
  EXPECT_EQ(output_, "1 rejected callback(s) discarded\n");
}

TEST_F(RejectedTest, AGatewayThatFailsIsNoNegativeAnswer) {
  service_.status = grpc::Status(grpc::StatusCode::UNAVAILABLE, "r1: cannot write now");
  EXPECT_EQ(Run({"rejected", "reparse", "--all"}), kExitFailed);
  EXPECT_EQ(Run({"rejected", "discard", "r1"}), kExitFailed);
}

TEST_F(RejectedTest, ChangesTakeIdsOrAll) {
  for (const char* action : {"reparse", "discard"}) {
    EXPECT_EQ(Run({"rejected", action}), kExitUsage);
    EXPECT_EQ(Run({"rejected", action, "r1", "--all"}), kExitUsage);
  }
  EXPECT_TRUE(service_.reparse.requests.empty());
  EXPECT_TRUE(service_.discard.requests.empty());
}

TEST_F(RejectedTest, DiscardOfAllAsksForYesAndGoesOnUntilTheEnd) {
  v1::DiscardRejectedCallbacksResponse first;
  first.set_discarded(1000);
  first.set_next_page_token("t");
  v1::DiscardRejectedCallbacksResponse second;
  second.set_discarded(2);
  service_.discard.responses = {first, second};
  EXPECT_EQ(Run({"rejected", "discard", "--all"}), kExitUsage);
  EXPECT_TRUE(service_.discard.requests.empty());
  EXPECT_EQ(Run({"rejected", "discard", "--all", "--yes"}), kExitOk);
  EXPECT_EQ(output_, "1002 rejected callback(s) discarded\n");
  service_.discard.requests.Take();
  EXPECT_EQ(service_.discard.requests.Take().page_token(), "t");
}

}  // namespace
}  // namespace onhook::cli
