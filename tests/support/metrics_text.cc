#include "tests/support/metrics_text.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace onhook {
namespace {

absl::optional<MetricsText::Sample> ParseSample(absl::string_view line) {
  MetricsText::Sample sample;
  const size_t end = line.rfind(' ');
  if (end == absl::string_view::npos || !absl::SimpleAtod(line.substr(end + 1), &sample.value)) {
    return absl::nullopt;
  }
  absl::string_view series = line.substr(0, end);
  const size_t brace = series.find('{');
  sample.name = std::string(series.substr(0, brace));
  if (brace == absl::string_view::npos) return sample;
  series.remove_prefix(brace + 1);
  if (!absl::ConsumeSuffix(&series, "}")) return absl::nullopt;
  for (const absl::string_view label : absl::StrSplit(series, ',')) {
    std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(label, '=');
    if (!absl::ConsumePrefix(&parts.second, "\"") || !absl::ConsumeSuffix(&parts.second, "\"")) {
      return absl::nullopt;
    }
    sample.labels[std::string(parts.first)] = std::string(parts.second);
  }
  return sample;
}

bool BelongsTo(absl::string_view name, absl::string_view family, absl::string_view type) {
  if (!absl::ConsumePrefix(&name, family)) return false;
  if (type != "histogram") return name.empty();
  return name == "_count" || name == "_sum" || name == "_bucket";
}

}  // namespace

MetricsText::MetricsText(absl::string_view text) {
  std::string current;
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const absl::string_view whole = line;
    const bool is_help = absl::ConsumePrefix(&line, "# HELP ");
    if (is_help || absl::ConsumePrefix(&line, "# TYPE ")) {
      const std::pair<absl::string_view, absl::string_view> parts =
          absl::StrSplit(line, absl::MaxSplits(' ', 1));
      current = std::string(parts.first);
      std::string& told = is_help ? families_[current].help : families_[current].type;
      if (!told.empty()) faults_.emplace_back(whole);  // twice
      told = std::string(parts.second);
      continue;
    }
    absl::optional<Sample> sample = ParseSample(line);
    if (!sample.has_value() || !BelongsTo(sample->name, current, families_[current].type) ||
        Find(sample->name, sample->labels).has_value()) {
      faults_.emplace_back(whole);
    } else {
      families_[current].samples.push_back(*std::move(sample));
    }
  }
}

absl::optional<double> MetricsText::Find(const std::string& name, const Labels& labels) const {
  for (const auto& [family, told] : families_) {
    if (!BelongsTo(name, family, told.type)) continue;
    for (const Sample& sample : told.samples) {
      if (sample.name == name && sample.labels == labels) return sample.value;
    }
  }
  return absl::nullopt;
}

}  // namespace onhook
