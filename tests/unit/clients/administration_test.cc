#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include "absl/strings/str_split.h"
#include "clients/cli/command.h"
#include "tests/unit/clients/program_fixture.h"

namespace onhook::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// `onhook subscriptions ...` and `onhook dead-letters ...`.
class AdministrationTest : public ProgramFixture {
 protected:
  client::FakeSubscriptionService& service_ = gateway_.administration;
};

v1::Subscription Named(const std::string& name, int64_t settled = 0) {
  v1::Subscription subscription;
  subscription.set_name(name);
  subscription.mutable_stats()->set_settled(settled);
  return subscription;
}

TEST_F(AdministrationTest, ListFollowsThePages) {
  v1::ListSubscriptionsResponse first;
  *first.add_subscriptions() = Named("audit");
  first.set_next_page_token("audit");
  v1::ListSubscriptionsResponse second;
  *second.add_subscriptions() = Named("crm");
  service_.list_subscriptions.responses = {first, second};
  EXPECT_EQ(Run({"subscriptions", "list"}), kExitOk);
  EXPECT_THAT(output_, StartsWith("NAME "));
  EXPECT_THAT(output_, HasSubstr("\naudit "));
  EXPECT_THAT(output_, HasSubstr("\ncrm "));
  EXPECT_EQ(service_.list_subscriptions.requests.Take().page_token(), "");
  EXPECT_EQ(service_.list_subscriptions.requests.Take().page_token(), "audit");
}

TEST_F(AdministrationTest, ListAsJsonIsOneMessageALineAndSaysNothingOfNumbers) {
  v1::ListSubscriptionsResponse response;
  *response.add_subscriptions() = Named("audit");
  *response.add_subscriptions() = Named("crm");
  service_.list_subscriptions.responses = {response};
  EXPECT_EQ(Run({"subscriptions", "list", "--json"}), kExitOk);
  const std::vector<std::string> lines = absl::StrSplit(output_, '\n', absl::SkipEmpty());
  ASSERT_EQ(lines.size(), 2);
  for (const std::string& line : lines) {
    v1::Subscription parsed;
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(line, &parsed).ok());
  }
  EXPECT_THAT(lines[0], HasSubstr("\"name\":\"audit\""));
  EXPECT_THAT(lines[0], HasSubstr("\"backlogEvents\":\"0\"")) << "programs compute with it";
  EXPECT_EQ(said_, "");
}

TEST_F(AdministrationTest, ShowPrintsHowItStands) {
  v1::GetSubscriptionResponse response;
  *response.mutable_subscription() = Named("crm", 42);
  service_.get_subscription.responses = {response};
  EXPECT_EQ(Run({"subscriptions", "show", "crm"}), kExitOk);
  EXPECT_THAT(output_, HasSubstr("42 since the gateway started"));
  EXPECT_EQ(service_.get_subscription.requests.Take().name(), "crm");
}

TEST_F(AdministrationTest, CreateSendsTheSpecificationAndPrintsWhatWasCreated) {
  v1::CreateSubscriptionResponse response;
  *response.mutable_subscription() = Named("crm");
  service_.create_subscription.responses = {response};
  EXPECT_EQ(Run({"subscriptions", "create", "crm", "--start", "latest", "--ack-deadline", "1m"}),
            kExitOk);
  const v1::CreateSubscriptionRequest request = service_.create_subscription.requests.Take();
  EXPECT_EQ(request.name(), "crm");
  EXPECT_EQ(request.spec().start_position(), v1::START_POSITION_LATEST);
  EXPECT_EQ(request.spec().ack_deadline().seconds(), 60);
  EXPECT_THAT(output_, StartsWith("crm\n  created "));
}

TEST_F(AdministrationTest, ANameThatIsTakenIsANegativeAnswerThatSaysWhatToDo) {
  service_.status = client::StatusWithReason(grpc::StatusCode::ALREADY_EXISTS, "exists already",
                                             "ALREADY_EXISTS");
  EXPECT_EQ(Run({"subscriptions", "create", "crm"}), kExitNegative);
  EXPECT_EQ(said_,
            "onhook: ALREADY_EXISTS: exists already; `onhook subscriptions update` changes it\n");
}

