// What goes in as a callback, and what must come of it, letter by letter. Each folder beside this
// file is a case:
//
//   request.json or request.txt   the callback's body
//   time_zone.txt                 IANA name of the source's zone; UTC if the file is missing
//   status.txt                    HTTP status of the answer
//   reply.json                    body of the answer, without the file's last new line
//   event.textproto               the event that was stored; missing if none may be
//
// To add a case, add a folder with its request, run golden_test with ONHOOK_UPDATE_GOLDEN=1, which
// writes the other files, and read them before believing them.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/config/settings.h"
#include "gateway/ingress/callback_handler.h"
#include "gateway/ingress/open_source.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "tests/support/fake_store.h"
#include "tests/support/manual_clock.h"
#include "tests/support/recording_event_log.h"

namespace onhook {
namespace {

namespace fs = std::filesystem;
using google::protobuf::TextFormat;
using google::protobuf::util::MessageDifferencer;

constexpr char kTextProtoHead[] =
    "# proto-file: proto/onhook/v1/release_event.proto\n"
    "# proto-message: onhook.v1.ReleaseEvent\n";

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// For files with a line of text: without its end.
std::string ReadLine(const fs::path& path) {
  const std::string text = ReadFile(path);
  return text.empty() || text.back() != '\n' ? text : text.substr(0, text.size() - 1);
}

void WriteFile(const fs::path& path, absl::string_view text) {
  std::ofstream(path, std::ios::binary) << std::string(text);
}

std::vector<std::string> CaseNames() {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(ONHOOK_GOLDEN_DIRECTORY)) {
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string RequestOf(const fs::path& folder) {
  const fs::path json = folder / "request.json";
  return ReadFile(fs::exists(json) ? json : folder / "request.txt");
}

struct Outcome {
  HttpResponse response;
  bool stored = false;
  v1::ReleaseEvent event;
};

Outcome Post(const std::string& body, const std::string& time_zone_name) {
  const ManualClock clock;
  const Log log(&clock, LogLevel::kError, Log::Format::kText, [](absl::string_view) {});
  RecordingEventLog event_log;
  FakeStore store(&event_log);
  ReceiptDesk desk(&clock, &store, {});
  Metrics metrics;
  Settings settings;
  Settings::Source& source = settings.sources.at(0);
  source.acknowledge.when = Settings::Acknowledge::When::kStored;
  source.time_zone = time_zone_name;
  std::vector<CallbackSource> sources;
  SecretPool secrets(&clock, &log);
  absl::StatusOr<CallbackSource> opened = OpenSource(source, settings, secrets);
  EXPECT_TRUE(opened.ok()) << opened.status();
  sources.push_back(*std::move(opened));
  const CallbackHandler handler(std::move(sources), settings.quarantine,
                                {&clock, &log, &metrics, &desk, &store.quarantine()});
  HttpRequest request;
  request.method = "POST";
  request.path = source.path;
  request.body = body;

  Outcome outcome;
  outcome.response = handler.HandleAndWait(request);
  outcome.stored = !event_log.appended().empty();
  if (!outcome.stored) return outcome;
  EXPECT_TRUE(outcome.event.ParseFromString(event_log.appended()[0].event));
  return outcome;
}

void Update(const fs::path& folder, const Outcome& outcome) {
  WriteFile(folder / "status.txt", absl::StrCat(outcome.response.status, "\n"));
  WriteFile(folder / "reply.json", outcome.response.body + "\n");
  fs::remove(folder / "event.textproto");
  if (!outcome.stored) return;
  TextFormat::Printer printer;
  printer.SetUseUtf8StringEscaping(true);
  std::string text;
  ASSERT_TRUE(printer.PrintToString(outcome.event, &text));
  WriteFile(folder / "event.textproto", kTextProtoHead + text);
}

void Compare(const fs::path& folder, const Outcome& outcome) {
  EXPECT_EQ(absl::StrCat(outcome.response.status), ReadLine(folder / "status.txt"));
  EXPECT_EQ(outcome.response.body, ReadLine(folder / "reply.json"));
  ASSERT_EQ(outcome.stored, fs::exists(folder / "event.textproto"));
  if (!outcome.stored) return;
  v1::ReleaseEvent expected;
  ASSERT_TRUE(TextFormat::ParseFromString(ReadFile(folder / "event.textproto"), &expected));
  std::string difference;
  MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&difference);
  EXPECT_TRUE(differencer.Compare(expected, outcome.event)) << difference;
}

class GoldenTest : public ::testing::TestWithParam<std::string> {};

TEST_P(GoldenTest, TheCallbackBecomesWhatItsFolderSays) {
  const fs::path folder = fs::path(ONHOOK_GOLDEN_DIRECTORY) / GetParam();
  const fs::path zone = folder / "time_zone.txt";
  const Outcome outcome = Post(RequestOf(folder), fs::exists(zone) ? ReadLine(zone) : "UTC");
  if (std::getenv("ONHOOK_UPDATE_GOLDEN") != nullptr) {
    Update(folder, outcome);
  } else {
    Compare(folder, outcome);
  }
}

INSTANTIATE_TEST_SUITE_P(Folders, GoldenTest, ::testing::ValuesIn(CaseNames()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace onhook
