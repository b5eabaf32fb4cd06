#include "gateway/config/invocation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/config/reference_text.h"
#include "gateway/config/schema_text.h"
#include "gateway/config/settings_text.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;
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
  EXPECT_EQ(Read({"--print-reference"}).action, Action::kPrintReference);
  EXPECT_EQ(Read({"--print-schema"}).action, Action::kPrintSchema);
  EXPECT_EQ(Read({"--help"}).action, Action::kHelp);
  EXPECT_EQ(Read({"-h"}).action, Action::kHelp);
  EXPECT_EQ(Read({"--version"}).action, Action::kVersion);
}

TEST(InvocationTest, WhatIsDoneToAStoreTakesItsDirectoryAndNothingElse) {
  const std::pair<const char*, Action> actions[] = {{"--verify", Action::kVerify},
                                                    {"--accept-loss", Action::kAcceptLoss}};
  for (const auto& [flag, action] : actions) {
    for (const Strings& arguments :
         {Strings{flag, "store"}, Strings{absl::StrCat(flag, "=store")}}) {
      const Invocation invocation = Read(arguments, {"ONHOOK_LOG_LEVEL=nonsense"});
      EXPECT_EQ(invocation.action, action);
      EXPECT_EQ(invocation.operand, "store");
    }
    for (const Strings& arguments :
         {Strings{flag}, Strings{absl::StrCat(flag, "=")}, Strings{flag, "store", "--check"},
          Strings{"--log-level=debug", flag, "store"}}) {
      EXPECT_EQ(Faults(arguments),
                absl::StrCat(flag, ": takes a DIRECTORY and no other argument: onhookd ", flag,
                             " DIRECTORY"));
    }
  }
}

TEST(InvocationTest, EachActionButRunningHasItsAnswer) {
  EXPECT_EQ(AnswerTo(Read({})), "");
  EXPECT_EQ(AnswerTo(Read({"--check"})), "the settings are right\n");
  EXPECT_EQ(AnswerTo(Read({"--help"})), HelpText());
  EXPECT_EQ(AnswerTo(Read({"--print-reference"})), ReferenceText());
  EXPECT_EQ(AnswerTo(Read({"--print-schema"})), SchemaText());
  EXPECT_THAT(AnswerTo(Read({"--version"})), MatchesRegex("onhookd [0-9]+\\.[0-9]+\\.[0-9]+\n"));
  EXPECT_THAT(AnswerTo(Read({"--print-config"}, {"ONHOOK_LOG_LEVEL=debug"})),
              HasSubstr("# variable ONHOOK_LOG_LEVEL"));
}

TEST(InvocationTest, HelpIsGivenHoweverWrongTheRestIs) {
  EXPECT_EQ(Read({"--nonsense", "--help"}, {"ONHOOK_LOG_LEVEL=nonsense"}).action, Action::kHelp);
}

