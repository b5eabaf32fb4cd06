#include "gateway/ingress/signature.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/types/optional.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"

namespace onhook {
namespace {

constexpr absl::string_view kKey = "0123456789abcdef";

struct Word {
  std::string name;
  absl::optional<std::string> value;
};
using Words = std::vector<Word>;

// A name twice is no callback at all: then there are no fields.
VendorFields FieldsOf(const Words& words) {
  VendorFields fields;
  for (const Word& word : words) {
    VendorFields::Value value;
    if (word.value.has_value()) value = *word.value;
    if (!fields.Add(word.name, value)) return {};
  }
  return fields;
}

// One callback of tests/golden/signatures.json, and what is known about it.
struct Vector {
  std::string name;
  std::string key;
  std::string canonical;
  std::string signature;
  Words body;
};

std::vector<Vector> ReadVectors() {
  std::ifstream file(std::string(ONHOOK_GOLDEN_DIRECTORY) + "/signatures.json");
  const std::string json{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  google::protobuf::ListValue list;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(json, &list).ok());
  std::vector<Vector> vectors;
  for (const google::protobuf::Value& each : list.values()) {
    const auto& of = each.struct_value().fields();
    Vector vector{of.at("name").string_value(), of.at("key").string_value(),
                  of.at("canonical").string_value(), of.at("signature").string_value(), Words()};
    for (const auto& [name, value] : of.at("body").struct_value().fields()) {
      vector.body.push_back({name, absl::nullopt});
      if (!value.has_null_value()) vector.body.back().value = value.string_value();
    }
    // Protobuf's map has an order of its own in each run.
    std::sort(vector.body.begin(), vector.body.end(),
              [](const Word& a, const Word& b) { return a.name < b.name; });
    vectors.push_back(std::move(vector));
  }
  return vectors;
}

const std::vector<Vector>& Vectors() {
  static const auto* const vectors = new std::vector<Vector>(ReadVectors());
  return *vectors;
}

const Words& Sample() { return Vectors().at(0).body; }

absl::optional<std::string>& ValueIn(Words& words, absl::string_view name) {
  for (Word& word : words) {
    if (word.name == name) return word.value;
  }
  words.push_back({std::string(name), absl::nullopt});
  return words.back().value;
}

Words With(Words words, absl::string_view name, absl::optional<std::string> value) {
  ValueIn(words, name) = std::move(value);
  return words;
}

Words Without(Words words, absl::string_view name) {
  words.erase(std::remove_if(words.begin(), words.end(),
                             [name](const Word& word) { return word.name == name; }),
              words.end());
  return words;
}

Words Signed(const Words& words, AbsentFields absent = AbsentFields::kLeftOut) {
  return With(words, "signature", Sign(kKey, FieldsOf(words), absent));
}

std::string SignatureIn(Words words) { return ValueIn(words, "signature").value(); }

bool Verify(const Words& words, absl::string_view key = kKey) {
  return VerifySignature({key}, FieldsOf(words));
}

std::string CanonicalOf(const Words& words) {
  return CanonicalText(FieldsOf(words), AbsentFields::kLeftOut);
}

TEST(SignatureTest, EachVectorHasItsCanonicalTextAndItsSignature) {
  ASSERT_GE(Vectors().size(), 7u);
  for (const Vector& vector : Vectors()) {
    const VendorFields fields = FieldsOf(vector.body);
    EXPECT_EQ(CanonicalText(fields, AbsentFields::kLeftOut), vector.canonical) << vector.name;
    EXPECT_EQ(Sign(vector.key, fields, AbsentFields::kLeftOut), vector.signature) << vector.name;
    EXPECT_TRUE(Verify(vector.body, vector.key)) << vector.name;
  }
}

TEST(SignatureTest, TheOrderThatFieldsWereSentInDoesNotMatter) {
  std::mt19937 random(20220222);
  for (Vector vector : Vectors()) {
    for (int round = 0; round < 20; ++round) {
      std::shuffle(vector.body.begin(), vector.body.end(), random);
      EXPECT_EQ(CanonicalOf(vector.body), vector.canonical) << vector.name;
      EXPECT_TRUE(Verify(vector.body, vector.key)) << vector.name;
    }
  }
}

TEST(SignatureTest, OnlyTheKeyThatSignedVerifiesWhereverItStands) {
  const VendorFields fields = FieldsOf(Sample());
  const absl::string_view other = "0123456789abcdeg";
  EXPECT_TRUE(VerifySignature({kKey, other}, fields));
  EXPECT_TRUE(VerifySignature({other, kKey}, fields));
  EXPECT_FALSE(VerifySignature({other}, fields));
  EXPECT_FALSE(VerifySignature({other, "fedcba9876543210"}, fields));
  EXPECT_FALSE(VerifySignature({absl::StrCat(kKey, "0"), kKey.substr(1)}, fields));
  EXPECT_FALSE(VerifySignature({}, fields));
}

// OpenSSL takes no key for the key it had before: then this would verify.
TEST(SignatureTest, AnEmptyKeyIsAKeyOfItsOwn) {
  EXPECT_FALSE(VerifySignature({kKey, ""}, FieldsOf(With(Sample(), "caller", "1"))));
  EXPECT_NE(Sign("", FieldsOf(Sample()), AbsentFields::kLeftOut), SignatureIn(Sample()));
  const Words words =
      With(Sample(), "signature", Sign("", FieldsOf(Sample()), AbsentFields::kLeftOut));
  EXPECT_TRUE(Verify(words, ""));
  EXPECT_FALSE(VerifySignature({kKey}, FieldsOf(words)));
}

// The positive control of them all: whoever compares wrongly lets one of these in.
TEST(SignatureTest, NoByteOfASignedCallbackCanBeChanged) {
  for (const Vector& vector : Vectors()) {
    for (size_t i = 0; i < vector.body.size(); ++i) {
      if (!vector.body[i].value.has_value()) continue;
      // The text outside the canonical one is tried with every byte there is.
      const bool is_short = vector.body[i].name == "nonce" || vector.body[i].name == "timestamp" ||
                            vector.body[i].name == "signature";
      for (size_t at = 0; at < vector.body[i].value->size(); ++at) {
        for (int mask = 1; mask < 256; is_short ? ++mask : mask *= 2) {
          Words words = vector.body;
          (*words[i].value)[at] = static_cast<char>((*words[i].value)[at] ^ mask);
          ASSERT_FALSE(Verify(words, vector.key))
              << vector.name << ": " << words[i].name << " byte " << at << " mask " << mask;
        }
      }
    }
  }
}

TEST(SignatureTest, NoByteOfANameCanBeChanged) {
  for (const Vector& vector : Vectors()) {
    for (size_t i = 0; i < vector.body.size(); ++i) {
      for (size_t at = 0; at < vector.body[i].name.size(); ++at) {
        for (int mask = 1; mask < 256; mask *= 2) {
          Words words = vector.body;
          words[i].name[at] = static_cast<char>(words[i].name[at] ^ mask);
          ASSERT_FALSE(Verify(words, vector.key))
              << vector.name << ": " << vector.body[i].name << " byte " << at << " mask " << mask;
        }
      }
    }
  }
}

// One random step away from what was signed. Never only spaces, which the signature leaves open.
void MutateOnce(std::mt19937& random, Words& words) {
  const auto below = [&random](size_t end) { return random() % end; };
  Word& word = words[below(words.size())];
  std::string text = word.value.value_or("");
  const auto byte = static_cast<char>('!' + below(0x7F - '!'));
  switch (below(5)) {
    case 0:
      text.insert(below(text.size() + 1), 1, byte);
      word.value = text;
      break;
    case 1:
      if (!text.empty()) text.erase(below(text.size()), 1 + below(text.size()));
      word.value = text;
      break;
    case 2:
      std::swap(word.value, words[below(words.size())].value);
      break;
    case 3:
      words.erase(words.begin() + static_cast<Words::difference_type>(below(words.size())));
      break;
    default:
      words.push_back({absl::StrCat("extra", below(1000)), text});
  }
}

// All that a signed callback says, put together in another way than the product does it.
std::string MessageOf(const Words& words) {
  std::vector<std::string> parts;
  Words sorted = words;
  std::sort(sorted.begin(), sorted.end(),
            [](const Word& a, const Word& b) { return a.name < b.name; });
  std::string fresh;
  for (const Word& word : sorted) {
    const std::string value = word.value.value_or("null");
    if (word.name == "nonce" || word.name == "timestamp" || word.name == "signature") {
      absl::StrAppend(&fresh, word.name, "=", word.value.value_or(""), "\n");
    } else {
      parts.push_back(absl::StrReplaceAll(absl::StrCat(word.name, "=", value), {{" ", ""}}));
    }
  }
  return absl::StrCat(fresh, absl::StrJoin(parts, ","));
}

// ONHOOK_TEST_SEED replays a run.
uint32_t Seed() {
  const char* given = std::getenv("ONHOOK_TEST_SEED");
  return given != nullptr ? static_cast<uint32_t>(std::strtoul(given, nullptr, 10))
                          : std::random_device()();
}

TEST(SignatureTest, RandomChangesAreRefusedUnlessTheySignAlike) {
  const uint32_t seed = Seed();
  SCOPED_TRACE(absl::StrCat("ONHOOK_TEST_SEED=", seed));
  RecordProperty("seed", absl::StrCat(seed));
  std::mt19937 random(seed);
  int refused = 0;
  for (int round = 0; round < 5000; ++round) {
    const Vector& vector = Vectors()[random() % Vectors().size()];
    Words words = vector.body;
    for (auto steps = 1 + random() % 3; steps > 0; --steps) MutateOnce(random, words);
    if (MessageOf(words) == MessageOf(vector.body)) continue;
    // Documented fields that were dropped as null are what the fallback is for.
    if (CanonicalText(FieldsOf(words), AbsentFields::kSignedAsNull) == vector.canonical) continue;
    ++refused;
    ASSERT_FALSE(Verify(words, vector.key)) << vector.name << ": " << MessageOf(words);
  }
  EXPECT_GT(refused, 4000);
}

TEST(SignatureTest, WhatIsNoSignatureIsRefused) {
  const std::string good = SignatureIn(Signed(Sample()));
  struct {
    absl::optional<std::string> signature;
    const char* why;
  } const rows[] = {
      {absl::nullopt, "null"},
      {"", "empty"},
      {good.substr(0, 43), "without its padding"},
      {good.substr(0, 42) + "==", "one byte short"},
      {good + "=", "padded once too often"},
      {good + "\n", "a line end behind it"},
      {" " + good, "a space before it"},
      {good.substr(0, 20) + " " + good.substr(20), "a space within it"},
      {good + good, "twice"},
      {good + std::string(1, '\0'), "a zero byte behind it"},
      {std::string(44, '='), "nothing but padding"},
      {std::string(44, 'A'), "33 bytes"},
      {std::string(64, 'a'), "hexadecimal"},
      {std::string(100000, 'A'), "long"},
  };
  for (const auto& row : rows) {
    const Words words = With(Sample(), "signature", row.signature);
    EXPECT_FALSE(Verify(words)) << row.why;
    EXPECT_FALSE(HasSignature(FieldsOf(words))) << row.why;
  }
  EXPECT_FALSE(Verify(Without(Sample(), "signature"))) << "absent";
  EXPECT_FALSE(HasSignature(FieldsOf(Without(Sample(), "signature")))) << "absent";
  const Words zeros = With(Sample(), "signature", std::string(43, 'A') + "=");
  EXPECT_TRUE(HasSignature(FieldsOf(zeros))) << "spelled as one, of nothing";
  EXPECT_FALSE(Verify(zeros));
}

// 32 bytes leave two bits of the last character unused: four spellings would decode alike.
TEST(SignatureTest, ASignatureHasOneSpelling) {
  const std::string good = SignatureIn(Signed(Sample()));
  int verified = 0;
  for (int byte = 0; byte < 256; ++byte) {
    std::string spelling = good;
    spelling[42] = static_cast<char>(byte);
    if (Verify(With(Sample(), "signature", spelling))) ++verified;
  }
  EXPECT_EQ(verified, 1);
}

TEST(SignatureTest, TheUrlAlphabetOfBase64IsNotTheVendors) {
  Words words = Signed(Sample());
  for (int caller = 0; SignatureIn(words).find_first_of("+/") == std::string::npos; ++caller) {
    words = Signed(With(Sample(), "caller", std::to_string(caller)));
  }
  ASSERT_TRUE(Verify(words));
  absl::StrReplaceAll({{"/", "_"}, {"+", "-"}}, &*ValueIn(words, "signature"));
  EXPECT_FALSE(Verify(words));
}

TEST(SignatureTest, NamesSortByTheirUtf16CodeUnits) {
  // Each before the next.
  const std::string rising[] = {
      "",
      "A",
      "callData",          // D before S before e
      "callSerialNo",      //
      "called",            //
      "calledX",           // what goes on comes later
      "caller",            //
      "\xC3\xBC",          // U+00FC
      "\xED\x9F\xBF",      // U+D7FF, the last before the surrogates
      "\xF0\x90\x80\x80",  // U+10000: D800 DC00
      "\xF0\x90\x90\x80",  // U+10400: D801 DC00
      "\xF4\x8F\xBF\xBF",  // U+10FFFF: DBFF DFFF
      "\xEE\x80\x80",      // U+E000
      "\xEF\xBD\x9E",      // U+FF5E
      "\xEF\xBF\xBF",      // U+FFFF
  };
  for (size_t i = 1; i < std::size(rising); ++i) {
    const std::string& low = rising[i - 1];
    const std::string& high = rising[i];
    EXPECT_EQ(CanonicalOf({{high, "1"}, {low, "2"}}), absl::StrCat(low, "=2,", high, "=1"));
    EXPECT_EQ(CanonicalOf({{"x" + high, "1"}, {"x" + low, "2"}}),
              absl::StrCat("x", low, "=2,x", high, "=1"));
  }
}

TEST(SignatureTest, TheCanonicalTextLosesItsSpacesAndNothingElse) {
  EXPECT_EQ(CanonicalOf({}), "");
  EXPECT_EQ(CanonicalOf({{"a", ""}}), "a=");
  EXPECT_EQ(CanonicalOf({{"a", absl::nullopt}}), "a=null");
  EXPECT_EQ(CanonicalOf({{"a", "   "}, {"b", " 1  2 "}}), "a=,b=12");
  EXPECT_EQ(CanonicalOf({{" a b ", "1"}}), "ab=1");
  EXPECT_EQ(CanonicalOf({{"a", "\t\n\r\xC2\xA0\xE3\x80\x80"}}), "a=\t\n\r\xC2\xA0\xE3\x80\x80");
  EXPECT_EQ(CanonicalOf({{"nonce", "1"}, {"timestamp", "2"}, {"signature", "3"}, {"z", "4"}}),
            "z=4");
  // As the vendor's names are: another case is another field.
  EXPECT_EQ(CanonicalOf({{"Nonce", "1"}, {"noncE", "2"}}), "Nonce=1,noncE=2");
}

TEST(SignatureTest, NullsThatWereSignedAndDroppedAreThoughtOfAgain) {
  Words words = Signed(Sample(), AbsentFields::kSignedAsNull);
  EXPECT_NE(SignatureIn(words), SignatureIn(Sample()));
  EXPECT_TRUE(Verify(words));
  EXPECT_TRUE(Verify(With(words, "serviceNo", absl::nullopt))) << "one of them sent after all";
  EXPECT_FALSE(Verify(With(words, "serviceNo", ""))) << "empty is not null";
  EXPECT_FALSE(Verify(With(words, "zzTenantTag", absl::nullopt))) << "nobody signed this one";
  EXPECT_FALSE(Verify(Without(words, "caller"), "0123456789abcdeg"));
  EXPECT_FALSE(Verify(Without(words, "talkDuration"))) << "was signed with a value";
}

TEST(SignatureTest, OnlyDocumentedFieldsCountAsNullWhenAbsent) {
  const std::string text =
      CanonicalText(FieldsOf({{"caller", "1"}, {"zzTenantTag", "2"}}), AbsentFields::kSignedAsNull);
  EXPECT_EQ(text,
            "agentAlertingTime=null,agentReleaseTime=null,agentTalkDuration=null,"
            "agentTalkingTime=null,alertingTime=null,callData=null,callSerialNo=null,called=null,"
            "caller=1,callerPresent=null,createCallTime=null,locationId=null,recordfile=null,"
            "releaseReason=null,releaseTime=null,serviceNo=null,talkDuration=null,"
            "talkingTime=null,zzTenantTag=2");
}

// Not as it should be, but as the vendor does it: why names are held to an alphabet and why a nonce
// goes with one event only.
TEST(SignatureTest, WhatTheSchemeLeavesOpenSignsAlike) {
  struct {
    Words one;
    Words other;
    const char* why;
  } const rows[] = {
      {{{"caller", "3,recordfile=f"}}, {{"caller", "3"}, {"recordfile", "f"}}, "no escaping"},
      {{{"callData", "a b"}}, {{"callData", "ab"}}, "spaces are not covered"},
      {{{"caller", absl::nullopt}}, {{"caller", "null"}}, "null looks like its word"},
      {{{"caller", "1"}}, {{"call er", "1"}}, "not even in names"},
      {{{"a=b", "c"}}, {{"a", "b=c"}}, "a name may hold the sign"},
  };
  for (const auto& row : rows) {
    const Words forged = With(row.other, "signature", SignatureIn(Signed(row.one)));
    EXPECT_TRUE(Verify(forged)) << row.why;
  }
}

TEST(SignatureTest, NamesThatCouldPretendToBeTwoFieldsAreNotSignable) {
  for (const char* name : {"a", "callSerialNo", "A.b-c_9", "0", "-", "."}) {
    EXPECT_TRUE(HasSignableNames(FieldsOf({{"called", "1"}, {name, "2"}}))) << name;
  }
  for (const std::string& name :
       {std::string(), std::string("a=b"), std::string("a,b"), std::string("a b"),
        std::string("a\n"), std::string("a\0b", 3), std::string("caf\xC3\xA9"),
        std::string("\xEF\xBD\x9E"), std::string("a:b"), std::string("a/b"), std::string("a\x7F"),
        std::string("a@"), std::string("a["), std::string("a`"), std::string("a{")}) {
    EXPECT_FALSE(HasSignableNames(FieldsOf({{"called", "1"}, {name, "2"}}))) << name;
    EXPECT_FALSE(HasSignableNames(FieldsOf({{name, "2"}, {"called", "1"}}))) << name;
  }
  EXPECT_TRUE(HasSignableNames(FieldsOf({})));
}

}  // namespace
}  // namespace onhook
