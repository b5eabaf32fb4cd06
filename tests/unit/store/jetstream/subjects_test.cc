#include "gateway/store/jetstream/subjects.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "absl/strings/str_cat.h"

namespace onhook {
namespace {

TEST(SubjectTokenTest, WordsStayWhatTheyAre) {
  EXPECT_EQ(SubjectToken("Call-20_22"), "Call-20_22");
}

TEST(SubjectTokenTest, WhatMeansSomethingInASubjectIsWrittenByItsNumber) {
  EXPECT_EQ(SubjectToken("a.b*c>d e"), "a=2eb=2ac=3ed=20e");
  EXPECT_EQ(SubjectToken("a=2eb"), "a=3d2eb");
  EXPECT_EQ(SubjectToken(std::string("\0\xC3\xA9", 3)), "=00=c3=a9");
  EXPECT_EQ(SubjectToken(""), "=");
}

TEST(SubjectTokenTest, LongTextsAreToldApartByTheirHash) {
  const std::string longest(128, 'x');
  EXPECT_EQ(SubjectToken(longest), longest);
  std::set<std::string> tokens;
  for (int i = 0; i < 100; ++i) {
    const std::string token = SubjectToken(absl::StrCat(longest, i));
    EXPECT_EQ(token.size(), 64 + 2 + 32);
    tokens.insert(token);
  }
  EXPECT_EQ(tokens.size(), 100);
  // Fifty characters of the longest kind.
  std::string widest;
  for (int i = 0; i < 50; ++i) widest += "\xF0\x9F\x93\x9E";
  EXPECT_EQ(SubjectToken(widest).size(), 64 + 2 + 32);
}

TEST(SubjectsTest, EverythingLiesUnderThePrefix) {
  JetStreamOptions options;
  options.stream = "TEST";
  options.subject_prefix = "a.b";
  const Subjects subjects(options);
  EXPECT_EQ(subjects.nonces_stream(), "TEST_NONCES");
  EXPECT_EQ(subjects.Event("sales", "1.2"), "a.b.event.sales.1=2e2");
  EXPECT_EQ(subjects.EventsOfCall("1.2"), "a.b.event.*.1=2e2");
  EXPECT_EQ(subjects.EventsOfSource("sales"), "a.b.event.sales.*");
  EXPECT_EQ(subjects.NoncesOfToken(SubjectToken("sa les")), "a.b.nonce.sa=20les.*");
  EXPECT_EQ(subjects.EventsConsumer("crm", 10), "crm-000000000000000a");
  EXPECT_EQ(subjects.RedrivenConsumer("crm.eu"), "crm=2eeu-redriven");
}

}  // namespace
}  // namespace onhook
