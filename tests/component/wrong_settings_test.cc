// What onhookd makes of wrong settings, and of what they name outside: a line for each fault, with
// its place, what was found and what is allowed; exit code 2; and nothing was opened or made.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gateway/config/settings_table.h"
#include "gateway/net/listening_socket.h"
#include "gateway/net/unix_socket.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/test_certificates.h"

namespace onhook {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;
using Strings = std::vector<std::string>;

constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr uid_t kNobody = 65534;

struct Answer {
  int exit_code = -1;
  Strings lines;
};

class WrongSettingsTest : public ::testing::Test {
 protected:
  Answer Run(const Strings& arguments, const Strings& variables = {},
             const std::function<bool()>& prepare = nullptr) const {
    Strings command = {"/usr/bin/env"};
    command.insert(command.end(), variables.begin(), variables.end());
    command.push_back(ONHOOKD_PATH);
    command.insert(command.end(), arguments.begin(), arguments.end());
    ChildProcess program(command, {prepare, nullptr});
    const std::optional<ProcessEnd> end = program.Wait(kPatience);
    Answer answer;
    answer.exit_code = end.has_value() ? end->exit_code : -1;
    answer.lines = absl::StrSplit(program.output(), '\n', absl::SkipEmpty());
    return answer;
  }
  // With nothing else that could be wrong.
  Answer RunWith(Strings arguments, const std::function<bool()>& prepare = nullptr,
                 const Strings& variables = {}) const {
    for (const char* flag : {"--http-listen", "--grpc-listen", "--admin-listen"}) {
      const bool is_given =
          std::any_of(arguments.begin(), arguments.end(),
                      [flag](const std::string& one) { return absl::StartsWith(one, flag); });
      if (!is_given) arguments.push_back(absl::StrCat(flag, "=127.0.0.1:0"));
    }
    const bool has_store = std::any_of(
        arguments.begin(), arguments.end(),
        [](const std::string& one) { return absl::StartsWith(one, "--store-directory"); });
    if (!has_store) arguments.push_back("--store-directory=" + store_);
    return Run(arguments, variables, prepare);
  }
  Answer RunFile(const std::string& text, const Strings& more = {}) const {
    Strings arguments = {"--config=" + In("o.yaml")};
    directory_.Write("o.yaml", text);
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunWith(arguments);
  }
  std::string In(const std::string& name) const { return directory_.path() + "/" + name; }

  // Its lines, of which each must be a fault; nothing was opened or made.
  Strings Refused(const Answer& answer) const {
    EXPECT_EQ(answer.exit_code, 2) << absl::StrJoin(answer.lines, "\n");
    for (const std::string& line : answer.lines) {
      EXPECT_THAT(line, Not(StartsWith("{"))) << "something was logged, so something had begun";
    }
    EXPECT_FALSE(std::filesystem::exists(store_));
    return answer.lines;
  }

  const TemporaryDirectory directory_;
  const std::string store_ = directory_.path() + "/data";
};

// A value that is none of the setting's; nothing: whatever is written there may be a name.
std::optional<std::string> WrongValue(const Setting& setting) {
  const bool may_be_none = setting.write(Settings()).empty();
  if (setting.form == "FILE" || setting.form == "LINE") return std::nullopt;
  if (setting.form == "DIRECTORY") return may_be_none ? std::nullopt : std::optional("");
  if (setting.form == "STREAM" || setting.form == "SUBJECT") return "neither of them";
  if (setting.form == "NAME,...") return "Not,Names";
  return "neither";
}

// One out of its bounds.
std::optional<std::string> ValueOutOfBounds(const Setting& setting) {
  if (setting.bounds.empty() || setting.form == "OCTAL") return std::nullopt;
  if (absl::StartsWith(setting.form, "NUMBER")) return "0";
  return absl::StartsWith(setting.form, "DURATION") ? "999999999d" : "8388607TiB";
}

using MakeValue = std::optional<std::string> (*)(const Setting& setting);

// Each setting with its value, as the places of settings write it.
struct GivenEverywhere {
  explicit GivenEverywhere(MakeValue make) {
    for (const Setting& setting : SettingsTable()) {
      const std::optional<std::string> value = make(setting);
      if (!value.has_value()) continue;
      settings.push_back(&setting);
      flags.push_back(absl::StrCat(setting.Flag(), "=", *value));
      variables.push_back(absl::StrCat(setting.Variable(), "=", *value));
      Mapping* mapping = &file;
      for (const absl::string_view name : absl::StrSplit(setting.name, '.')) {
        mapping = &mapping->inside[std::string(name)];
      }
      mapping->value = setting.is_plain ? *value : absl::StrCat("\"", *value, "\"");
    }
  }
  struct Mapping {
    std::string value;
    std::map<std::string, Mapping> inside;