TEST_F(AdministrationTest, UpdateSendsExactlyWhatWasGiven) {
  EXPECT_EQ(Run({"subscriptions", "update", "crm", "--ack-deadline", "1m", "--unset", "filter"}),
            kExitOk);
  const v1::UpdateSubscriptionRequest request = service_.update_subscription.requests.Take();
  EXPECT_THAT(request.update_mask().paths(), ElementsAre("ack_deadline", "filter"));
  EXPECT_EQ(request.spec().ack_deadline().seconds(), 60);
  EXPECT_FALSE(request.spec().has_filter());
}

TEST_F(AdministrationTest, UpdateOfNothingIsWrongUsage) {
  EXPECT_EQ(Run({"subscriptions", "update", "crm"}), kExitUsage);
  EXPECT_TRUE(service_.update_subscription.requests.empty());
}

TEST_F(AdministrationTest, DeleteAsksForYes) {
  EXPECT_EQ(Run({"subscriptions", "delete", "crm"}), kExitUsage);
  EXPECT_TRUE(service_.delete_subscription.requests.empty());
  EXPECT_EQ(Run({"subscriptions", "delete", "crm", "--yes"}), kExitOk);
  EXPECT_EQ(service_.delete_subscription.requests.Take().name(), "crm");
  EXPECT_EQ(output_, "crm is deleted\n");
}

TEST_F(AdministrationTest, SeekGoesToAnEndBehindACursorOrToATime) {
  v1::SeekResponse response;
  response.set_backlog_events(7);
  response.set_cursor("c3");
  service_.seek.responses = {response};
  EXPECT_EQ(Run({"subscriptions", "seek", "crm", "--to", "latest"}), kExitOk);
  EXPECT_EQ(service_.seek.requests.Take().position(), v1::START_POSITION_LATEST);
  EXPECT_EQ(output_, "crm owes 7 event(s) now, those behind cursor c3\n");
  EXPECT_EQ(Run({"subscriptions", "seek", "crm", "--after", "c9"}), kExitOk);
  EXPECT_EQ(service_.seek.requests.Take().after_cursor(), "c9");
  EXPECT_EQ(Run({"subscriptions", "seek", "crm", "--time", "1970-01-01T00:00:09Z"}), kExitOk);
  EXPECT_EQ(service_.seek.requests.Take().time().seconds(), 9);
}

// Owes 22 events, the oldest for an hour, and has settled up to cursor c3.
v1::GetSubscriptionResponse WithBacklog() {
  v1::GetSubscriptionResponse response;
  v1::SubscriptionStats& stats = *response.mutable_subscription()->mutable_stats();
  stats.set_backlog_events(22);
  stats.mutable_oldest_unsettled_age()->set_seconds(3600);
  stats.set_settled_cursor("c3");
  return response;
}

TEST_F(AdministrationTest, SeekPassesOverWhatIsOwedOnlyWithYes) {
  service_.get_subscription.responses = {WithBacklog()};
  const std::vector<std::vector<std::string>> kAhead = {
      {"--to", "latest"}, {"--time", "10m"}, {"--after", "c9"}};
  for (const auto& place : kAhead) {
    std::vector<std::string> arguments = {"subscriptions", "seek", "crm"};
    arguments.insert(arguments.end(), place.begin(), place.end());
    EXPECT_EQ(Run(arguments), kExitUsage) << place[1];
    EXPECT_TRUE(service_.seek.requests.empty()) << place[1];
    EXPECT_THAT(said_, HasSubstr("crm owes 22 event(s)"));
    EXPECT_THAT(said_, HasSubstr("add --yes"));
    arguments.push_back("--yes");
    EXPECT_EQ(Run(arguments), kExitOk) << place[1];
    EXPECT_EQ(service_.seek.requests.Take().name(), "crm");
    EXPECT_EQ(output_, "crm passed over 22, owes 0 event(s) now, those behind cursor \n");
  }
}

TEST_F(AdministrationTest, SeekBackAsksForNothing) {
  service_.get_subscription.responses = {WithBacklog()};
  v1::SeekResponse response;
  response.set_backlog_events(30);
  service_.seek.responses = {response};
  const std::vector<std::vector<std::string>> kBack = {
      {"--to", "earliest"}, {"--time", "2h"}, {"--after", "c3"}};
  for (const auto& place : kBack) {
    std::vector<std::string> arguments = {"subscriptions", "seek", "crm"};
    arguments.insert(arguments.end(), place.begin(), place.end());
    EXPECT_EQ(Run(arguments), kExitOk) << place[1];
    EXPECT_THAT(output_, HasSubstr("crm owes 30 event(s) now"));
  }
}

