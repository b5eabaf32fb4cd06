#include "clients/cli/metrics_text.h"

#include <cstddef>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace onhook::cli {
namespace {

// Takes `"..."` from the beginning of `rest`, with its escapes undone.
bool ConsumeQuoted(absl::string_view* rest, std::string* value) {
  if (!absl::ConsumePrefix(rest, "\"")) return false;
  for (size_t i = 0; i < rest->size(); ++i) {
    const char byte = (*rest)[i];
    if (byte == '"') {
      rest->remove_prefix(i + 1);
      return true;
    }
    if (byte != '\\') {
      value->push_back(byte);
    } else if (++i < rest->size()) {
      value->push_back((*rest)[i] == 'n' ? '\n' : (*rest)[i]);
    }
  }
  return false;
}

// Takes `{name="value",...}` from the beginning of `rest`, if there is one.
bool ConsumeLabels(absl::string_view* rest, std::map<std::string, std::string>* labels) {
  if (!absl::ConsumePrefix(rest, "{")) return true;
  while (!absl::ConsumePrefix(rest, "}")) {
    const size_t equals = rest->find('=');
    if (equals == rest->npos) return false;
    const std::string name(rest->substr(0, equals));
    rest->remove_prefix(equals + 1);
    if (!ConsumeQuoted(rest, &(*labels)[name])) return false;
    absl::ConsumePrefix(rest, ",");
  }
  return true;
}

}  // namespace

MetricsText::MetricsText(absl::string_view text) {
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (line.empty() || line[0] == '#') continue;
    const std::string name(line.substr(0, line.find_first_of("{ ")));
    line.remove_prefix(name.size());
    Sample sample;
    if (!ConsumeLabels(&line, &sample.labels)) continue;
    // A time may stand behind the value.
    line = absl::StripLeadingAsciiWhitespace(line);
    line = line.substr(0, line.find(' '));
    if (absl::SimpleAtod(line, &sample.value)) samples_.emplace(name, std::move(sample));
  }
}

std::vector<MetricsText::Sample> MetricsText::Of(const std::string& name) const {
  std::vector<Sample> samples;
  const auto [first, last] = samples_.equal_range(name);
  for (auto at = first; at != last; ++at) samples.push_back(at->second);
  return samples;
}

std::optional<double> MetricsText::Value(const std::string& name) const {
  const auto found = samples_.find(name);
  if (found == samples_.end()) return std::nullopt;
  return found->second.value;
}

double MetricsText::Sum(const std::string& name) const {
  double sum = 0;
  for (const Sample& sample : Of(name)) sum += sample.value;
  return sum;
}

}  // namespace onhook::cli
