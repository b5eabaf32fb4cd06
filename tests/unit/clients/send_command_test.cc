// `onhook send` against a port that answers what a test says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "clients/cli/command.h"
#include "clients/cli/program.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/clients/fake_callback_port.h"

namespace onhook::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kKey[] = "0123456789abcdef";

class SendCommandTest : public ::testing::Test {
 protected:
  int Run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"send", "--url", port_.url()});
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = RunProgram(arguments);
    output_ = testing::internal::GetCapturedStdout();
    said_ = testing::internal::GetCapturedStderr();
    return code;
  }
  // A file of its own with this content; its path.
  std::string File(const std::string& name, const std::string& content) {
    const std::string path = absl::StrCat(directory_.path(), "/", name);
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

  TemporaryDirectory directory_;
  client::FakeCallbackPort port_;
  std::string output_;
  std::string said_;
};

TEST_F(SendCommandTest, AnAnswerIsTheProfileTheStatusAndWhatTheVendorReads) {
  EXPECT_EQ(Run({}), kExitOk);
  EXPECT_EQ(output_, "json: HTTP 200, retCode 0, retMsg success\n");
  const httplib::Request request = port_.requests.Take();
  EXPECT_EQ(request.path, "/release-events");
  EXPECT_FALSE(request.has_header("Authorization"));
  EXPECT_THAT(request.body, Not(HasSubstr("signature")));
}

TEST_F(SendCommandTest, AnAnswerOfSomebodyElseIsPrintedEscaped) {
  port_.answers = {{502, "bad\x1b[2J gateway"}};
  EXPECT_EQ(Run({"--sample", "json"}), kExitNegative);
  EXPECT_EQ(output_, "sample json: HTTP 502, no retCode: bad\\x1B[2J gateway\n");
}

TEST_F(SendCommandTest, AsJsonAnAnswerIsOneObject) {
  port_.answers = {{503, R"({"retCode":"2","retMsg":"why"})"}};
  EXPECT_EQ(Run({"--json"}), kExitNegative);
  EXPECT_EQ(output_, R"({"profile":"json","httpStatus":503,"retCode":"2","retMsg":"why",)"
                     R"("body":"{\"retCode\":\"2\",\"retMsg\":\"why\"}","acknowledged":false})"
                     "\n");
}

TEST_F(SendCommandTest, TheExpectedAnswerMayBeAnother) {
  port_.answers = {{403, R"({"retCode":"1","retMsg":"why"})"}};
  EXPECT_EQ(Run({"--expect", "403"}), kExitOk);
  EXPECT_EQ(Run({"--expect", "1"}), kExitOk);
  EXPECT_EQ(Run({"--expect", "401"}), kExitNegative);
  EXPECT_EQ(Run({"--expect", "2"}), kExitNegative);
  EXPECT_EQ(Run({"--expect", "0"}), kExitNegative);
}

TEST_F(SendCommandTest, OfTwoCallbacksTheFirstMustSucceedAndTheSecondBeAsExpected) {
  const std::string key = File("key", kKey);
  port_.answers = {{}, {403, R"({"retCode":"1","retMsg":"no"})"}};
  EXPECT_EQ(Run({"--profile", "replayed", "--key-file", key, "--expect", "403"}), kExitOk);
  EXPECT_EQ(output_,
            "replayed: HTTP 200, retCode 0, retMsg success\n"
            "replayed: HTTP 403, retCode 1, retMsg no\n");
  EXPECT_EQ(Run({"--profile", "replayed", "--key-file", key, "--expect", "403"}), kExitNegative)
      << "the first was refused too";
}

TEST_F(SendCommandTest, AKeySignsWithOrWithoutALineEndBehindIt) {
  for (const char* content : {"0123456789abcdef", "0123456789abcdef\n", "0123456789abcdef\r\n"}) {
    EXPECT_EQ(Run({"--key-file", File("key", content), "--field", "callSerialNo=1", "--field",
                   "nonce=1", "--field", "timestamp=1", "--field", "createCallTime=", "--field",
                   "alertingTime=", "--field", "talkingTime=", "--field", "releaseTime="}),
              kExitOk);
    EXPECT_THAT(port_.requests.Take().body,
                HasSubstr(R"("signature":"gyJofPvJAAdaYWTWGaZYflaFGxOA4ImjjEhVudaAs64=")"))
        << "computed by another program";
  }
}