TEST_F(AdministrationTest, SeekNeedsOnePlace) {
  EXPECT_EQ(Run({"subscriptions", "seek", "crm"}), kExitUsage);
  EXPECT_EQ(Run({"subscriptions", "seek", "crm", "--to", "latest", "--time", "2h"}), kExitUsage);
  EXPECT_EQ(Run({"subscriptions", "seek", "crm", "--time", "yesterday"}), kExitUsage);
  EXPECT_TRUE(service_.seek.requests.empty());
}

TEST_F(AdministrationTest, APlaceThatIsNoLongerKeptSaysHowMuchIsLost) {
  service_.status =
      client::StatusWithReason(grpc::StatusCode::OUT_OF_RANGE, "no longer kept", "CURSOR_EXPIRED",
                               {{"oldest_cursor", "c5"}, {"events_lost", "4"}});
  EXPECT_EQ(Run({"subscriptions", "seek", "crm", "--after", "c1"}), kExitNegative);
  EXPECT_EQ(
      said_,
      "onhook: OUT_OF_RANGE: no longer kept (CURSOR_EXPIRED); 4 event(s) are lost; the oldest "
      "kept is behind cursor c5\n");
}

TEST_F(AdministrationTest, PauseAndResumeSayWhatHolds) {
  EXPECT_EQ(Run({"subscriptions", "pause", "crm"}), kExitOk);
  EXPECT_EQ(service_.pause_subscription.requests.Take().name(), "crm");
  EXPECT_THAT(output_, HasSubstr("crm is paused"));
  EXPECT_EQ(Run({"subscriptions", "resume", "crm"}), kExitOk);
  EXPECT_EQ(service_.resume_subscription.requests.Take().name(), "crm");
}

TEST_F(AdministrationTest, AnUnknownSubscriptionSaysWhereToLook) {
  service_.status = grpc::Status(grpc::StatusCode::NOT_FOUND, "there is no subscription 'crn'");
  EXPECT_EQ(Run({"subscriptions", "pause", "crn"}), kExitNegative);
  EXPECT_EQ(said_,
            "onhook: NOT_FOUND: there is no subscription 'crn'; `onhook subscriptions list` shows "
            "what there is\n");
}

