#ifndef ONHOOK_GATEWAY_CONFIG_NODE_READER_H_
#define ONHOOK_GATEWAY_CONFIG_NODE_READER_H_

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace onhook {

// Takes values out of the nodes of a YAML document, strictly, and collects what is wrong.
//
// Each value is read with its key, "sources[0].name". What has another type than it should adds
// one fault, "FILE:LINE:COLUMN: KEY: what is expected", and gives an empty value.
//
// Threads: one. Blocking: never. Errors: they are faults.
class NodeReader {
 public:
  using Take = std::function<void(const YAML::Node& node, const std::string& key)>;
  using Members = std::map<std::string, Take>;

  // `name` stands for the file in faults. `faults` must outlive it.
  NodeReader(std::string name, std::vector<std::string>* faults);

  std::string Where(const YAML::Node& node) const;
  void Fault(const YAML::Node& node, const std::string& key, absl::string_view expected);
  // The same of a value that is wrong, and that is shown: "...: KEY: what is expected; not "5"".
  void Wrong(const YAML::Node& node, const std::string& key, absl::string_view expected);
  // The same of a member of the mapping `node`, whose key is `key`, for a rule that it breaks: not
  // if there is a fault of it already, and without what it holds if that may be a secret.
  void WrongMember(const YAML::Node& node, const std::string& key, absl::string_view member,
                   absl::string_view description);
  // The keys of all faults.
  const std::set<std::string>& wrong() const { return wrong_; }
  // How many faults there are. More than before: what was read meanwhile is not to be used.
  size_t fault_count() const { return faults_->size(); }

  // Where each member stood that TakeMembers and TakeMappings met.
  const std::map<std::string, std::string>& places() const { return places_; }

  // Calls the member of each key. Unknown keys, and those given twice, are faults.
  void TakeMembers(const YAML::Node& mapping, const std::string& key, const Members& members);
  // Calls `take` for each part of a sequence.
  void TakeEach(const YAML::Node& sequence, const std::string& key, const Take& take);
  // The same, of a sequence that holds mappings.
  void TakeMappings(const YAML::Node& sequence, const std::string& key, const Take& take);

  std::string Text(const YAML::Node& node, const std::string& key);
  std::vector<std::string> Texts(const YAML::Node& node, const std::string& key);
  bool Boolean(const YAML::Node& node, const std::string& key);
  int32_t Number(const YAML::Node& node, const std::string& key,
                 absl::string_view expected = "must be a whole number, without quotes");
  absl::Duration Duration(const YAML::Node& node, const std::string& key);
  // A text, as `parse` converts it: its message completes "KEY: ...".
  template <typename Value>
  Value Parsed(const YAML::Node& node, const std::string& key,
               absl::StatusOr<Value> (*parse)(absl::string_view)) {
    const size_t before = fault_count();
    const std::string text = Text(node, key);
    if (fault_count() > before) return Value();
    absl::StatusOr<Value> value = parse(text);
    if (value.ok()) return *std::move(value);
    Wrong(node, key, value.status().message());
    return Value();
  }

  // Whether a scalar is written without quotes and tags, as numbers and truth values are.
  static bool IsPlain(const YAML::Node& scalar) { return scalar.Tag() == "?"; }
  // What lies at `path`, keys divided by dots, in `node`: its innermost part that was given.
  static YAML::Node ValueAt(const YAML::Node& node, absl::string_view path);

 private:
  // Whether there is a fault of `key`, or of something within it.
  bool IsWrong(const std::string& key) const;

  const std::string name_;
  std::vector<std::string>* const faults_;
  std::map<std::string, std::string> places_;
  std::set<std::string> wrong_;
  std::set<std::string> misspelt_;  // mappings with a key that is none
};

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_NODE_READER_H_
