// gateway/admin/METRICS.md against a running gateway, both ways.
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gateway/admin/spool_report.h"
#include "gateway/base/metrics.h"
#include "tests/component/gateway_fixture.h"
#include "tests/support/metrics_text.h"
#include "tests/support/raw_tls_client.h"
#include "tests/support/test_certificates.h"

namespace onhook {
namespace {

using ::testing::IsEmpty;

// A row of the page.
struct Row {
  std::string type;
  std::string help;
  std::map<std::string, std::set<std::string>> labels;  // with their values, if they are listed
};

std::string WithoutTicks(absl::string_view cell) {
  cell = absl::StripAsciiWhitespace(cell);
  absl::ConsumePrefix(&cell, "`");
  absl::ConsumeSuffix(&cell, "`");
  return std::string(cell);
}

// "`source`; `outcome`: success, rejected"
std::map<std::string, std::set<std::string>> LabelsOf(absl::string_view cell) {
  std::map<std::string, std::set<std::string>> labels;
  cell = absl::StripAsciiWhitespace(cell);
  if (cell == "none") return labels;
  for (const absl::string_view label : absl::StrSplit(cell, "; ")) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(label, absl::MaxSplits(": ", 1));
    std::set<std::string>& values = labels[WithoutTicks(parts.first)];
    if (!parts.second.empty()) values = absl::StrSplit(parts.second, ", ");
  }
  return labels;
}

std::map<std::string, Row> RowsOfThePage() {
  std::map<std::string, Row> rows;
  std::ifstream page(ONHOOK_METRICS_DOCUMENT);
  for (std::string line; std::getline(page, line);) {
    if (!absl::StartsWith(line, "| `onhook_") && !absl::StartsWith(line, "| `process_")) continue;
    const std::vector<std::string> cells = absl::StrSplit(line, '|');
    EXPECT_EQ(cells.size(), 7u) << line;
    if (cells.size() != 7) continue;
    EXPECT_GT(absl::StripAsciiWhitespace(cells[5]).size(), 1u) << "what to watch? " << line;
    Row row{std::string(absl::StripAsciiWhitespace(cells[2])),
            std::string(absl::StripAsciiWhitespace(cells[4])), LabelsOf(cells[3])};
    EXPECT_TRUE(rows.emplace(WithoutTicks(cells[1]), std::move(row)).second) << "twice: " << line;
  }
  return rows;
}

// What does not fit between a family and its row.
std::vector<std::string> Differences(const MetricsText::Family& family, const Row& row) {
  std::vector<std::string> differences;
  if (family.type != row.type) differences.push_back(absl::StrCat("is a ", family.type));
  if (family.help != row.help) differences.push_back(absl::StrCat("has the help ", family.help));
  std::map<std::string, std::set<std::string>> seen;
  for (const MetricsText::Sample& sample : family.samples) {
    std::set<std::string> names;
    for (const auto& [name, value] : sample.labels) {
      if (name == "le") continue;
      names.insert(name);
      seen[name].insert(value);
    }
    if (names.size() != row.labels.size()) {
      differences.push_back(absl::StrCat("has the labels ", absl::StrJoin(names, ", ")));
    }
  }
  for (const auto& [name, values] : row.labels) {
    if (seen[name].empty()) {
      differences.push_back(absl::StrCat("is never shown with ", name));
    } else if (!values.empty() && seen[name] != values) {
      differences.push_back(absl::StrCat(name, " is ", absl::StrJoin(seen[name], ", ")));
    }
  }
  return differences;
}

// With TLS on the probes' port only, so that everything is shown and events still go in clear.
class MetricsDocumentTest : public GatewayTest {
 protected:
  MetricsDocumentTest() {
    const TestCertificateFiles files = Write(directory_, "admin", authority_.ServerCertificate());
    settings_.admin.tls.certificate_file = files.certificate_file;
    settings_.admin.tls.key_file = files.key_file;
    settings_.subscriptions.push_back({"crm", {}});
    StartGateway();
  }

  MetricsText Shown() const {
    RawTlsClient::Options options;
    options.ca_pem = authority_.certificate_pem();
    RawTlsClient client(gateway_->admin_port(), options);
    return MetricsText(absl::StrCat(
        client.Send("GET /metrics HTTP/1.1\r\nHost: gateway\r\n\r\n").ReadAnswer().body,
        ShownOfASpool()));
  }
  // What a gateway with a spool shows beside.
  static std::string ShownOfASpool() {
    SpoolStats stats;
    stats.oldest_age = absl::ZeroDuration();
    Metrics metrics;
    const auto reporting =
        metrics.AddReporter([&stats](Metrics::Report& report) { ReportSpool(stats, report); });
    return metrics.Text();
  }

  const TestAuthority authority_;
  const std::map<std::string, Row> rows_ = RowsOfThePage();
};

TEST_F(MetricsDocumentTest, EveryFamilyThatIsShownIsInThePageAsItIs) {
  const MetricsText shown = Shown();
  EXPECT_THAT(shown.faults(), IsEmpty());
  EXPECT_GT(shown.families().size(), 40u);
  for (const auto& [name, family] : shown.families()) {
    const auto row = rows_.find(name);
    if (row == rows_.end()) {
      ADD_FAILURE() << name << " is not in the page";
      continue;
    }
    EXPECT_THAT(Differences(family, row->second), IsEmpty()) << name;
  }
}

TEST_F(MetricsDocumentTest, EveryRowOfThePageIsShownFromTheStart) {
  const MetricsText shown = Shown();
  EXPECT_GT(rows_.size(), 40u);
  for (const auto& [name, row] : rows_) EXPECT_EQ(shown.families().count(name), 1u) << name;
}

TEST_F(MetricsDocumentTest, WhatHappensShowsNothingThatIsNotInThePage) {
  Subscriber subscriber = Subscribe();
  subscriber.Open("crm");
  EXPECT_EQ(PostCall("1").body, kSuccess);
  AckDurably(subscriber, subscriber.Deliveries(1));
  EXPECT_EQ(Post("garbage").status, 400);
  EXPECT_EQ(AskAdmin("/livez").status, 400);  // in clear
  const MetricsText shown = Shown();
  EXPECT_THAT(shown.faults(), IsEmpty());
  for (const auto& [name, family] : shown.families()) {
    const auto row = rows_.find(name);
    ASSERT_NE(row, rows_.end()) << name;
    EXPECT_THAT(Differences(family, row->second), IsEmpty()) << name;
  }
}

}  // namespace
}  // namespace onhook