TEST(InvocationTest, AnUnknownFlagIsAnError) {
  EXPECT_EQ(Faults({"--http-lisen=127.0.0.1:1"}),
            R"("--http-lisen": no such flag; did you mean --http-listen? See onhookd --help)");
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

TEST(InvocationTest, VariablesOfTheClientsAreNoneOfTheGatewaysBusiness) {
  EXPECT_THAT(Read({}, {"ONHOOK_SERVER=127.0.0.1:50051", "ONHOOK_SERVER_NAME=gateway",
                        "ONHOOK_TLS=true", "ONHOOK_CA=ca.crt", "ONHOOK_CERT=crm.crt",
                        "ONHOOK_KEY=crm.key", "ONHOOK_TOKEN_FILE=crm.token"})
                  .warnings,
              IsEmpty());
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

// A file of settings, and what it comes to.
class FileInvocationTest : public ::testing::Test {
 protected:
  void Write(const std::string& text) { std::ofstream(path_) << text; }
  std::string FaultsOfFile(const Strings& more = {}, const OutsideChecks& outside = {}) {
    Strings arguments = {"--config", path_};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const absl::Status status = ReadInvocation(arguments, {}, outside).status();
    return std::string(status.message());
  }

  TemporaryDirectory directory_;
  const std::string path_ = directory_.path() + "/o.yaml";
};

using When = Settings::Acknowledge::When;

TEST_F(FileInvocationTest, SourcesOfTheFileTakeThePlaceOfTheDefault) {
  Write("sources: [{name: a, path: /a}, {name: b, path: /b}]");
  const Invocation invocation = Read({"--config", path_});
  ASSERT_EQ(invocation.settings.sources.size(), 2U);
  EXPECT_EQ(invocation.settings.sources[0].name, "a");
  EXPECT_EQ(invocation.settings.sources[1].path, "/b");
}

TEST_F(FileInvocationTest, ASourceTakesWhatItDoesNotSayOfAcknowledgeFromFlagsAndVariablesToo) {
  Write(R"(
acknowledge: {when: stored, timeout: 1s, subscriptions: [crm]}
subscriptions: [{name: crm}, {name: billing}]
sources:
  - {name: a, path: /a}
  - {name: b, path: /b, acknowledge: {timeout: 300ms, subscriptions: []}}
)");
  const Invocation invocation =
      Read({"--config", path_, "--acknowledge-when=processed"},
           {"ONHOOK_ACKNOWLEDGE_TIMEOUT=3s", "ONHOOK_ACKNOWLEDGE_SUBSCRIPTIONS=billing"});
  const Settings::Acknowledge& a = invocation.settings.sources[0].acknowledge;
  EXPECT_EQ(a.when, When::kProcessed);
  EXPECT_EQ(a.timeout, absl::Seconds(3));
  EXPECT_THAT(a.subscriptions, ElementsAre("billing"));
  const Settings::Acknowledge& b = invocation.settings.sources[1].acknowledge;
  EXPECT_EQ(b.when, When::kProcessed);
  EXPECT_EQ(b.timeout, absl::Milliseconds(300));
  EXPECT_THAT(b.subscriptions, IsEmpty());
}

TEST_F(FileInvocationTest, TheDefaultSourceHasTheAcknowledgeOfAll) {
  const Invocation invocation = Read({"--acknowledge-when=stored", "--acknowledge-timeout=2s"});
  ASSERT_EQ(invocation.settings.sources.size(), 1U);
  EXPECT_EQ(invocation.settings.sources[0].acknowledge.when, When::kStored);
  EXPECT_EQ(invocation.settings.sources[0].acknowledge.timeout, absl::Seconds(2));
}

TEST_F(FileInvocationTest, WhatOfASourceDoesNotFitIsToldWithItsPlace) {
  Write(R"(
http: {listen: "0.0.0.0:80"}
sources:
  - {name: a, path: /a, path_token_file: t, acknowledge: {subscriptions: [crm]}}
  - {name: b, path: /b, path_token_file: t, acknowledge: {timeout: 0s}}
  - {name: c, path: /c}
)");
  EXPECT_EQ(FaultsOfFile().substr(0, FaultsOfFile().find(" can be")),
            "http.listen (file " + path_ + ":2:16): 0.0.0.0:80");
  EXPECT_THAT(FaultsOfFile(), HasSubstr("the source \"c\" has no authentication"));
  EXPECT_THAT(FaultsOfFile(), HasSubstr("\nsources[0].acknowledge.subscriptions (file " + path_ +
                                        ":4:74): crm is not declared"));
  EXPECT_THAT(FaultsOfFile(), HasSubstr("\nsources[1].acknowledge.timeout (file " + path_ +
                                        ":5:68): must be more"));
}

TEST_F(FileInvocationTest, WhatIsWrongInTheFileIsNotSaidToBeMissing) {
  Write("subscriptions: [{name: crm, ack_deadline: 5}]\nacknowledge: {subscriptions: [crm]}");
  EXPECT_THAT(FaultsOfFile(), StartsWith(path_ + ":1:43: subscriptions[0].ack_deadline"));
  EXPECT_THAT(FaultsOfFile(), Not(HasSubstr("is not declared")));
}

// Finds that the setting of each name is wrong.
OutsideCheck Finding(const Strings& names) {
  return [names](const Settings& /*settings*/) {
    OutsideFindings found;
    for (const std::string& name : names) found.faults.push_back({name, "is not there"});
    return found;
  };
}

TEST_F(FileInvocationTest, WhatLiesOutsideIsAskedForAndToldWithThePlace) {
  Write("sources: [{name: a, path: /a, path_token_file: t}]");
  const OutsideChecks outside = {Finding(
      {"sources[0].path_token_file", "sources[0].authentication.bearer.token_files", "log.level"})};
  const std::string file = "(file " + path_;
  for (const Strings& to_check_or_to_run : {Strings{"--check"}, Strings{}}) {
    EXPECT_EQ(FaultsOfFile(to_check_or_to_run, outside),
              "sources[0].path_token_file " + file + ":1:48): is not there\n" +
                  "sources[0].authentication.bearer.token_files " + file +
                  ":1:11): is not there\n" + "log.level (default): is not there");
  }
  EXPECT_EQ(FaultsOfFile({"--print-config"}, outside), "");
}

TEST_F(FileInvocationTest, WhatAGatewayThatRunsHoldsIsLookedAtOnlyToStart) {
  Write("");
  const OutsideChecks outside = {nullptr, Finding({"http.listen"})};
  EXPECT_EQ(FaultsOfFile({"--check"}, outside), "");
  EXPECT_EQ(FaultsOfFile({}, outside), "http.listen (default): is not there");
}

TEST_F(FileInvocationTest, WhatLiesOutsideIsToldBesideWhatIsWrongItself) {
  Write("http: {max_headers: 5}");
  const OutsideChecks outside = {Finding({"store.directory"})};
  EXPECT_EQ(FaultsOfFile({"--shutdown-delay=5"}, outside),
            path_ +
                ":1:21: http.max_headers: must be 10 to 1000; not \"5\"\n"
                "shutdown.delay (flag --shutdown-delay): must be a whole number with its unit, "
                "ms, s, m, h or d, for instance 500ms; not \"5\"\n"
                "store.directory (default): is not there");
}

TEST_F(FileInvocationTest, OfWhatIsWrongItselfNothingOutsideIsTold) {
  Write("store: {directory: [a]}\nsources: [{name: a, path: /a}, {name: b}]");
  const OutsideCheck outside = [](const Settings& settings) {
    EXPECT_THAT(settings.sources, IsEmpty()) << "the index of one would be another's";
    return Finding({"store.directory", "http.listen"})(settings);
  };
  const std::string faults = FaultsOfFile({"--http-listen=x"}, {outside});
  EXPECT_THAT(faults, HasSubstr("store.directory"));
  EXPECT_THAT(faults, HasSubstr("sources[1].path"));
  EXPECT_THAT(faults, HasSubstr("http.listen (flag --http-listen)"));
  EXPECT_THAT(faults, Not(HasSubstr("is not there")));
}

TEST_F(FileInvocationTest, OfAFileThatCannotBeReadNothingElseIsTold) {
  Write("http: {");
  EXPECT_THAT(FaultsOfFile({}, {Finding({"log.level"})}), Not(HasSubstr("is not there")));
}

TEST_F(FileInvocationTest, WhatMayNotBeMeantIsAWarningWithItsPlace) {
  Write("log: {level: info}");
  const OutsideChecks outside = {[](const Settings& /*settings*/) {
    return OutsideFindings{{}, {{"log.level", "is quiet"}}};
  }};
  const absl::StatusOr<Invocation> invocation =
      ReadInvocation({"--check", "--config", path_}, {}, outside);
  ASSERT_TRUE(invocation.ok()) << invocation.status();
  EXPECT_EQ(AnswerTo(*invocation),
            "warning: log.level (file " + path_ + ":1:14): is quiet\nthe settings are right\n");
}

TEST_F(FileInvocationTest, AVariableThatOverrulesTheFileIsAWarning) {
  Write("store: {directory: /events}\nlog: {level: info}");
  const Strings file = {"--config", path_};
  EXPECT_THAT(Read(file, {"ONHOOK_STORE_DIRECTORY=/elsewhere"}).warnings,
              ElementsAre("store.directory (file " + path_ +
                          ":1:20): has no effect, because variable ONHOOK_STORE_DIRECTORY goes "
                          "before the file"));
  EXPECT_THAT(Read(file, {"ONHOOK_STORE_DIRECTORY=/events"}).warnings, IsEmpty());
  EXPECT_THAT(Read(file, {"ONHOOK_HTTP_LISTEN=127.0.0.1:1"}).warnings, IsEmpty());
}

TEST_F(FileInvocationTest, AFaultThatIsFoundLaterHasTheSameLine) {
  Write("store: {directory: d}");
  const Invocation invocation = Read({"--config", path_, "--http-listen=127.0.0.1:1"});
  EXPECT_EQ(FaultLine("http.listen: the port is taken: by whom", invocation),
            "http.listen (flag --http-listen): the port is taken: by whom");
  EXPECT_EQ(FaultLine("store.directory: is in use", invocation),
            "store.directory (file " + path_ + ":1:20): is in use");
}

}  // namespace
}  // namespace onhook
