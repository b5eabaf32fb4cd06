#include "gateway/config/second_document.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <sstream>

namespace onhook {
namespace {

using YAML::anchor_t;
using YAML::Mark;
using Style = YAML::EmitterStyle::value;

// Notes where documents begin, and drops what they hold.
class Beginnings : public YAML::EventHandler {
 public:
  Mark last() const { return last_; }

  void OnDocumentStart(const Mark& mark) override { last_ = mark; }
  void OnDocumentEnd() override {}
  void OnNull(const Mark& /*mark*/, anchor_t /*anchor*/) override {}
  void OnAlias(const Mark& /*mark*/, anchor_t /*anchor*/) override {}
  void OnScalar(const Mark& /*mark*/, const std::string& /*tag*/, anchor_t /*anchor*/,
                const std::string& /*value*/) override {}
  void OnSequenceStart(const Mark& /*mark*/, const std::string& /*tag*/, anchor_t /*anchor*/,
                       Style /*style*/) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const Mark& /*mark*/, const std::string& /*tag*/, anchor_t /*anchor*/,
                  Style /*style*/) override {}
  void OnMapEnd() override {}

 private:
  Mark last_;
};

}  // namespace

std::optional<std::pair<int, int>> FindSecondDocument(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  Beginnings beginnings;
  if (!parser.HandleNextDocument(beginnings) || !parser.HandleNextDocument(beginnings)) {
    return std::nullopt;
  }
  return std::make_pair(beginnings.last().line, beginnings.last().column);
}

}  // namespace onhook
