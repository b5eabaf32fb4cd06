#include "gateway/config/node_reader.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gateway/base/text.h"
#include "gateway/config/near_name.h"
#include "gateway/config/setting_values.h"

namespace onhook {
namespace {

// More than any list may hold. The same long list may stand in a file many times, by an alias.
constexpr size_t kMostParts = 10000;

// A key of the file's may hold what moves a terminal's cursor.
std::string Printable(absl::string_view key) {
  std::string quoted;
  AppendJsonString(key, quoted);
  return quoted.substr(1, quoted.size() - 2);
}

std::string Shown(const YAML::Node& node) {
  if (node.IsScalar()) return QuotedValue(node.Scalar());
  return node.IsNull() ? "nothing" : node.IsSequence() ? "a sequence" : "a mapping";
}

std::vector<std::string> NamesOf(const NodeReader::Members& members) {
  std::vector<std::string> names;
  for (const auto& [name, take] : members) names.push_back(name);
  return names;
}

// Of a text it is not told which: somebody may have put a secret where the name of its file
// belongs.
std::string TypeOf(const YAML::Node& node) { return node.IsScalar() ? "a text" : Shown(node); }

}  // namespace

NodeReader::NodeReader(std::string name, std::vector<std::string>* faults)
    : name_(std::move(name)), faults_(faults) {}

std::string NodeReader::Where(const YAML::Node& node) const {
  const YAML::Mark mark = node.Mark();
  return absl::StrCat(name_, ":", mark.line + 1, ":", mark.column + 1);
}

void NodeReader::Fault(const YAML::Node& node, const std::string& key, absl::string_view expected) {
  faults_->push_back(absl::StrCat(Where(node), ": ", Printable(key), ": ", expected));
  wrong_.insert(key);
}

void NodeReader::Wrong(const YAML::Node& node, const std::string& key, absl::string_view expected) {
  Fault(node, key, absl::StrCat(expected, "; not ", Shown(node)));
}

void NodeReader::WrongMember(const YAML::Node& node, const std::string& key,
                             absl::string_view member, absl::string_view description) {
  const std::string inside = absl::StrCat(key, ".", member);
  if (IsWrong(inside)) return;
  const YAML::Node value = ValueAt(node, member);
  if (places_.count(inside) == 0) {
    // Then that is why.
    const std::string mapping = inside.substr(0, inside.rfind('.'));
    if (misspelt_.count(mapping) > 0 || wrong_.count(mapping) > 0) return;
    return Fault(value, inside, absl::StrCat(description, "; it is not given"));
  }
  const bool is_shown = value.IsScalar() && absl::StartsWith(description, "must ") &&
                        !absl::StrContains(member, "_file");
  return is_shown ? Wrong(value, inside, description) : Fault(value, inside, description);
}

bool NodeReader::IsWrong(const std::string& key) const {
  for (auto it = wrong_.lower_bound(key); it != wrong_.end(); ++it) {
    absl::string_view rest = *it;
    if (!absl::ConsumePrefix(&rest, key)) return false;
    if (rest.empty() || rest[0] == '.' || rest[0] == '[') return true;
  }
  return false;
}

void NodeReader::TakeMembers(const YAML::Node& mapping, const std::string& key,
                             const Members& members) {
  if (!mapping.IsMap()) {
    return Fault(mapping, key, absl::StrCat("must be a mapping; not ", TypeOf(mapping)));
  }
  std::map<std::string, std::string> seen;  // with its place
  for (const auto& entry : mapping) {
    const std::string name = entry.first.Scalar();
    const std::string inside = absl::StrCat(key, ".", name);
    const auto member = members.find(name);
    const auto [first, is_first] = seen.emplace(name, Where(entry.first));
    if (!is_first) {
      Fault(entry.first, inside, absl::StrCat("is given twice, first at ", first->second));
    } else if (member == members.end()) {
      Fault(entry.first, inside,
            NoSuch("key", name, NamesOf(members), "onhookd --print-reference"));
      misspelt_.insert(key);
    } else {
      places_[inside] = Where(entry.second);
      member->second(entry.second, inside);
    }
  }
}

void NodeReader::TakeEach(const YAML::Node& sequence, const std::string& key, const Take& take) {
  if (!sequence.IsSequence()) {
    return Fault(sequence, key, absl::StrCat("must be a sequence; not ", TypeOf(sequence)));
  }
  if (sequence.size() > kMostParts) {
    return Fault(sequence, key, absl::StrCat("holds more than ", kMostParts));
  }
  for (size_t i = 0; i < sequence.size(); ++i) {
    take(sequence[i], absl::StrCat(key, "[", i, "]"));
  }
}

void NodeReader::TakeMappings(const YAML::Node& sequence, const std::string& key,
                              const Take& take) {
  places_[key] = Where(sequence);
  TakeEach(sequence, key, [&](const YAML::Node& node, const std::string& inside) {
    places_[inside] = Where(node);
    if (node.IsMap()) return take(node, inside);
    Fault(node, inside, absl::StrCat("must be a mapping; not ", TypeOf(node)));
  });
}

std::string NodeReader::Text(const YAML::Node& node, const std::string& key) {
  if (node.IsScalar()) return node.Scalar();
  Fault(node, key, absl::StrCat("must be a text; not ", TypeOf(node)));
  return "";
}

std::vector<std::string> NodeReader::Texts(const YAML::Node& node, const std::string& key) {
  std::vector<std::string> texts;
  TakeEach(node, key, [&](const YAML::Node& part, const std::string& inside) {
    texts.push_back(Text(part, inside));
  });
  return texts;
}

bool NodeReader::Boolean(const YAML::Node& node, const std::string& key) {
  const absl::StatusOr<bool> value =
      ParseBoolean(node.IsScalar() && IsPlain(node) ? node.Scalar() : "");
  if (!value.ok()) Wrong(node, key, absl::StrCat(value.status().message(), ", without quotes"));
  return value.value_or(false);
}

int32_t NodeReader::Number(const YAML::Node& node, const std::string& key,
                           absl::string_view expected) {
  int32_t number = 0;
  if (!node.IsScalar() || !IsPlain(node) || !absl::SimpleAtoi(node.Scalar(), &number)) {
    Wrong(node, key, expected);
  }
  return number;
}

absl::Duration NodeReader::Duration(const YAML::Node& node, const std::string& key) {
  return Parsed<absl::Duration>(node, key, ParseDurationValue);
}

YAML::Node NodeReader::ValueAt(const YAML::Node& node, absl::string_view path) {
  YAML::Node place = node;
  for (const absl::string_view key : absl::StrSplit(path, '.')) {
    const YAML::Node& mapping = place;  // as a constant it is not added to
    const YAML::Node member = mapping.IsMap() ? mapping[std::string(key)] : YAML::Node();
    if (!member.IsDefined() || member.IsNull()) break;
    place.reset(member);
  }
  return place;
}

}  // namespace onhook