    void Print(int depth, std::string& text) const {
      for (const auto& [name, member] : inside) {
        absl::StrAppend(&text, std::string(2 * depth, ' '), name, ": ", member.value, "\n");
        member.Print(depth + 1, text);
      }
    }
  };
  std::string FileText() const {
    std::string text;
    file.Print(0, text);
    return text;
  }
  std::vector<const Setting*> settings;
  Strings flags;
  Strings variables;
  Mapping file;
};

// Exactly one line for each of `settings`, which says all that it has to.
void ExpectALineForEach(const std::vector<const Setting*>& settings, const Strings& lines,
                        const std::function<std::string(const Setting&)>& place) {
  EXPECT_THAT(lines, SizeIs(settings.size()));
  for (const Setting* setting : settings) {
    const std::string where = place(*setting);
    Strings about;
    std::copy_if(lines.begin(), lines.end(), std::back_inserter(about),
                 [&](const std::string& line) { return absl::StrContains(line, where); });
    EXPECT_THAT(about, ElementsAre(AllOf(HasSubstr("must be "), HasSubstr("; not \"")))) << where;
  }
}

class EveryWrongSettingTest : public WrongSettingsTest,
                              public ::testing::WithParamInterface<MakeValue> {
 protected:
  const GivenEverywhere given_{GetParam()};
};

TEST_P(EveryWrongSettingTest, IsToldWithItsFlag) {
  ExpectALineForEach(given_.settings, Refused(RunWith(given_.flags)), [](const Setting& setting) {
    return absl::StrCat(setting.name, " (flag ", setting.Flag(), "): ");
  });
}

TEST_P(EveryWrongSettingTest, IsToldWithItsVariable) {
  ExpectALineForEach(given_.settings, Refused(RunWith({}, nullptr, given_.variables)),
                     [](const Setting& setting) {
                       return absl::StrCat(setting.name, " (variable ", setting.Variable(), "): ");
                     });
}

TEST_P(EveryWrongSettingTest, IsToldWithItsPlaceInTheFile) {
  const Strings lines = Refused(RunFile(given_.FileText()));
  ExpectALineForEach(given_.settings, lines,
                     [](const Setting& setting) { return absl::StrCat(": ", setting.name, ": "); });
  for (const std::string& line : lines) {
    EXPECT_THAT(line, ::testing::ContainsRegex("^.*/o\\.yaml:[0-9]+:[0-9]+: "));
  }
}

INSTANTIATE_TEST_SUITE_P(OfKindAndOfBounds, EveryWrongSettingTest,
                         ::testing::Values(&WrongValue, &ValueOutOfBounds),
                         [](const ::testing::TestParamInfo<MakeValue>& info) {
                           return info.param == &WrongValue ? "AWrongValue" : "OutOfBounds";
                         });

TEST_F(WrongSettingsTest, ADirectoryThatCannotBeUsedIsTold) {
  directory_.Write("file", "");
  for (const char* directory : {"file", "file/data", "absent/data"}) {
    for (const Strings& check : {Strings{}, Strings{"--check"}}) {
      Strings arguments = {"--store-directory=" + In(directory)};
      arguments.insert(arguments.end(), check.begin(), check.end());
      EXPECT_THAT(Refused(RunWith(arguments)),
                  ElementsAre(AllOf(
                      StartsWith("store.directory (flag --store-directory): " + In(directory)),
                      HasSubstr("; must be a directory that user "))))
          << directory;
    }
  }
}

TEST_F(WrongSettingsTest, ADirectoryOfAReadOnlyFileSystemIsTold) {
  mkdir(In("mount").c_str(), 0700);
  const std::string mount_point = In("mount");
  const auto prepare = [&mount_point] {
    const int spaces = geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS;
    return unshare(spaces) == 0 &&
           mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           mount("tmpfs", mount_point.c_str(), "tmpfs", MS_RDONLY, nullptr) == 0;
  };
  for (const std::string& directory : {mount_point, mount_point + "/data"}) {
    EXPECT_THAT(Refused(RunWith({"--store-directory=" + directory}, prepare)),
                ElementsAre(HasSubstr("Read-only file system")));
  }
}

// What root may do, others may not.
class AnotherUserTest : public WrongSettingsTest {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "only root can become another user";
    chmod(directory_.path().c_str(), 0755);
    if (Run({"--version"}, {}, become_).exit_code != 0) {
      GTEST_SKIP() << "another user cannot run the program where it lies";
    }
  }
  const std::function<bool()> become_ = [] { return setresuid(kNobody, kNobody, kNobody) == 0; };
};

