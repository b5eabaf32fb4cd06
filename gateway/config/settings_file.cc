#include "gateway/config/settings_file.h"

#include <sys/stat.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gateway/base/text.h"
#include "gateway/config/access_reader.h"
#include "gateway/config/near_name.h"
#include "gateway/config/node_reader.h"
#include "gateway/config/open_quotes.h"
#include "gateway/config/second_document.h"
#include "gateway/config/sources_reader.h"
#include "gateway/config/subscriptions_reader.h"
#include "gateway/config/yaml_words.h"

namespace onhook {
namespace {

constexpr size_t kLargestFile = 1 << 20;
constexpr int kDeepest = 8;

// Reads one document into a SettingsFile.
class FileReader {
 public:
  FileReader(std::string name, std::vector<std::string>* faults)
      : nodes_(std::move(name), faults) {}

  SettingsFile Read(const YAML::Node& document) {
    if (document.IsMap()) {
      TakeMapping(document, "", 0);
    } else if (!document.IsNull()) {
      nodes_.Wrong(document, "settings", "must be mappings of keys and values");
    }
    file_.places = nodes_.places();
    file_.wrong = nodes_.wrong();
    return std::move(file_);
  }

 private:
  void TakeMapping(const YAML::Node& mapping, const std::string& prefix, int depth) {
    std::map<std::string, std::string> seen;  // with its place
    for (const auto& entry : mapping) {
      const std::string name = entry.first.Scalar();
      const std::string key = prefix + name;
      const auto [first, is_first] = seen.emplace(key, nodes_.Where(entry.first));
      if (!is_first) {
        nodes_.Fault(entry.first, key, absl::StrCat("is given twice, first at ", first->second));
      } else if (absl::StrContains(name, '.')) {
        // It could stand beside the same setting in its mapping, and one of them would be lost.
        nodes_.Fault(entry.first, key,
                     "no such key; write groups as mappings: http: {listen: ...}");
      } else if (key == "sources") {
        file_.sources = ReadSources(entry.second, nodes_);
      } else if (key == "subscriptions") {
        file_.subscriptions = ReadSubscriptions(entry.second, nodes_);
      } else if (key == "access") {
        file_.access = ReadAccess(entry.second, nodes_);
      } else if (const Setting* setting = Find(key)) {
        TakeSetting(*setting, entry.second);
      } else if (IsGroup(key) && depth < kDeepest) {
        if (entry.second.IsMap()) {
          TakeMapping(entry.second, key + ".", depth + 1);
        } else {
          nodes_.Wrong(entry.second, key, "must be a mapping");
        }
      } else {
        nodes_.Fault(entry.first, key,
                     NoSuch("setting", name, NamesWithin(prefix), "onhookd --help"));
      }
    }
  }
  static const Setting* Find(const std::string& name) {
    for (const Setting& setting : SettingsTable()) {
      if (setting.name == name) return &setting;
    }
    return nullptr;
  }
  static bool IsGroup(const std::string& name) {
    for (const Setting& setting : SettingsTable()) {
      if (absl::StartsWith(setting.name, name + ".")) return true;
    }
    return false;
  }
  // What may stand in the mapping of a group: "http.", or "" for all.
  static std::vector<std::string> NamesWithin(absl::string_view prefix) {
    std::vector<std::string> names;
    if (prefix.empty()) names = {"sources", "subscriptions", "access"};
    for (const Setting& setting : SettingsTable()) {
      absl::string_view rest = setting.name;
      if (!absl::ConsumePrefix(&rest, prefix)) continue;
      names.emplace_back(rest.substr(0, rest.find('.')));
    }
    return names;
  }
  void TakeSetting(const Setting& setting, const YAML::Node& node) {
    const std::string key(setting.name);
    std::string value;
    if (node.IsScalar() && (!setting.is_plain || NodeReader::IsPlain(node))) {
      value = node.Scalar();
    } else if (node.IsSequence() && setting.is_list()) {
      return TakeList(setting, node);
    } else {
      return nodes_.Wrong(
          node, key,
          absl::StrCat("must be ", setting.form, setting.is_plain ? ", without quotes" : ""));
    }
    if (IsGood(setting, value, node, key)) file_.values[&setting] = {value, nodes_.Where(node)};
  }
  // Each part by itself, so that a fault is told of the part that has it.
  void TakeList(const Setting& setting, const YAML::Node& sequence) {
    std::vector<std::string> parts;
    const size_t faults_before = nodes_.fault_count();
    nodes_.TakeEach(sequence, std::string(setting.name),
                    [&](const YAML::Node& node, const std::string& key) {
                      parts.push_back(nodes_.Text(node, key));
                      if (node.IsScalar()) IsGood(setting, parts.back(), node, key);
                    });
    if (parts.empty() && !IsGood(setting, "", sequence, std::string(setting.name))) return;
    if (nodes_.fault_count() > faults_before) return;
    file_.values[&setting] = {absl::StrJoin(parts, ","), nodes_.Where(sequence)};
  }
  // Whether `setting` may have the value. If not, that is a fault of `key`.
  bool IsGood(const Setting& setting, const std::string& value, const YAML::Node& node,
              const std::string& key) {
    Settings scratch;
    const absl::Status read = setting.read(value, scratch);
    if (!read.ok()) nodes_.Wrong(node, key, read.message());
    return read.ok();
  }

