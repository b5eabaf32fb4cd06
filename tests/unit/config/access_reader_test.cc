// `access` of a file of settings, read as part of one.
#include "gateway/config/access_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/config/settings_file.h"

namespace onhook {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

std::vector<Settings::Identity> AccessOf(const std::string& text) {
  std::vector<std::string> faults;
  const SettingsFile file = ParseSettingsFile(text, "f", faults);
  EXPECT_THAT(faults, IsEmpty()) << text;
  return file.access;
}

std::vector<std::string> FaultsOf(const std::string& text) {
  std::vector<std::string> faults;
  ParseSettingsFile(text, "f", faults);
  return faults;
}

TEST(AccessReaderTest, EveryMemberIsRead) {
  const std::vector<Settings::Identity> access = AccessOf(R"(
access:
  - name: crm
    certificate: spiffe://example.org/crm
    subscribe: [crm, "crm-*"]
    create: [crm-new]
    administer: ["*"]
    watch: true
    read_events: true
    rejected_callbacks: true
    see_numbers: true
    monitor: true
  - {name: operator, token_files: [current, previous]}
  - {name: sidecar, unix_socket: true}
)");
  ASSERT_THAT(access, SizeIs(3));
  const Settings::Identity& crm = access[0];
  EXPECT_EQ(crm.name, "crm");
  EXPECT_EQ(crm.certificate, "spiffe://example.org/crm");
  EXPECT_THAT(crm.subscribe, ElementsAre("crm", "crm-*"));
  EXPECT_THAT(crm.create, ElementsAre("crm-new"));
  EXPECT_THAT(crm.administer, ElementsAre("*"));
  EXPECT_TRUE(crm.watch && crm.read_events && crm.rejected_callbacks && crm.see_numbers &&
              crm.monitor);
  EXPECT_THAT(access[1].token_files, ElementsAre("current", "previous"));
  EXPECT_TRUE(access[2].unix_socket);
}

TEST(AccessReaderTest, WhatIsNotGivenIsNotAllowed) {
  const std::vector<Settings::Identity> access = AccessOf("access: [{name: a, token_files: [t]}]");
  ASSERT_THAT(access, SizeIs(1));
  const Settings::Identity& identity = access[0];
  EXPECT_TRUE(identity.subscribe.empty() && identity.create.empty() && identity.administer.empty());
  EXPECT_FALSE(identity.watch || identity.read_events || identity.rejected_callbacks ||
               identity.see_numbers || identity.monitor || identity.unix_socket);
}

TEST(AccessReaderTest, AListThatNamesNobodyIsAFault) {
  EXPECT_THAT(FaultsOf("access: []"),
              ElementsAre(AllOf(StartsWith("f:1:9: access: must hold 1 to 1000"),
                                HasSubstr("whoever gets into the ports may do everything"))));
  EXPECT_THAT(FaultsOf("access:\n"), ElementsAre("f:2:1: access: must be a sequence; not nothing"));
  EXPECT_THAT(FaultsOf("access: {name: a}"),
              ElementsAre("f:1:9: access: must be a sequence; not a mapping"));
}

std::string ManyIdentities(int count) {
  std::string text = "access:\n";
  for (int i = 0; i < count; ++i) {
    absl::StrAppend(&text, "  - {name: i", i, ", token_files: [t", i, "]}\n");
  }
  return text;
}

TEST(AccessReaderTest, AThousandIdentitiesAreTheMost) {
  EXPECT_THAT(AccessOf(ManyIdentities(1000)), SizeIs(1000));
  EXPECT_THAT(FaultsOf(ManyIdentities(1001)), ElementsAre(HasSubstr("must hold 1 to 1000")));
}

struct IdentityCase {
  const char* reason;
  const char* identity;  // what stands behind its name
  const char* place;
  const char* fault;
};

class AccessFaultsTest : public ::testing::TestWithParam<IdentityCase> {};

TEST_P(AccessFaultsTest, AreToldWithTheirPlace) {
  const std::string text =
      absl::StrCat("access:\n- {name: one, token_files: [t]}\n- {", GetParam().identity, "}\n");
  EXPECT_THAT(FaultsOf(text),
              ElementsAre(AllOf(StartsWith(GetParam().place), HasSubstr(GetParam().fault))))
      << GetParam().reason << "\n"
      << text;
}

INSTANTIATE_TEST_SUITE_P(
    Identities, AccessFaultsTest,
    ::testing::Values(
        IdentityCase{"no name", "unix_socket: true", "f:3:3: access[1].name: ", "1 to 63"},
        IdentityCase{"a name in capitals", "name: CRM, unix_socket: true",
                     "f:3:10: access[1].name: ", "a-z 0-9"},
        IdentityCase{"a name twice", "name: one, unix_socket: true",
                     "f:3:10: access[1].name: ", "one is the name of two identities"},
        IdentityCase{"no way to be recognised", "name: a", "f:3:3: access[1]: ",
                     "exactly one of certificate, token_files and unix_socket"},
        IdentityCase{"not by the socket either", "name: a, unix_socket: false",
                     "f:3:3: access[1]: ", "exactly one of"},
        IdentityCase{"two ways", "name: a, unix_socket: true, token_files: [t2]",
                     "f:3:3: access[1]: ", "exactly one of"},
        IdentityCase{"an empty text is no certificate", "name: a, certificate: ''",
                     "f:3:26: access[1].certificate: ", "must not be empty"},
        IdentityCase{"no file", "name: a, token_files: []", "f:3:3: access[1]: ", "exactly one of"},
        IdentityCase{"three files", "name: a, token_files: [a, b, c]",
                     "f:3:26: access[1].token_files: ", "must name one file, or two"},
        IdentityCase{"a file twice", "name: a, token_files: [a, a]",
                     "f:3:26: access[1].token_files: ", "names one file twice"},
        IdentityCase{"a file of another identity's", "name: a, token_files: [a, t]",
                     "f:3:26: access[1].token_files: ", "names a file of identity one too"},
        IdentityCase{"a text is no list", "name: a, token_files: t",
                     "f:3:26: access[1].token_files: ", "must be a sequence"},
        IdentityCase{"a pattern of certificates", "name: a, certificate: '*.example.org'",
                     "f:3:26: access[1].certificate: ", "is compared as it stands"},
        IdentityCase{"a URI of nothing", "name: a, certificate: 'spiffe:'",
                     "f:3:26: access[1].certificate: ", "must be a URI"},
        IdentityCase{"a port behind a name", "name: a, certificate: 'a_b:1'",
                     "f:3:26: access[1].certificate: ", "must be a URI"},
        IdentityCase{"a common name", "name: a, certificate: CN=crm",
                     "f:3:26: access[1].certificate: ", "subject alternative name"},
        IdentityCase{"an address", "name: a, certificate: 10.0.0.1",
                     "f:3:26: access[1].certificate: ", "a URI or a DNS name"},
        IdentityCase{"an empty label", "name: a, certificate: a..b",
                     "f:3:26: access[1].certificate: ", "a URI or a DNS name"},
        IdentityCase{"a pattern that fits no name", "name: a, unix_socket: true, subscribe: [CRM]",
                     "f:3:43: access[1].subscribe: ", "must hold names of subscriptions"},
        IdentityCase{"one that begins as none does", "name: a, unix_socket: true, create: [\"-*\"]",
                     "f:3:40: access[1].create: ", "must hold names of subscriptions"},
        IdentityCase{"an empty one", "name: a, unix_socket: true, administer: ['']",
                     "f:3:44: access[1].administer: ", "must hold names of subscriptions"},
        IdentityCase{"a text is no truth value", "name: a, unix_socket: 'true'",
                     "f:3:26: access[1].unix_socket: ", "true or false, without quotes"},
        IdentityCase{"a permission that there is not", "name: a, unix_socket: true, admin: true",
                     "f:3:32: access[1].admin: ", "no such key"},
        IdentityCase{"a member twice", "name: a, unix_socket: true, unix_socket: true",
                     "f:3:32: access[1].unix_socket: ", "is given twice"}));

TEST(AccessReaderTest, WhatIsShownBelongsToOneIdentity) {
  EXPECT_THAT(FaultsOf("access:\n- {name: a, certificate: crm.example.org}\n"
                       "- {name: b, certificate: CRM.example.org}\n"),
              ElementsAre("f:3:26: access[1].certificate: is that of identity a too"))
      << "names of the DNS know no case";
  EXPECT_THAT(FaultsOf("access:\n- {name: a, unix_socket: true}\n- {name: b, unix_socket: true}\n"),
              ElementsAre(AllOf(StartsWith("f:3:26: access[1].unix_socket: is of identity a too"),
                                HasSubstr("one identity"))));
  AccessOf(
      "access:\n- {name: a, certificate: spiffe://example.org/a}\n"
      "- {name: b, certificate: spiffe://example.org/A}\n");
}

TEST(AccessReaderTest, PatternsThatFitSomeNameAreTaken) {
  const std::string longest(63, 'a');
  const std::vector<Settings::Identity> access = AccessOf(
      absl::StrCat("access: [{name: a, unix_socket: true, subscribe: [\"*\", \"*-eu\", \"crm-*\", "
                   "\"**\", 1, a.b_c-d, ",
                   longest, ", \"", longest, "*\"]}]"));
  ASSERT_THAT(access, SizeIs(1));
  EXPECT_THAT(access[0].subscribe, SizeIs(8));
  EXPECT_THAT(FaultsOf(absl::StrCat("access: [{name: a, unix_socket: true, subscribe: [\"", longest,
                                    "*b\"]}]")),
              ElementsAre(HasSubstr("must hold names of subscriptions")));
}

}  // namespace
}  // namespace onhook