TEST_F(AnotherUserTest, ADirectoryThatItCannotWriteOrMakeIsTold) {
  mkdir(In("others").c_str(), 0755);
  EXPECT_THAT(Refused(RunWith({"--store-directory=" + In("others")}, become_)),
              ElementsAre(HasSubstr("/others cannot be written: Permission denied; must be a "
                                    "directory that user 65534 may write, or make")));
  EXPECT_THAT(Refused(RunWith({"--store-directory=" + In("others/data")}, become_)),
              ElementsAre(HasSubstr("cannot be made in ")));
}

TEST_F(AnotherUserTest, AStoreThatAnotherUserMadeIsTold) {
  mkdir(In("own").c_str(), 0755);
  directory_.Write("own/onhook.db", "");
  ASSERT_EQ(chmod(In("own/onhook.db").c_str(), 0600), 0);
  ASSERT_EQ(chown(In("own").c_str(), kNobody, kNobody), 0);
  EXPECT_THAT(Refused(RunWith({"--store-directory=" + In("own")}, become_)),
              ElementsAre(HasSubstr("holds onhook.db, which cannot be written: Permission")));
}

TEST_F(AnotherUserTest, FilesThatItCannotReadAreTold) {
  chmod(directory_.Write("key", "sixteen-bytes-or-more").c_str(), 0600);
  const std::string file = directory_.Write(
      "o.yaml", absl::StrCat("sources: [{name: a, path: /a, authentication: {shared_key: "
                             "{key_files: [",
                             In("key"), "]}}}]\n"));
  mkdir(In("own").c_str(), 0755);
  ASSERT_EQ(chown(In("own").c_str(), kNobody, kNobody), 0);
  EXPECT_THAT(Refused(RunWith({"--config=" + file, "--store-directory=" + In("own")}, become_)),
              ElementsAre(AllOf(HasSubstr("key_files (file " + file + ":1:"),
                                HasSubstr("cannot be read: Permission denied"))));
  chmod(file.c_str(), 0600);
  EXPECT_THAT(Refused(RunWith({"--config=" + file, "--store-directory=" + In("own")}, become_)),
              ElementsAre(StartsWith(file + ": cannot be read: Permission denied")));
}

TEST_F(WrongSettingsTest, PortsThatOthersHaveAreToldAllAtOnceButNotByACheck) {
  const absl::StatusOr<int> socket = OpenListeningSocket({"127.0.0.1", 0}, 1);
  ASSERT_TRUE(socket.ok()) << socket.status();
  const absl::StatusOr<int> other = OpenListeningSocket({"127.0.0.1", 0}, 1);
  ASSERT_TRUE(other.ok()) << other.status();
  const absl::StatusOr<UnixSocket> file = OpenUnixSocket(In("grpc.sock"), 0600, 1);
  ASSERT_TRUE(file.ok()) << file.status();
  const Strings arguments = {absl::StrCat("--http-listen=127.0.0.1:", BoundPort(*socket)),
                             absl::StrCat("--grpc-listen=127.0.0.1:", BoundPort(*other)),
                             "--admin-listen=192.0.2.1:0", "--admin-allow-unauthenticated=true",
                             "--grpc-unix-socket=" + In("grpc.sock")};
  EXPECT_THAT(
      Refused(RunWith(arguments)),
      ElementsAre(
          AllOf(StartsWith("http.listen (flag --http-listen): cannot listen on 127.0.0.1"),
                HasSubstr("the port is taken; set another address, or port 0")),
          AllOf(StartsWith("grpc.listen (flag --grpc-listen): "), HasSubstr("the port is taken")),
          AllOf(StartsWith("admin.listen (flag --admin-listen): "),
                HasSubstr("Cannot assign requested address")),
          AllOf(StartsWith("grpc.unix_socket (flag --grpc-unix-socket): "),
                HasSubstr("somebody listens there"))));
  Strings to_check = arguments;
  to_check.push_back("--check");
  EXPECT_EQ(RunWith(to_check).exit_code, 0);
  EXPECT_FALSE(std::filesystem::exists(store_)) << "a check makes nothing";
  close(*socket);
  close(*other);
  close(file->descriptor);
}