  NodeReader nodes_;
  SettingsFile file_;
};

// The number of the first line that is no UTF-8, from 1; 0 if all are.
size_t FindWrongLine(absl::string_view text) {
  size_t number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    // To yaml-cpp a NUL near the beginning means UTF-16 or UTF-32.
    if (!IsValidUtf8(line) || absl::StrContains(line, '\0')) return number;
  }
  return 0;
}

// Line and column, from 0. Of what is missing at the end the parser gives the beginning of the
// file, or no place.
std::pair<size_t, size_t> PlaceOf(const YAML::Exception& error, absl::string_view text) {
  const YAML::Mark& mark = error.mark;
  const bool is_at_end = mark.line < 0 || (mark.pos == 0 && absl::StartsWith(error.msg, "end of "));
  if (!is_at_end) return {static_cast<size_t>(mark.line), static_cast<size_t>(mark.column)};
  text = absl::StripTrailingAsciiWhitespace(text);
  const size_t last_line = text.rfind('\n') + 1;  // 0 if there is one line
  return {std::count(text.begin(), text.end(), '\n'), text.size() - last_line};
}

// Where in the line, from 0, a tab indents it; if none does, beyond every line. To the parser it is
// no indentation, so that what it says is about something else.
size_t FindIndentingTab(absl::string_view text, size_t line) {
  const std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
  if (line >= lines.size()) return absl::string_view::npos;
  const size_t tab = lines[line].find('\t');
  return tab < lines[line].find_first_not_of(" \t") ? tab : absl::string_view::npos;
}

std::string FaultOf(const YAML::Exception& error, absl::string_view text, const std::string& name) {
  const auto [line, column] = PlaceOf(error, text);
  const size_t tab = FindIndentingTab(text, line);
  if (tab != absl::string_view::npos) {
    return absl::StrCat(name, ":", line + 1, ":", tab + 1,
                        ": a tab indents the line; write spaces");
  }
  return absl::StrCat(name, ":", line + 1, ":", column + 1, ": ", WordsForYaml(error.msg));
}

}  // namespace

SettingsFile ReadSettingsFile(const std::string& path, std::vector<std::string>& faults) {
  const auto cannot_be_read = [&](absl::string_view why) {
    faults.push_back(absl::StrCat(path, ": cannot be read: ", why,
                                  "; must be a file of settings in YAML that this user may read"));
    return SettingsFile();
  };
  struct stat found {};
  if (stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode)) {
    return cannot_be_read("it is a directory");
  }
  std::ifstream stream(path, std::ios::binary);
  if (!stream.is_open()) return cannot_be_read(std::strerror(errno));
  // Also a device without end is read no further than that it is too large.
  std::string text(kLargestFile + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad()) return cannot_be_read(std::strerror(errno));
  text.resize(static_cast<size_t>(stream.gcount()));
  return ParseSettingsFile(text, path, faults);
}

SettingsFile ParseSettingsFile(absl::string_view text, const std::string& name,
                               std::vector<std::string>& faults) {
  if (text.size() > kLargestFile) {
    faults.push_back(absl::StrCat(name, ": is larger than ", kLargestFile, " bytes"));
    return {};
  }
  // yaml-cpp lets some of it pass; it would reach clients in messages that they cannot read.
  if (const size_t line = FindWrongLine(text); line > 0) {
    faults.push_back(absl::StrCat(name, ":", line, ":1: is not text in UTF-8"));
    return {};
  }
  try {
    const std::string whole(text);
    if (const auto second = FindSecondDocument(whole)) {
      faults.push_back(absl::StrCat(name, ":", second->first + 1, ":", second->second + 1,
                                    ": holds more than one document, or what is part of none"));
      return {};
    }
    const YAML::Node document = YAML::Load(whole);
    const auto open_quotes = FindOpenQuotes(document, text);
    for (const auto& [line, column] : open_quotes) {
      faults.push_back(absl::StrCat(name, ":", line + 1, ":", column + 1,
                                    ": a quoted text must end on the line where it begins"));
    }
    if (!open_quotes.empty()) return {};
    return FileReader(name, &faults).Read(document);
  } catch (const YAML::Exception& error) {
    faults.push_back(FaultOf(error, text, name));
    return {};
  }
}

}  // namespace onhook
