#include "gateway/config/invocation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::StartsWith;
using Action = Invocation::Action;
using Strings = std::vector<std::string>;

Invocation Read(const Strings& arguments, const Strings& environment = {}) {
  const absl::StatusOr<Invocation> invocation = ReadInvocation(arguments, environment);
  EXPECT_TRUE(invocation.ok()) << invocation.status();
  return invocation.value_or(Invocation());
}

std::string Faults(const Strings& arguments, const Strings& environment = {}) {
  const absl::Status status = ReadInvocation(arguments, environment).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return std::string(status.message());
}

std::string OriginOf(absl::string_view name, const Invocation& invocation) {
  for (const EffectiveSetting& value : invocation.values) {
    if (value.setting->name == name) return value.origin;
  }
  return "absent";
}

TEST(InvocationTest, NothingGivenMeansRunOnTheDefaults) {
  const Invocation invocation = Read({});
  EXPECT_EQ(invocation.action, Action::kRun);
  EXPECT_EQ(invocation.settings.http.server.listen, "127.0.0.1:8080");
  EXPECT_EQ(invocation.values.size(), SettingsTable().size());
  for (const EffectiveSetting& value : invocation.values) {
    EXPECT_EQ(value.value, value.setting->write(Settings()));
    EXPECT_EQ(value.origin, "default");
  }
  EXPECT_THAT(invocation.warnings, IsEmpty());
}

TEST(InvocationTest, AFlagTakesItsValueAfterAnEqualsSignOrAsTheNextArgument) {
  for (const Strings& arguments :
       {Strings{"--http-listen=127.0.0.1:0"}, Strings{"--http-listen", "127.0.0.1:0"}}) {
    const Invocation invocation = Read(arguments);
    EXPECT_EQ(invocation.settings.http.server.listen, "127.0.0.1:0");
    EXPECT_EQ(OriginOf("http.listen", invocation), "flag --http-listen");
  }
}

TEST(InvocationTest, AValueMayHoldAnEqualsSign) {
  EXPECT_EQ(Read({"--store-directory=a=b"}).settings.store.directory, "a=b");
  EXPECT_EQ(Read({}, {"ONHOOK_STORE_DIRECTORY=a=b"}).settings.store.directory, "a=b");
}

TEST(InvocationTest, AVariableGoesBeforeTheDefault) {
  const Invocation invocation = Read({}, {"PATH=/bin", "ONHOOK_LOG_LEVEL=debug"});
  EXPECT_EQ(invocation.settings.log.level, LogLevel::kDebug);
  EXPECT_EQ(OriginOf("log.level", invocation), "variable ONHOOK_LOG_LEVEL");
}

TEST(InvocationTest, AFlagGoesBeforeAVariable) {
  const Invocation invocation = Read({"--log-level=error"}, {"ONHOOK_LOG_LEVEL=debug"});
  EXPECT_EQ(invocation.settings.log.level, LogLevel::kError);
  EXPECT_EQ(OriginOf("log.level", invocation), "flag --log-level");
}

TEST(InvocationTest, EachActionHasItsFlag) {
  EXPECT_EQ(Read({"--check"}).action, Action::kCheck);
  EXPECT_EQ(Read({"--print-config"}).action, Action::kPrintConfig);
  EXPECT_EQ(Read({"--help"}).action, Action::kHelp);
  EXPECT_EQ(Read({"-h"}).action, Action::kHelp);
  EXPECT_EQ(Read({"--version"}).action, Action::kVersion);
}

TEST(InvocationTest, EachActionButRunningHasItsAnswer) {
  EXPECT_EQ(AnswerTo(Read({})), "");
  EXPECT_EQ(AnswerTo(Read({"--check"})), "the settings are right\n");
  EXPECT_EQ(AnswerTo(Read({"--help"})), HelpText());
  EXPECT_THAT(AnswerTo(Read({"--version"})), MatchesRegex("onhookd [0-9]+\\.[0-9]+\\.[0-9]+\n"));
  EXPECT_THAT(AnswerTo(Read({"--print-config"}, {"ONHOOK_LOG_LEVEL=debug"})),
              HasSubstr("# variable ONHOOK_LOG_LEVEL"));
}

TEST(InvocationTest, HelpIsGivenHoweverWrongTheRestIs) {
  EXPECT_EQ(Read({"--nonsense", "--help"}, {"ONHOOK_LOG_LEVEL=nonsense"}).action, Action::kHelp);
}

