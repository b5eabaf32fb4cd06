#include "gateway/config/access_reader.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/config/access_rules.h"

namespace onhook {
namespace {

using Members = NodeReader::Members;
using Take = NodeReader::Take;

Take Text(NodeReader& reader, std::string* text) {
  return [&reader, text](const auto& node, const auto& key) {
    *text = reader.Text(node, key);
    if (text->empty() && node.IsScalar()) reader.Fault(node, key, "must not be empty");
  };
}
Take Texts(NodeReader& reader, std::vector<std::string>* texts) {
  return [&reader, texts](const auto& node, const auto& key) { *texts = reader.Texts(node, key); };
}
Take Boolean(NodeReader& reader, bool* value) {
  return
      [&reader, value](const auto& node, const auto& key) { *value = reader.Boolean(node, key); };
}

Members MembersOf(NodeReader& reader, Settings::Identity& identity) {
  return {
      {"name", Text(reader, &identity.name)},
      {"certificate", Text(reader, &identity.certificate)},
      {"token_files", Texts(reader, &identity.token_files)},
      {"unix_socket", Boolean(reader, &identity.unix_socket)},
      {"subscribe", Texts(reader, &identity.subscribe)},
      {"create", Texts(reader, &identity.create)},
      {"administer", Texts(reader, &identity.administer)},
      {"watch", Boolean(reader, &identity.watch)},
      {"read_events", Boolean(reader, &identity.read_events)},
      {"rejected_callbacks", Boolean(reader, &identity.rejected_callbacks)},
      {"see_numbers", Boolean(reader, &identity.see_numbers)},
      {"monitor", Boolean(reader, &identity.monitor)},
  };
}

}  // namespace

std::vector<Settings::Identity> ReadAccess(const YAML::Node& node, NodeReader& reader) {
  std::vector<Settings::Identity> identities;
  if (node.IsSequence() && (node.size() == 0 || node.size() > kMostIdentities)) {
    reader.Fault(node, "access",
                 absl::StrCat("must hold 1 to ", kMostIdentities,
                              "; without the key whoever gets into the ports may do everything"));
    return identities;
  }
  reader.TakeMappings(node, "access", [&](const YAML::Node& n, const std::string& key) {
    Settings::Identity identity;
    const size_t faults_before = reader.fault_count();
    reader.TakeMembers(n, key, MembersOf(reader, identity));
    const bool could_be_read = reader.fault_count() == faults_before;
    for (const IdentityFault& fault : FindIdentityFaults(identity)) {
      if (!fault.member.empty()) {
        reader.WrongMember(n, key, fault.member, fault.description);
      } else if (could_be_read) {
        reader.Fault(n, key, fault.description);
      }
    }
    if (reader.fault_count() > faults_before) return;
    if (const auto conflict = FindIdentityConflict(identity, identities)) {
      return reader.WrongMember(n, key, conflict->member, conflict->description);
    }
    identities.push_back(std::move(identity));
  });
  return identities;
}

}  // namespace onhook