TEST_F(WrongSettingsTest, TwoListenersAtOneAddressAreTold) {
  const Strings arguments = {"--http-listen=127.0.0.1:1", "--admin-listen=127.0.0.1:1", "--check"};
  EXPECT_THAT(Refused(RunWith(arguments)),
              ElementsAre(AllOf(StartsWith("admin.listen (flag --admin-listen): "),
                                HasSubstr("is taken by http.listen"))));
}

TEST_F(WrongSettingsTest, WhereASocketsFileCannotBeIsTold) {
  directory_.Write("file", "");
  EXPECT_THAT(Refused(RunWith({"--grpc-unix-socket=" + In("file")})),
              ElementsAre(HasSubstr("there is a file that is no socket")));
  EXPECT_THAT(Refused(RunWith({"--grpc-unix-socket=" + In("absent/grpc.sock")})),
              ElementsAre(HasSubstr("No such file or directory")));
}

TEST_F(WrongSettingsTest, EveryFileOfASecretThatIsNoGoodIsToldWithoutWhatIsInIt) {
  directory_.Write("short", "canary-15-bytes");
  directory_.Write("token", "canary/token-of-two-identities");
  const std::string folder = directory_.path();
  const std::string text = absl::StrCat(
      "sources:\n", "  - {name: a, path: /a, path_token_file: ", folder,
      "/absent, authentication: {shared_key: {key_files: [", folder, "/short, ", folder, "]}}}\n",
      "  - {name: b, path: /b, authentication: {bearer: {token_files: [", folder, "/short]}}}\n",
      "  - {name: c, path: /c, authentication: {basic: {username: u, password_files: [", folder,
      "/absent, ", folder, "/token]}}}\n");
  const Strings lines = Refused(
      RunFile(text + "access: [{name: a, token_files: [" + folder + "/short, " + folder + "]}]\n"));
  EXPECT_THAT(
      lines,
      ElementsAre(AllOf(HasSubstr("[0].path_token_file (file "), HasSubstr("o.yaml:2:42): "),
                        HasSubstr("cannot be read: No such file or directory")),
                  AllOf(HasSubstr(".key_files (file "), HasSubstr("at least 16 characters")),
                  AllOf(HasSubstr(".key_files (file "), HasSubstr("it is no regular file")),
                  AllOf(HasSubstr("[1].authentication.bearer.token_files"),
                        HasSubstr("at least 16 characters")),
                  HasSubstr("[2].authentication.basic.password_files"),
                  AllOf(HasSubstr("access[0].token_files"), HasSubstr("at least 16 characters")),
                  AllOf(HasSubstr("access[0].token_files"), HasSubstr("no regular file"))));
  for (const std::string& line : lines) EXPECT_THAT(line, Not(HasSubstr("canary")));
  directory_.Write("same", "canary/token-of-two-identities");
  EXPECT_THAT(Refused(RunFile("access: [{name: a, token_files: [" + In("token") +
                              "]}, {name: b, token_files: [" + In("same") + "]}]\n")),
              ElementsAre(AllOf(HasSubstr("have the same token"), Not(HasSubstr("canary")))));
}