TEST(InvocationTest, AnUnknownFlagIsAnError) {
  EXPECT_EQ(Faults({"--http-lisen=127.0.0.1:1"}),
            R"("--http-lisen": no such flag; see onhookd --help)");
  EXPECT_EQ(Faults({"stray"}), R"("stray": no such flag; see onhookd --help)");
}

TEST(InvocationTest, AFlagWithoutItsValueIsAnError) {
  const std::string fault =
      "http.listen (flag --http-listen): its value is missing; expected HOST:PORT";
  EXPECT_EQ(Faults({"--http-listen"}), fault);
  EXPECT_EQ(Faults({"--http-listen", "--check"}), fault);
}

TEST(InvocationTest, AFlagGivenTwiceIsAnError) {
  EXPECT_EQ(Faults({"--log-level=info", "--log-level=debug"}),
            "log.level (flag --log-level): given twice");
}

TEST(InvocationTest, AWrongValueIsNamedWithItsOriginAndWhatIsExpected) {
  EXPECT_EQ(Faults({"--log-level=loud"}),
            "log.level (flag --log-level): must be debug, info, warning or error; not \"loud\"");
  EXPECT_EQ(Faults({}, {"ONHOOK_SHUTDOWN_DELAY=5"}),
            "shutdown.delay (variable ONHOOK_SHUTDOWN_DELAY): must be a whole number with its "
            "unit, ms, s, m, h or d, for instance 500ms; not \"5\"");
}

TEST(InvocationTest, AWrongVariableIsToldAlthoughAFlagHidesIt) {
  EXPECT_THAT(Faults({"--log-level=info"}, {"ONHOOK_LOG_LEVEL=loud"}),
              HasSubstr("log.level (variable ONHOOK_LOG_LEVEL)"));
}

TEST(InvocationTest, AllFaultsAreToldAtOnce) {
  const std::string faults = Faults({"--nonsense", "--http-listen=8080", "--grpc-listen=0.0.0.0:1"},
                                    {"ONHOOK_LOG_LEVEL=loud"});
  EXPECT_EQ(std::count(faults.begin(), faults.end(), '\n'), 3);
  for (const char* name :
       {"--nonsense", "http.listen (flag", "grpc.listen (flag", "log.level (var"}) {
    EXPECT_THAT(faults, HasSubstr(name));
  }
}

TEST(InvocationTest, AControlCharacterInAFaultIsEscaped) {
  EXPECT_THAT(Faults({"--log-level=a\nb"}), HasSubstr(R"(not "a\u000ab")"));
}

TEST(InvocationTest, AVariableOfOthersIsWarnedAboutAndIgnored) {
  const Invocation invocation =
      Read({}, {"ONHOOK_SERVICE_HOST=10.0.0.1", "ONHOOK_PORT=tcp://10.0.0.1:80", "ONHOOKED=yes"});
  EXPECT_THAT(invocation.warnings,
              ElementsAre("ignored, because no setting has that variable: ONHOOK_SERVICE_HOST, "
                          "ONHOOK_PORT"));
}

TEST(InvocationTest, TheVariableOfTheCommandLineIsNoneOfTheGatewaysBusiness) {
  EXPECT_THAT(Read({}, {"ONHOOK_SERVER=127.0.0.1:50051"}).warnings, IsEmpty());
}

TEST(InvocationTest, ListeningBeyondThisMachineNeedsToBeAskedFor) {
  EXPECT_THAT(Faults({"--http-listen=0.0.0.0:8080"}),
              HasSubstr("set http.allow_unauthenticated to true"));
  const Invocation invocation =
      Read({"--http-listen=0.0.0.0:8080", "--http-allow-unauthenticated=true"});
  EXPECT_EQ(invocation.settings.http.server.listen, "0.0.0.0:8080");
}

TEST(InvocationTest, WhatDoesNotFitOtherSettingsIsNamedWithItsOrigin) {
  EXPECT_THAT(Faults({}, {"ONHOOK_ACKNOWLEDGE_SUBSCRIPTIONS=crm"}),
              StartsWith("acknowledge.subscriptions (variable ONHOOK_ACKNOWLEDGE_SUBSCRIPTIONS): "
                         "crm is not declared"));
}

TEST(InvocationTest, AnEmptyNameOfTheFileIsAnError) {
  for (const Strings& arguments : {Strings{"--config="}, Strings{"--config", ""}}) {
    EXPECT_EQ(Faults(arguments), "--config: is empty; expected FILE");
  }
}

}  // namespace
}  // namespace onhook
