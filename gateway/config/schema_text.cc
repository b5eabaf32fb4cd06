#include "gateway/config/schema_text.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gateway/config/access_rules.h"
#include "gateway/config/json_object.h"
#include "gateway/config/settings.h"
#include "gateway/config/settings_members.h"
#include "gateway/config/settings_table.h"
#include "gateway/config/source_rules.h"
#include "gateway/config/value_schema.h"

namespace onhook {
namespace {

// A mapping of the file, with what may be in it, in the order of the reference.
struct Mapping {
  struct Member {
    std::string name;
    JsonObject schema;  // of the value; of a mapping, what there is beside its members
    std::vector<Mapping> inside = {};  // one, if the value is or may be a mapping
  };
  std::vector<Member> members;
  std::vector<std::string> required;

  // The member at `path`, "retention.age", made if it is missing, with the mappings that it is in.
  Member& At(absl::string_view path) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(path, absl::MaxSplits('.', 1));
    Member& member = Named(parts.first);
    if (parts.second.empty()) return member;
    if (member.inside.empty()) member.inside.emplace_back();
    return member.inside[0].At(parts.second);
  }
  Mapping& MappingOf(absl::string_view path) {
    const size_t end = path.rfind('.');
    return end == absl::string_view::npos ? *this : At(path.substr(0, end)).inside[0];
  }

 private:
  Member& Named(absl::string_view name) {
    const auto found = std::find_if(members.begin(), members.end(),
                                    [name](const Member& one) { return one.name == name; });
    if (found != members.end()) return *found;
    members.push_back({std::string(name), JsonObject()});
    return members.back();
  }
};

JsonObject SchemaOfMapping(const Mapping& mapping);

// `none`, or exactly one of the ways.
JsonObject SchemaOfAuthentication(const Mapping& ways) {
  const JsonObject one = JsonObject()
                             .AddAll(SchemaOfMapping(ways))
                             .AddNumber("minProperties", 1)
                             .AddNumber("maxProperties", 1);
  const std::string none = JsonObject().Add("enum", JsonArray({JsonText("none")})).Text();
  return JsonObject().Add("anyOf", JsonArray({none, one.Text()}));
}

JsonObject SchemaOfMember(const Mapping::Member& member) {
  JsonObject schema = member.schema;
  if (member.inside.empty()) return schema;
  return schema.AddAll(member.name == "authentication" ? SchemaOfAuthentication(member.inside[0])
                                                       : SchemaOfMapping(member.inside[0]));
}

JsonObject SchemaOfMapping(const Mapping& mapping) {
  JsonObject properties;
  for (const Mapping::Member& member : mapping.members) {
    properties.Add(member.name, SchemaOfMember(member).Text());
  }
  JsonObject schema;
  schema.AddText("type", "object").Add("additionalProperties", "false");
  if (!mapping.required.empty()) schema.Add("required", JsonArray(mapping.required));
  return schema.Add("properties", properties.Text());
}

// "Where callbacks come in." of "where callbacks come in".
std::string Sentence(absl::string_view text) {
  std::string sentence(text);
  sentence[0] = absl::ascii_toupper(static_cast<unsigned char>(sentence[0]));
  return sentence + ".";
}

// A value of the reference as JSON has it: a number or truth value is one if a file has it without
// quotes.
std::string ValueAsJson(absl::string_view value) {
  const bool is_number = std::all_of(value.begin(), value.end(), absl::ascii_isdigit);
  const bool is_plain = value == "true" || value == "false" || value == "[]" || is_number;
  return is_plain ? std::string(value) : JsonText(value);
}

JsonObject SchemaOfSetting(const Setting& setting) {
  const std::string fallback = setting.write(Settings());
  JsonObject schema;
  schema.AddText(
      "description",
      absl::StrCat(
          Sentence(setting.description), " ", setting.form, setting.bounds.empty() ? "" : ", ",
          setting.bounds, ". Default ", fallback.empty() ? "none" : fallback, ": ", setting.reason,
          ". Flag ", setting.Flag(), ", variable ", setting.Variable(), ". ",
          setting.reloads ? "A running gateway takes a change." : "A change takes a restart."));
  schema.AddAll(SchemaOfForm(setting.form, setting.bounds,
                             fallback.empty() ? MayBeEmpty::kYes : MayBeEmpty::kNo));
  if (!fallback.empty()) {
    schema.Add("default", setting.is_plain ? ValueAsJson(fallback) : JsonText(fallback));
  }
  return schema;
}

// Whether the default is a value that could be written, and not a word that describes one.
bool IsValue(const SettingMember& member) {
  if (member.fallback == "unlimited") return absl::StrContains(member.form, "unlimited");
  return !member.fallback.empty() && member.fallback != "none" && member.fallback != "all" &&
         member.fallback != member.name;
}

JsonObject SchemaOfMember(const SettingMember& member) {
  JsonObject schema;
  schema.AddText("description",
                 absl::StrCat(Sentence(member.description), " ", member.form,
                              member.fallback.empty() ? ", must be given." : ". Default ",
                              member.fallback, member.fallback.empty() ? "" : ": ", member.reason,
                              member.fallback.empty() ? "" : "."));
  if (absl::StartsWith(member.form, "none, or")) return schema;
  std::pair<absl::string_view, absl::string_view> form = {member.form, ""};
  if (member.form[0] != '[') form = absl::StrSplit(member.form, absl::MaxSplits(", ", 1));
  schema.AddAll(SchemaOfForm(form.first, form.second,
                             member.fallback.empty() ? MayBeEmpty::kNo : MayBeEmpty::kYes));
  if (IsValue(member)) schema.Add("default", ValueAsJson(member.fallback));
  return schema;
}

JsonObject SchemaOfMembers(absl::Span<const SettingMember> members) {
  Mapping mapping;
  for (const SettingMember& member : members) {
    mapping.At(member.name).schema = SchemaOfMember(member);
    if (!member.fallback.empty()) continue;
    const absl::string_view name = member.name.substr(member.name.rfind('.') + 1);
    mapping.MappingOf(member.name).required.push_back(JsonText(name));
  }
  return SchemaOfMapping(mapping);
}

JsonObject SequenceOf(const JsonObject& items, absl::string_view description) {
  return JsonObject()
      .AddText("description", description)
      .AddText("type", "array")
      .Add("items", items.Text());
}

std::string Requiring(absl::string_view name) {
  return JsonObject().Add("required", JsonArray({JsonText(name)})).Text();
}

}  // namespace