TEST_F(AdministrationTest, WatchEndsAfterItsRefreshesAndShowsTheRate) {
  v1::ListSubscriptionsResponse first;
  *first.add_subscriptions() = Named("crm", 0);
  v1::ListSubscriptionsResponse second;
  *second.add_subscriptions() = Named("crm", 1'000'000'000);
  service_.list_subscriptions.responses = {first, second};
  EXPECT_EQ(Run({"subscriptions", "watch", "--count=2", "--interval=100ms", "--json"}), kExitOk);
  const std::vector<std::string> lines = absl::StrSplit(output_, '\n', absl::SkipEmpty());
  ASSERT_EQ(lines.size(), 2);
  EXPECT_THAT(lines[0], Not(HasSubstr("settledPerSecond")));
  EXPECT_THAT(lines[1], HasSubstr("settledPerSecond"));
  EXPECT_THAT(lines[1], HasSubstr("\"name\":\"crm\""));
}

TEST_F(AdministrationTest, WatchElsewhereThanOnATerminalHasNoEscapeCodes) {
  v1::ListSubscriptionsResponse response;
  *response.add_subscriptions() = Named("crm");
  service_.list_subscriptions.responses = {response};
  EXPECT_EQ(Run({"subscriptions", "watch", "--count=1"}), kExitOk);
  EXPECT_THAT(output_, HasSubstr("\nNAME "));
  EXPECT_THAT(output_, HasSubstr("\ncrm "));
  EXPECT_THAT(output_, Not(HasSubstr("\x1b")));
}

TEST_F(AdministrationTest, WatchOfAGatewayThatFailsEndsAtOnce) {
  service_.status = grpc::Status(grpc::StatusCode::INTERNAL, "disk");
  EXPECT_EQ(Run({"subscriptions", "watch"}), kExitFailed);
}

v1::DeadLetter Letter(const std::string& id) {
  v1::DeadLetter letter;
  letter.set_dead_letter_id(id);
  letter.mutable_event()->set_called("88880067");
  letter.set_detail("exit status 65");
  return letter;
}

TEST_F(AdministrationTest, DeadLettersAreListedOverThePagesMasked) {
  v1::ListDeadLettersResponse first;
  *first.add_dead_letters() = Letter("l1");
  first.set_next_page_token("l1");
  v1::ListDeadLettersResponse second;
  *second.add_dead_letters() = Letter("l2");
  service_.list_dead_letters.responses = {first, second};
  EXPECT_EQ(Run({"dead-letters", "list", "crm"}), kExitOk);
  EXPECT_THAT(output_, StartsWith("l1  "));
  EXPECT_THAT(output_, HasSubstr("\nl2  "));
  EXPECT_THAT(output_, Not(HasSubstr("88880067")));
  EXPECT_EQ(service_.list_dead_letters.requests.Take().subscription(), "crm");
  EXPECT_EQ(service_.list_dead_letters.requests.Take().page_token(), "l1");
}

TEST_F(AdministrationTest, ThatThereAreNoDeadLettersIsSaid) {
  EXPECT_EQ(Run({"dead-letters", "list", "crm"}), kExitOk);
  EXPECT_EQ(output_, "");
  EXPECT_EQ(said_, "onhook: crm has no dead letters\n");
}

TEST_F(AdministrationTest, ADeadLetterIsShownById) {
  v1::GetDeadLetterResponse response;
  *response.mutable_dead_letter() = Letter("l1");
  service_.get_dead_letter.responses = {response};
  EXPECT_EQ(Run({"dead-letters", "show", "crm", "l1"}), kExitOk);
  EXPECT_THAT(output_, StartsWith("dead letter l1\n"));
  const v1::GetDeadLetterRequest request = service_.get_dead_letter.requests.Take();
  EXPECT_EQ(request.subscription(), "crm");
  EXPECT_EQ(request.dead_letter_id(), "l1");
  EXPECT_EQ(Run({"dead-letters", "show", "crm", "l1", "--json", "--show-numbers"}), kExitOk);
  EXPECT_EQ(output_,
            "{\"deadLetterId\":\"l1\",\"event\":{\"called\":\"88880067\"},"
            "\"detail\":\"exit status 65\"}\n");
}

TEST_F(AdministrationTest, RedriveTellsWhichIdsAreUnknown) {
  v1::RedriveDeadLettersResponse response;
  response.set_redriven(1);
  response.add_unknown_ids("l9");
  service_.redrive_dead_letters.responses = {response};
  EXPECT_EQ(Run({"dead-letters", "redrive", "crm", "l1", "l9"}), kExitNegative);
  EXPECT_EQ(output_, "1 dead letter(s) redriven\n");
  EXPECT_EQ(said_, "onhook: no dead letter of crm has the id l9\n");
  const v1::RedriveDeadLettersRequest request = service_.redrive_dead_letters.requests.Take();
  EXPECT_THAT(request.dead_letter_ids(), ElementsAre("l1", "l9"));
  EXPECT_FALSE(request.all());
}

TEST_F(AdministrationTest, RedriveTakesIdsOrAll) {
  EXPECT_EQ(Run({"dead-letters", "redrive", "crm"}), kExitUsage);
  EXPECT_EQ(Run({"dead-letters", "redrive", "crm", "l1", "--all"}), kExitUsage);
  EXPECT_EQ(Run({"dead-letters", "redrive", "crm", "--all"}), kExitOk);
  EXPECT_TRUE(service_.redrive_dead_letters.requests.Take().all());
}

TEST_F(AdministrationTest, DiscardOfAllAsksForYes) {
  EXPECT_EQ(Run({"dead-letters", "discard", "crm", "--all"}), kExitUsage);
  EXPECT_TRUE(service_.discard_dead_letters.requests.empty());
  EXPECT_EQ(Run({"dead-letters", "discard", "crm", "--all", "--yes"}), kExitOk);
  EXPECT_TRUE(service_.discard_dead_letters.requests.Take().all());
  EXPECT_EQ(Run({"dead-letters", "discard", "crm", "l1"}), kExitOk);
  EXPECT_THAT(service_.discard_dead_letters.requests.Take().dead_letter_ids(), ElementsAre("l1"));
}

}  // namespace
}  // namespace onhook::cli
