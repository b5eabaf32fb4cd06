#include "gateway/config/sources_reader.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/base/ip_network.h"
#include "gateway/config/setting_kinds.h"
#include "gateway/config/setting_values.h"
#include "gateway/config/source_rules.h"
#include "gateway/config/subscription_spec.h"

namespace onhook {
namespace {

using Enforce = Settings::Source::SharedKey::Enforce;
using Members = NodeReader::Members;
using Take = NodeReader::Take;

constexpr absl::string_view kAuthenticationForm =
    "must be none, or one of {shared_key: ...}, {bearer: ...} and {basic: ...}";

absl::StatusOr<Enforce> ParseEnforce(absl::string_view text) {
  if (text == "reject") return Enforce::kReject;
  if (text == "report") return Enforce::kReport;
  return absl::InvalidArgumentError("must be reject or report");
}

absl::StatusOr<std::string> ParseSubscriptionName(absl::string_view text) {
  if (CheckSubscriptionName(text).ok()) return std::string(text);
  return absl::InvalidArgumentError("must be the name of a subscription");
}

// Each puts what it reads where it was told.
Take Text(NodeReader& reader, std::string* text) {
  return [&reader, text](const auto& n, const auto& key) { *text = reader.Text(n, key); };
}
Take Texts(NodeReader& reader, std::vector<std::string>* texts) {
  return [&reader, texts](const auto& n, const auto& key) { *texts = reader.Texts(n, key); };
}
Take Networks(NodeReader& reader, std::vector<IpNetwork>* networks) {
  return [&reader, networks](const auto& node, const auto& key) {
    reader.TakeEach(node, key, [&](const auto& n, const auto& inside) {
      networks->push_back(reader.Parsed<IpNetwork>(n, inside, IpNetwork::Parse));
    });
  };
}

void TakeSharedKey(NodeReader& reader, const YAML::Node& node, const std::string& key,
                   Settings::Source& source) {
  // Not emplace(): to clang the nested class, with its defaults, is not constructible by nothing.
  source.shared_key = Settings::Source::SharedKey();
  Settings::Source::SharedKey& shared = *source.shared_key;
  reader.TakeMembers(
      node, key,
      {{"key_files", Texts(reader, &shared.key_files)},
       {"replay_window",
        [&](const auto& n, const auto& k) { shared.replay_window = reader.Duration(n, k); }},
       {"enforce", [&](const auto& n, const auto& k) {
          shared.enforce = reader.Parsed<Enforce>(n, k, ParseEnforce);
        }}});
}

void TakeAuthentication(NodeReader& reader, const YAML::Node& node, const std::string& key,
                        Settings::Source& source) {
  if (node.IsScalar() && node.Scalar() == "none") return;
  if (!node.IsMap() || node.size() == 0) return reader.Fault(node, key, kAuthenticationForm);
  reader.TakeMembers(
      node, key,
      {{"shared_key", [&](const auto& n, const auto& k) { TakeSharedKey(reader, n, k, source); }},
       {"bearer",
        [&](const auto& n, const auto& k) {
          reader.TakeMembers(
              n, k, {{"token_files", Texts(reader, &source.bearer.emplace().token_files)}});
        }},
       {"basic", [&](const auto& n, const auto& k) {
          Settings::Source::Basic& basic = source.basic.emplace();
          reader.TakeMembers(n, k,
                             {{"username", Text(reader, &basic.username)},
                              {"password_files", Texts(reader, &basic.password_files)}});
        }}});
}

void TakeAcknowledge(NodeReader& reader, const YAML::Node& node, const std::string& key,
                     DeclaredSource& declared) {
  const Take subscriptions = [&](const YAML::Node& n, const std::string& inside) {
    std::vector<std::string>& names = declared.subscriptions.emplace();
    reader.TakeEach(n, inside, [&](const YAML::Node& part, const std::string& k) {
      names.push_back(reader.Parsed<std::string>(part, k, ParseSubscriptionName));
    });
  };
  reader.TakeMembers(
      node, key,
      {{"when",
        [&](const auto& n, const auto& k) {
          declared.when = reader.Parsed<Settings::Acknowledge::When>(n, k, ParseAcknowledgeWhen);
        }},
       {"subscriptions", subscriptions},
       {"timeout",
        [&](const auto& n, const auto& k) { declared.timeout = reader.Duration(n, k); }}});
}

Members MembersOf(NodeReader& reader, DeclaredSource& declared) {
  Settings::Source& source = declared.source;
  return {
      {"name", Text(reader, &source.name)},
      {"path", Text(reader, &source.path)},
      {"path_token_file",
       [&](const auto& n, const auto& key) {
         source.path_token_file = reader.Parsed<std::string>(n, key, ParsePath);
       }},
      {"authentication",
       [&](const auto& n, const auto& key) { TakeAuthentication(reader, n, key, source); }},
      {"allowed_networks", Networks(reader, &source.allowed_networks)},
      {"trusted_proxies", Networks(reader, &source.trusted_proxies)},
      {"time_zone", Text(reader, &source.time_zone)},
      {"acknowledge",
       [&](const auto& n, const auto& key) { TakeAcknowledge(reader, n, key, declared); }},
      {"answer",
       [&](const auto& n, const auto& key) {
         const Take always_200 = [&](const YAML::Node& value, const std::string& inside) {
           source.always_200 = reader.Boolean(value, inside);
         };
         reader.TakeMembers(n, key, {{"always_200", always_200}});
       }},
  };
}

}  // namespace

std::vector<DeclaredSource> ReadSources(const YAML::Node& node, NodeReader& reader) {
  std::vector<DeclaredSource> sources;
  std::vector<Settings::Source> before;
  if (node.IsSequence() && (node.size() == 0 || node.size() > kMostSources)) {
    reader.Fault(node, "sources", absl::StrCat("must hold 1 to ", kMostSources));
    return sources;
  }
  reader.TakeMappings(node, "sources", [&](const YAML::Node& n, const std::string& key) {
    DeclaredSource declared;
    declared.source.name.clear();  // the defaults are those of the source that nobody declares
    declared.source.path.clear();
    const size_t faults_before = reader.fault_count();
    reader.TakeMembers(n, key, MembersOf(reader, declared));
    for (const SourceFault& fault : FindSourceFaults(declared.source)) {
      reader.WrongMember(n, key, fault.member, fault.description);
    }
    if (reader.fault_count() > faults_before) return;
    if (const auto conflict = FindSourceConflict(declared.source, before)) {
      return reader.WrongMember(n, key, conflict->member, conflict->description);
    }
    before.push_back(declared.source);
    sources.push_back(std::move(declared));
  });
  return sources;
}

}  // namespace onhook