TEST_F(SendCommandTest, CredentialsAreSentAsTheSourceExpectsThem) {
  EXPECT_EQ(Run({"--token-file", File("token", "s3cret-token-0123\n")}), kExitOk);
  EXPECT_EQ(port_.requests.Take().get_header_value("Authorization"), "Bearer s3cret-token-0123");
  EXPECT_EQ(Run({"--user", "us", "--password-file", File("word", "open:sesame\n")}), kExitOk);
  EXPECT_EQ(port_.requests.Take().get_header_value("Authorization"), "Basic dXM6b3BlbjpzZXNhbWU=");
  EXPECT_EQ(Run({"--path", "/release-events/sales", "--path-token-file", File("last", "p4th\n")}),
            kExitOk);
  EXPECT_EQ(port_.requests.Take().path, "/release-events/sales/p4th");
}

TEST_F(SendCommandTest, NoSecretIsPrinted) {
  port_.answers = {{401, R"({"retCode":"1","retMsg":"not let in"})"}};
  Run({"--token-file", File("token", "s3cret-token"), "--path-token-file", File("last", "s3cret"),
       "--key-file", File("key", "s3cret-key-s3cret")});
  EXPECT_THAT(output_ + said_, Not(HasSubstr("s3cret")));
  EXPECT_EQ(Run({"--token-file", File("bad", "s3cret with\nlines")}), kExitUsage);
  EXPECT_THAT(output_ + said_, Not(HasSubstr("s3cret")));
  EXPECT_THAT(said_, HasSubstr("holds no token"));
}

TEST_F(SendCommandTest, WhatDoesNotGoTogetherIsWrongUsage) {
  EXPECT_EQ(Run({}), kExitOk);
  const std::string key = File("key", kKey);
  const std::vector<std::vector<std::string>> kWrong = {
      {"--profile", "signed"},                                        // no key
      {"--profile", "nonsense"},                                      // no such profile
      {"--profile", "json", "--sample", "json"},                      // two bodies
      {"--sample", "json", "--key-file", key},                        // a sample is as it is
      {"--profile", "duplicate", "--count", "2"},                     // two posts, many times
      {"--expect", "200", "--count", "2"},                            // many answers
      {"--expect", "2000"},                                           // no status
      {"--expect", "ok"},                                             // neither
      {"--user", "us"},                                               // no password
      {"--password-file", key},                                       // no user
      {"--user", "us", "--password-file", key, "--token-file", key},  // two headers
      {"--path", "release-events"},                                   // no path
      {"--key-file", "/nonexistent"},                                 // no file
      {"--key-file", File("empty", "\n")},                            // no key
      {"--key-file", File("large", std::string(4097, 'k'))},          // no key either
  };
  for (const auto& arguments : kWrong) {
    EXPECT_EQ(Run(arguments), kExitUsage) << testing::PrintToString(arguments);
  }
}

TEST_F(SendCommandTest, ManySignedOnesEachHaveTheirOwnNonce) {
  EXPECT_EQ(Run({"--count", "3", "--key-file", File("key", kKey)}), kExitOk);
  EXPECT_THAT(output_, HasSubstr("3 acknowledged, 0 not"));
  std::set<std::string> bodies;
  for (int i = 0; i < 3; ++i) {
    const std::string body = port_.requests.Take().body;
    bodies.insert(body.substr(body.find("\"nonce\""), 20));
  }
  EXPECT_EQ(bodies.size(), 3u);
}

TEST_F(SendCommandTest, TheHelpExplainsEveryProfile) {
  EXPECT_EQ(Run({"--help"}), kExitOk);
  EXPECT_THAT(output_, HasSubstr("\n  forged         A field is altered after signing. 401"));
  EXPECT_EQ(Run({}), kExitOk);
}

}  // namespace
}  // namespace onhook::cli