std::string SchemaText() {
  Mapping file;
  for (const SettingGroup& group : SettingGroups()) {
    file.members.push_back({std::string(group.name), JsonObject()});
    file.members.back().schema.AddText("description", Sentence(group.title));
  }
  for (const Setting& setting : SettingsTable()) {
    file.At(setting.name).schema = SchemaOfSetting(setting);
  }
  file.At("sources").schema =
      SequenceOf(SchemaOfMembers(SourceMembers()),
                 "Who sends callbacks; without it one source, default, at /release-events.")
          .AddNumber("minItems", 1)
          .AddNumber("maxItems", kMostSources);
  file.At("subscriptions").schema =
      SequenceOf(SchemaOfMembers(SubscriptionMembers()), "What must exist before the first event.");
  const JsonObject identity =
      SchemaOfMembers(IdentityMembers())
          .Add("anyOf", JsonArray({Requiring("certificate"), Requiring("token_files"),
                                   Requiring("unix_socket")}));
  file.At("access").schema =
      SequenceOf(identity, "Who may come to the gRPC port and read metrics; without it everybody.")
          .AddNumber("minItems", 1)
          .AddNumber("maxItems", kMostIdentities);
  const JsonObject whole = JsonObject()
                               .AddText("$schema", "http://json-schema.org/draft-07/schema#")
                               .AddText("title", "Settings of onhookd")
                               .AddText("description",
                                        "Written by onhookd --print-schema, as the reference is by "
                                        "onhookd --print-reference.")
                               .AddAll(SchemaOfMapping(file));
  return IndentedJson(whole.Text());
}

}  // namespace onhook
