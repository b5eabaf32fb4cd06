#include "gateway/config/open_quotes.h"

#include <set>

#include "absl/strings/str_split.h"

namespace onhook {
namespace {

using Place = std::pair<int, int>;

// Whether the quoted text at the beginning of `rest` ends within it.
bool Ends(absl::string_view rest) {
  const char quote = rest[0];
  for (size_t at = 1; at < rest.size(); ++at) {
    if (quote == '"' && rest[at] == '\\') {
      ++at;
    } else if (rest[at] == quote) {
      const bool doubled = quote == '\'' && at + 1 < rest.size() && rest[at + 1] == quote;
      if (!doubled) return true;
      ++at;
    }
  }
  return false;
}

class Search {
 public:
  explicit Search(absl::string_view text) : lines_(absl::StrSplit(text, '\n')) {}

  // An alias leads to a node that was visited, or will be.
  void Visit(const YAML::Node& node) {
    const Place place(node.Mark().line, node.Mark().column);
    if (!visited_.insert({place, node.Type()}).second) return;
    if (node.IsScalar()) {
      LookAt(place);
    } else if (node.IsSequence()) {
      for (const auto& member : node) Visit(member);
    } else if (node.IsMap()) {
      for (const auto& entry : node) {
        Visit(entry.first);
        Visit(entry.second);
      }
    }
  }

  std::vector<Place> Take() { return std::move(found_); }

 private:
  void LookAt(Place place) {
    const auto [line, column] = place;
    if (line < 0 || column < 0 || static_cast<size_t>(line) >= lines_.size()) return;
    absl::string_view rest = lines_[static_cast<size_t>(line)];
    if (static_cast<size_t>(column) >= rest.size()) return;
    rest.remove_prefix(static_cast<size_t>(column));
    if ((rest[0] == '"' || rest[0] == '\'') && !Ends(rest)) found_.push_back(place);
  }

  const std::vector<absl::string_view> lines_;
  std::set<std::pair<Place, YAML::NodeType::value>> visited_;
  std::vector<Place> found_;
};

}  // namespace

std::vector<Place> FindOpenQuotes(const YAML::Node& document, absl::string_view text) {
  Search search(text);
  search.Visit(document);
  return search.Take();
}

}  // namespace onhook
