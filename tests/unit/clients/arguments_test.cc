#include "clients/cli/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace onhook::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ArgumentsTest : public ::testing::Test {
 protected:
  ArgumentsTest() {
    arguments_.Positional("NAME", "Whose.", &name_);
    arguments_.Switch("--loud", "Makes noise.", &loud_);
    arguments_.Text("--server", "HOST:PORT", "Where.", &server_);
    arguments_.Choice("--form", {"round", "square"}, "Shape.", &form_);
    arguments_.Number("--count", "N", 1, 10, "How many.", &count_);
    arguments_.List("--field", "K=V", "More.", &fields_);
    arguments_.Duration("--wait", "How long.", &wait_);
    arguments_.Value("--even", "N", "No odd one.", [this](const std::string& value) {
      even_ = value;
      return value == "2" ? absl::OkStatus() : absl::InvalidArgumentError("must be 2");
    });
  }

  Arguments arguments_;
  std::string name_;
  bool loud_ = false;
  std::string server_ = "here:1";
  std::string form_;
  int64_t count_ = 3;
  std::vector<std::string> fields_;
  std::optional<absl::Duration> wait_;
  std::string even_;
};

TEST_F(ArgumentsTest, AbsentFlagsKeepTheirDefaults) {
  ASSERT_TRUE(arguments_.Parse({"crm"}).ok());
  EXPECT_EQ(name_, "crm");
  EXPECT_FALSE(loud_);
  EXPECT_EQ(server_, "here:1");
  EXPECT_EQ(count_, 3);
}

TEST_F(ArgumentsTest, AValueFollowsItsFlagOrAnEqualsSign) {
  ASSERT_TRUE(arguments_.Parse({"--server", "a:1", "crm", "--count=10", "--loud"}).ok());
  EXPECT_EQ(server_, "a:1");
  EXPECT_EQ(count_, 10);
  EXPECT_TRUE(loud_);
}

TEST_F(ArgumentsTest, AListGathersAndItsValuesMayHoldEqualsSigns) {
  ASSERT_TRUE(arguments_.Parse({"crm", "--field", "a=b=c", "--field=d="}).ok());
  EXPECT_THAT(fields_, ElementsAre("a=b=c", "d="));
}

TEST_F(ArgumentsTest, ADurationIsANumberWithItsUnitAsInTheSettings) {
  ASSERT_TRUE(arguments_.Parse({"crm"}).ok());
  EXPECT_EQ(wait_, std::nullopt);
  ASSERT_TRUE(arguments_.Parse({"crm", "--wait", "7d", "--even", "2"}).ok());
  EXPECT_EQ(wait_, absl::Hours(168));
  EXPECT_EQ(even_, "2");
}

TEST_F(ArgumentsTest, AListOfPositionalArgumentsTakesAllThatAreLeft) {
  std::vector<std::string> ids;
  arguments_.PositionalList("ID", "Which.", &ids);
  ASSERT_TRUE(arguments_.Parse({"crm"}).ok());
  EXPECT_TRUE(ids.empty());
  ASSERT_TRUE(arguments_.Parse({"crm", "d1", "--loud", "d2"}).ok());
  EXPECT_EQ(name_, "crm");
  EXPECT_THAT(ids, ElementsAre("d1", "d2"));
  EXPECT_EQ(arguments_.Synopsis(), "NAME [ID ...] [flags]");
}

TEST_F(ArgumentsTest, WhatFollowsTwoDashesIsNoFlag) {
  ASSERT_TRUE(arguments_.Parse({"--", "--loud"}).ok());
  EXPECT_EQ(name_, "--loud");
  EXPECT_FALSE(loud_);
}

TEST_F(ArgumentsTest, WrongUsageIsRefusedInWords) {
  const struct {
    std::vector<std::string> arguments;
    const char* message;
  } kCases[] = {
      {{}, "NAME is missing"},
      {{"crm", "erp"}, "unexpected argument 'erp'"},
      {{"crm", "--laud"}, "unknown flag '--laud'"},
      {{"crm", "--laud=1"}, "unknown flag '--laud'"},
      {{"crm", "-x"}, "unknown flag '-x'"},
      {{"crm", "--loud=yes"}, "--loud takes no value"},
      {{"crm", "--server"}, "--server needs a value"},
      {{"crm", "--count", "0"}, "--count must be a whole number from 1 to 10"},
      {{"crm", "--count", "11"}, "--count must be a whole number from 1 to 10"},
      {{"crm", "--count", "2.5"}, "--count must be a whole number from 1 to 10"},
      {{"crm", "--count="}, "--count must be a whole number from 1 to 10"},
      {{"crm", "--form", "oval"}, "--form must be round|square"},
      {{"crm", "--wait", "30"},
       "--wait must be a whole number with its unit, ms, s, m, h or d, for instance 500ms"},
      {{"crm", "--even", "3"}, "--even must be 2"},
  };
  for (const auto& c : kCases) {
    const absl::Status status = arguments_.Parse(c.arguments);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message(), c.message);
  }
}

TEST_F(ArgumentsTest, TheHelpNamesEveryArgumentWithItsDefault) {
  EXPECT_EQ(arguments_.Synopsis(), "NAME [flags]");
  EXPECT_THAT(arguments_.Help(), HasSubstr("  --count N\n      How many. Default: 3.\n"));
  EXPECT_THAT(arguments_.Help(), HasSubstr("  --form round|square\n      Shape.\n"));
  EXPECT_THAT(arguments_.Help(), HasSubstr("  NAME\n      Whose.\n"));
}

}  // namespace
}  // namespace onhook::cli