TEST_F(WrongSettingsTest, EveryFileOfACertificateThatIsNoGoodIsTold) {
  const TestAuthority authority;
  const auto tls = [&](const std::string& certificate, const std::string& key,
                       const std::string& clients) {
    return absl::StrCat("tls: {certificate_file: ", In(certificate), ", key_file: ", In(key),
                        ", client_ca_file: ", In(clients), "}");
  };
  Write(directory_, "server", authority.ServerCertificate());
  Write(directory_, "other", authority.ServerCertificate());
  TestCertificateRequest late;
  late.not_before = absl::Now() - absl::Hours(48);
  late.not_after = absl::Now() - absl::Hours(24);
  Write(directory_, "late", authority.Issue(late));
  directory_.Write("clients.crt", authority.certificate_pem());
  directory_.Write("garbage", "garbage");
  const std::string text =
      absl::StrCat("grpc: {", tls("server.crt", "other.key", "garbage"), "}\nadmin: {",
                   tls("late.crt", "absent", "clients.crt"), "}\n");
  EXPECT_THAT(
      Refused(RunFile(text)),
      ElementsAre(AllOf(StartsWith("grpc.tls.key_file (file "), HasSubstr("o.yaml:1:"),
                        HasSubstr("holds another key than that of the certificate in ")),
                  AllOf(StartsWith("grpc.tls.client_ca_file (file "),
                        HasSubstr("holds no certificate in PEM")),
                  AllOf(StartsWith("admin.tls.certificate_file (file "), HasSubstr("has expired")),
                  AllOf(StartsWith("admin.tls.key_file (file "),
                        HasSubstr("cannot be read: No such file or directory"))));
}

TEST_F(WrongSettingsTest, AnAuthorityThatSignsNobodyIsAWarning) {
  const TestAuthority authority;
  Write(directory_, "server", authority.ServerCertificate());
  const Answer answer = RunWith({"--check", "--grpc-tls-certificate-file=" + In("server.crt"),
                                 "--grpc-tls-key-file=" + In("server.key"),
                                 "--grpc-tls-client-ca-file=" + In("server.crt")});
  EXPECT_EQ(answer.exit_code, 0);
  EXPECT_THAT(answer.lines,
              ElementsAre(AllOf(StartsWith("warning: grpc.tls.client_ca_file (flag --grpc-tls-"),
                                HasSubstr("may sign no other")),
                          "the settings are right"));
}

TEST_F(WrongSettingsTest, AFileOfSettingsThatCannotBeReadIsTold) {
  for (const Strings& check : {Strings{}, Strings{"--check"}, Strings{"--print-config"}}) {
    Strings arguments = {"--config=" + In("absent")};
    arguments.insert(arguments.end(), check.begin(), check.end());
    EXPECT_THAT(Refused(RunWith(arguments)),
                ElementsAre(AllOf(StartsWith(In("absent") + ": cannot be read: No such file"),
                                  HasSubstr("; must be a file of settings in YAML"))));
  }
  EXPECT_THAT(Refused(RunWith({"--config=" + directory_.path()})),
              ElementsAre(HasSubstr("it is a directory")));
  EXPECT_THAT(Refused(Run({}, {"ONHOOK_CONFIG=" + In("absent")})), SizeIs(1));
}

TEST_F(WrongSettingsTest, WhatIsWrongInListsIsToldWithItsPlace) {
  const struct {
    const char* text;
    const char* place;
    const char* what;
  } kRows[] = {
      {"sources: [{name: a, path: /a, time_zone: Mars/Base}]",
       ":1:42: sources[0].time_zone: ", "; not \"Mars/Base\""},
      {"acknowledge: {subscriptions: [crm]}", "acknowledge.subscriptions (file ",
       "crm is not declared"},
      {"sources: [{name: a, path: /a, acknowledge: {subscriptions: [crm]}}]",
       "sources[0].acknowledge.subscriptions (file ", "crm is not declared"},
      {"subscriptions: [{name: a, backlog_limit: {bytes: 5}}]",
       ":1:50: subscriptions[0].backlog_limit.bytes: ", "; not \"5\""},
      {"access: [{name: a, unix_socket: true}]", "access[0].unix_socket (file ",
       "has no effect without grpc.unix_socket"},
      {"http: {listen\n\n", ":3:1: ", "is not closed; write {KEY: VALUE, KEY: VALUE}"},
  };
  for (const auto& row : kRows) {
    EXPECT_THAT(Refused(RunFile(row.text)),
                ElementsAre(AllOf(HasSubstr(row.place), HasSubstr(row.what))))
        << row.text;
  }
}

TEST_F(WrongSettingsTest, FaultsOfAllKindsAreToldTogether) {
  directory_.Write("short", "short");
  EXPECT_THAT(
      Refused(RunFile("http: {max_headers: 5}\nsources: [{name: a, path: /a, "
                      "path_token_file: " +
                          In("short") + "}]\n",
                      {"--log-level=loud", "--nonsense", "--store-directory=" + In("short")})),
      SizeIs(5));
}

}  // namespace
}  // namespace onhook
