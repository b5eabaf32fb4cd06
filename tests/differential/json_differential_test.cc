// Our reading of JSON against two others', on bodies that are generated and mutated.
//
// ONHOOK_DIFFERENTIAL_CASES says how many; ONHOOK_TEST_SEED replays a run.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/differential/expected_reading.h"
#include "tests/differential/json_bodies.h"
#include "tests/differential/json_reading.h"

namespace onhook {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* given = std::getenv(name);
  return given != nullptr ? std::strtoull(given, nullptr, 10) : otherwise;
}

std::vector<std::string> GoldenBodies() {
  std::vector<std::string> bodies;
  for (const fs::directory_entry& entry : fs::directory_iterator(ONHOOK_GOLDEN_DIRECTORY)) {
    std::ifstream file(entry.path() / "request.json", std::ios::binary);
    if (file.good())
      bodies.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  std::sort(bodies.begin(), bodies.end());
  return bodies;
}

// How ours differs from what is expected; empty if it does not.
std::string DisagreementOn(absl::string_view body) {
  const JsonReading expected = ExpectedReading(body);
  if (absl::StartsWith(expected.error, "undecided")) return expected.error;
  return Difference(expected, ReadByUs(body));
}

TEST(JsonDifferentialTest, WeReadJsonAsTwoOthersDo) {
  const uint64_t seed = FromEnvironment("ONHOOK_TEST_SEED", std::random_device()());
  const uint64_t cases = FromEnvironment("ONHOOK_DIFFERENTIAL_CASES", 20'000);
  SCOPED_TRACE(absl::StrCat("ONHOOK_TEST_SEED=", seed, " ONHOOK_DIFFERENTIAL_CASES=", cases));
  RecordProperty("seed", absl::StrCat(seed));
  JsonBodies bodies(seed, GoldenBodies());
  uint64_t accepted = 0;
  int disagreements = 0;
  for (uint64_t i = 0; i < cases && disagreements < 5; ++i) {
    const std::string body = bodies.Next();
    const std::string disagreement = DisagreementOn(body);
    if (!disagreement.empty()) {
      ADD_FAILURE() << "body " << i << ": " << disagreement << "\n\"" << absl::CHexEscape(body)
                    << '"';
      ++disagreements;
    }
    if (ReadByUs(body).accepted) ++accepted;
  }
  RecordProperty("accepted", absl::StrCat(accepted));
  // Else the comparison would be of one answer only.
  EXPECT_GT(accepted, cases / 5);
  EXPECT_GT(cases - accepted, cases / 5);
}

TEST(JsonDifferentialTest, WeReadTheGoldenBodiesAsTwoOthersDo) {
  for (const std::string& body : GoldenBodies()) EXPECT_THAT(DisagreementOn(body), IsEmpty());
}

// The judge is one only if it sees each kind of difference.
TEST(JsonDifferentialTest, EveryKindOfDifferenceIsSeen) {
  constexpr char kBody[] = R"({"a":"1","b":null,"c":1.50,"d":{"x": 1}})";
  const JsonReading expected = ExpectedReading(kBody);
  ASSERT_TRUE(expected.accepted) << expected.error;
  ASSERT_THAT(Difference(expected, ReadByUs(kBody)), IsEmpty());
  const struct {
    const char* body;
    const char* difference;
  } kRows[] = {
      {R"({"a":"2","b":null,"c":1.50,"d":{"x": 1}})", "a=1 and a=2"},
      {R"({"a":"1","b":"null","c":1.50,"d":{"x": 1}})", "b=(null) and b=null"},
      {R"({"a":"1","b":null,"c":1.5,"d":{"x": 1}})", "c=1.50 and c=1.5"},
      {R"({"a":"1","b":null,"c":1.50,"d":{"x":1}})", "member 3"},
      {R"({"b":null,"a":"1","c":1.50,"d":{"x": 1}})", "member 0"},
      {R"({"a":"1","b":null,"c":1.50})", "4 members and 3"},
      {R"({"a":"1","b":null,"c":1.50,"d":{"x": 1})", "only the first accepts"},
  };
  for (const auto& row : kRows) {
    EXPECT_THAT(Difference(expected, ReadByUs(row.body)), HasSubstr(row.difference)) << row.body;
  }
  EXPECT_THAT(Difference(ReadByUs("{"), expected), StartsWith("only the second accepts"));
}

// Rules of ours, each on both sides of its border: that we keep them is for other tests to show.
TEST(JsonDifferentialTest, OurOwnRulesAreExpectedOfUs) {
  const auto members = [](size_t count) {
    std::string body = "{";
    for (size_t i = 0; i < count; ++i) absl::StrAppend(&body, i > 0 ? "," : "", "\"n", i, "\":1");
    return body + "}";
  };
  const auto nested = [](size_t depth) {
    return absl::StrCat("{\"x\":", std::string(depth - 1, '['), std::string(depth - 1, ']'), "}");
  };
  const struct {
    std::string body;
    bool accepted;
  } kRows[] = {
      {members(256), true},
      {members(257), false},
      {nested(16), true},
      {nested(17), false},
      {R"({"a":1,"b":1})", true},
      {R"({"a":1,"\u0061":1})", false},
      {R"({"x":{"a":1,"a":1}})", true},
      {"[]", false},
      {"\xEF\xBB\xBF{}", true},
      {"\xEF\xBB\xBF\xEF\xBB\xBF{}", false},
      {R"({"a":"\ud800\udc00"})", true},
      {R"({"a":"\ud800"})", false},
      {R"({"a":1e999999})", true},
      {R"({"a":1e})", false},
  };
  for (const auto& row : kRows) {
    const JsonReading expected = ExpectedReading(row.body);
    EXPECT_EQ(expected.accepted, row.accepted) << row.body << " " << expected.error;
    EXPECT_THAT(Difference(expected, ReadByUs(row.body)), IsEmpty()) << row.body;
  }
}

TEST(JsonDifferentialTest, ALibraryThatDepartsFromTheStandardStillDoes) {
  for (const Departure& departure : Departures()) {
    SCOPED_TRACE(departure.what);
    const absl::string_view text = departure.example;
    EXPECT_TRUE(departure.applies(text));
    EXPECT_FALSE(ReadByUs(text).accepted);
    EXPECT_TRUE(ReadByNlohmann(text).accepted || ReadByRapidJson(text).accepted);
  }
}

}  // namespace
}  // namespace onhook
