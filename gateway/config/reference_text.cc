#include "gateway/config/reference_text.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gateway/config/settings.h"
#include "gateway/config/settings_members.h"
#include "gateway/config/settings_table.h"

namespace onhook {
namespace {

constexpr absl::string_view kHead = R"(# Settings

Written by `onhookd --print-reference > gateway/config/SETTINGS.md`; a test holds it against the code.

A setting is a flag, a variable, or a key of the YAML file that `--config FILE` or the variable
`ONHOOK_CONFIG` names: `http.listen` is `--http-listen`, `ONHOOK_HTTP_LISTEN` and `http: {listen: ...}`.
A flag goes before a variable, a variable before the file, the file before the default. An unknown key,
a wrong type or a missing unit is an error, told with file, line and column. `onhookd --check` says
whether settings are right, `onhookd --print-config` which hold and why.

A DURATION is a whole number with its unit: `500ms`, `5s`, `10m`, `24h`, `7d`. BYTES likewise, `512B`,
`64KiB`, `10MiB`, `1GiB`. Numbers and `true` or `false` stand without quotes in the file. Bounds
include both ends. A change that is taken "at once" a running gateway takes from its file; any other
takes a restart, and the log says so.

Editors complete and check the file by its JSON Schema, `onhook.schema.json` beside this reference, or
`onhookd --print-schema > onhook.schema.json`. Those that use yaml-language-server (VS Code, Neovim,
Emacs, Helix) find it by the first line of the file:

    # yaml-language-server: $schema=onhook.schema.json

What is wrong is told all at once, a line each: its place, what is allowed, what was found. Only what
settings must be beside each other is not told before each can be read by itself. `onhookd` leaves
then with exit code 2, before it has opened anything; and so for what settings name outside: the data
directory, files of secrets and certificates, and, but with `--check`, ports and a store that others
have. What belongs to another engine than `store.engine`, or is more than that one can do, is wrong too,
and never passed over.

Of a store that no gateway uses, `onhookd --verify DIRECTORY` says whether each event is as it was
stored, and changes nothing; one of which files are missing goes on with what is left by
`onhookd --accept-loss DIRECTORY`. Both take no settings.
)";

constexpr absl::string_view kSources = R"(
## sources

Who sends callbacks: a sequence of 1 to 100 mappings, in the file only. Without it there is one source,
`default`, at `/release-events`, without authentication. Names and paths are given once. If a source has a
`path_token_file`, its path with one segment more cannot be the path of a source without one, since the
segment might be the token. A change is taken at once, whatever member it is of.

A secret is always a file of its own: 16 characters or more (a password 8), nothing else but one line end;
a token in a path consists of `a-z A-Z 0-9 _ . -`. The file is found from the working directory, if
relative, and read again when it changes. Once it is missing or no good, the secret before stays in use, so it
is revoked, within 4 seconds, by writing another; the gateway would not start with it. Two files of one source may hold the same secret.

    sources:
      - name: sales
        path: /release-events/sales
        path_token_file: /run/secrets/sales-path
        authentication: {shared_key: {key_files: [/run/secrets/current, /run/secrets/previous]}}
        allowed_networks: [198.51.100.0/24]
        time_zone: Asia/Shanghai
        acknowledge: {when: processed, subscriptions: [crm], timeout: 2s}
)";

constexpr absl::string_view kSubscriptions = R"(
## subscriptions

What must exist before the first event: a sequence of mappings, in the file only. Declared subscriptions
never expire. A NAME, also of a source, is 1 to 63 characters of `a-z 0-9 - _ .`, the first a letter or
digit. A change takes a restart, whatever member it is of. One that is taken out of the list stays, until
somebody deletes it.

    subscriptions:
      - name: crm
      - name: billing
        filter: {service_nos: ["1001"]}
        max_delivery_attempts: 10
)";

constexpr absl::string_view kAccess = R"(
## access

Who may come to the gRPC port and read metrics: a sequence of 1 to 1000 mappings, in the file only. Without
it, whoever gets into the ports may do everything there; with it, nobody who is not recognised may do anything,
and nobody what is not given. A token that is shown decides alone; else a certificate does; else the
Unix-domain socket. Names, certificates, files and tokens are given once.

A PATTERN is the name of a subscription, in which `*` stands for any characters; YAML wants quotes around one that
begins with it. A token has 16 characters or more of `a-z A-Z 0-9 - . _ ~ + /`; its file is as that of any secret,
see sources. A change is taken at once, whatever member it is of; but one from no list to a list, or back,
takes a restart.

    access:
      - name: crm
        certificate: spiffe://example.org/crm
        subscribe: [crm, "crm-*"]
        see_numbers: true
      - name: operator
        token_files: [/run/secrets/operator-token]
        administer: ["*"]
        read_events: true
        monitor: true
)";

// In a cell of a table a bar would end it.
std::string Cell(absl::string_view text) { return absl::StrReplaceAll(text, {{"|", "\\|"}}); }

void AddSetting(const Setting& setting, std::string& text) {
  const std::string fallback = setting.write(Settings());
  absl::StrAppend(
      &text, "| `", setting.name, "`<br>`", setting.Flag(), "`<br>`", setting.Variable(), "` | ",
      Cell(setting.form), setting.bounds.empty() ? "" : ", ", setting.bounds, " | ",
      fallback.empty() ? "none" : absl::StrCat("`", fallback, "`"), " | ", setting.description,
      " | ", setting.reason, " | ", setting.reloads ? "at once" : "restart", " |\n");
}

void AddMembers(absl::Span<const SettingMember> members, std::string& text) {
  absl::StrAppend(&text, "\n| member | form | default | what | why this default |\n",
                  "|---|---|---|---|---|\n");
  for (const SettingMember& member : members) {
    absl::StrAppend(
        &text, "| `", member.name, "` | ", Cell(member.form), " | ",
        member.fallback.empty() ? "must be given" : absl::StrCat("`", member.fallback, "`"), " | ",
        member.description, " | ", member.reason, " |\n");
  }
}

}  // namespace

std::string ReferenceText() {
  std::string text(kHead);
  for (const SettingGroup& group : SettingGroups()) {
    absl::StrAppend(&text, "\n## ", group.name, ": ", group.title, "\n\n",
                    "| setting, flag, variable | form | default | what | why this default | a "
                    "change |\n",
                    "|---|---|---|---|---|---|\n");
    for (const Setting& setting : SettingsTable()) {
      if (GroupOf(setting) == group.name) AddSetting(setting, text);
    }
  }
  absl::StrAppend(&text, kSources);
  AddMembers(SourceMembers(), text);
  absl::StrAppend(&text, kSubscriptions);
  AddMembers(SubscriptionMembers(), text);
  absl::StrAppend(&text, kAccess);
  AddMembers(IdentityMembers(), text);
  return text;
}

}  // namespace onhook
