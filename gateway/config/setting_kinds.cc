#include "gateway/config/setting_kinds.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gateway/config/subscription_spec.h"

namespace onhook {
namespace {

using When = Settings::Acknowledge::When;
using Engine = Settings::Store::Engine;

constexpr absl::string_view kUnlimited = "unlimited";
std::string AsItIs(const std::string& text) { return text; }

// Kept as it was written, once it is known to be an address.
absl::StatusOr<std::string> ParseAddress(absl::string_view text) {
  const absl::StatusOr<HostPort> address = ParseHostPort(text);
  if (!address.ok()) return address.status();
  return std::string(text);
}

absl::StatusOr<Engine> ParseEngine(absl::string_view text) {
  if (text == "sqlite") return Engine::kSqlite;
  if (text == "jetstream") return Engine::kJetStream;
  return absl::InvalidArgumentError("must be sqlite or jetstream");
}

std::string FormatEngine(Engine engine) {
  return engine == Engine::kSqlite ? "sqlite" : "jetstream";
}

absl::StatusOr<std::vector<std::string>> ParseNames(absl::string_view text) {
  std::vector<std::string> names = absl::StrSplit(text, ',', absl::SkipEmpty());
  for (const std::string& name : names) {
    if (!CheckSubscriptionName(name).ok()) {
      return absl::InvalidArgumentError(
          absl::StrContains(text, ',')
              ? "must be names of subscriptions, separated by commas without spaces"
              : "must be the name of a subscription");
    }
  }
  return names;
}

absl::StatusOr<std::vector<IpNetwork>> ParseNetworks(absl::string_view text) {
  std::vector<IpNetwork> networks;
  for (const absl::string_view part : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    const absl::StatusOr<IpNetwork> network = IpNetwork::Parse(part);
    if (!network.ok()) {
      const std::string which =
          part == text ? "" : absl::StrCat("its part ", QuotedValue(part), " ");
      return absl::InvalidArgumentError(absl::StrCat(which, network.status().message()));
    }
    networks.push_back(*network);
  }
  return networks;
}

absl::StatusOr<std::string> ParseFile(absl::string_view text) {
  return text.empty() ? std::string() : ParsePath(text);
}

absl::StatusOr<std::string> ParseSocketPath(absl::string_view text) {
  // What sockaddr_un has room for, with its zero byte.
  constexpr size_t kLongest = 107;
  const bool is_absolute = text.empty() || text[0] == '/';
  if (is_absolute && text.size() <= kLongest) return ParseFile(text);
  return absl::InvalidArgumentError(
      absl::StrCat("must be an absolute path of at most ", kLongest, " bytes"));
}

absl::StatusOr<int> ParseMode(absl::string_view text) {
  int mode = 0;
  const bool octal =
      text.size() == 4 && text[0] == '0' &&
      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c < '8'; });
  for (const char c : text) mode = octal ? mode * 8 + (c - '0') : 0;
  if (octal) return mode;
  return absl::InvalidArgumentError(
      "must be permissions in octal, 0000 to 0777, for instance 0660");
}

std::string FormatMode(int mode) {
  return absl::StrCat("0", mode >> 6 & 7, mode >> 3 & 7, mode & 7);
}

absl::StatusOr<TlsOptions::ClientCertificate> ParseClientCertificate(absl::string_view text) {
  if (text == "required") return TlsOptions::ClientCertificate::kRequired;
  if (text == "optional") return TlsOptions::ClientCertificate::kOptional;
  return absl::InvalidArgumentError("must be required or optional");
}

std::string FormatClientCertificate(TlsOptions::ClientCertificate value) {
  return value == TlsOptions::ClientCertificate::kRequired ? "required" : "optional";
}

// A kind whose values may also be left open, by a word.
template <typename Value>
Kind<std::optional<Value>> OrWord(const Kind<Value>& kind, absl::string_view form,
                                  absl::string_view word) {
  Kind<std::optional<Value>> open;
  open.form = form;
  open.bounds = kind.bounds;
  open.parse = [parse = kind.parse,
                word](absl::string_view text) -> absl::StatusOr<std::optional<Value>> {
    if (text == word) return std::nullopt;
    const absl::StatusOr<Value> value = parse(text);
    if (!value.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(value.status().message(), "; or the word ", word));
    }
    return *value;
  };
  open.format = [format = kind.format, word](const std::optional<Value>& value) {
    return value.has_value() ? format(*value) : std::string(word);
  };
  return open;
}

}  // namespace

absl::StatusOr<When> ParseAcknowledgeWhen(absl::string_view text) {
  if (text == "forwarded") return When::kForwarded;
  if (text == "stored") return When::kStored;
  if (text == "processed") return When::kProcessed;
  return absl::InvalidArgumentError("must be forwarded, stored or processed");
}

std::string FormatAcknowledgeWhen(When when) {
  switch (when) {
    case When::kForwarded:
      return "forwarded";
    case When::kStored:
      return "stored";
    case When::kProcessed:
      return "processed";
  }
  return "";
}

Kind<std::string> AddressKind() { return {"HOST:PORT", ParseAddress, AsItIs, "", false}; }
Kind<std::string> DirectoryKind() { return {"DIRECTORY", ParsePath, AsItIs, "", false}; }
Kind<std::string> DirectoryOrNoneKind() { return {"DIRECTORY", ParseFile, AsItIs, "", false}; }
Kind<Engine> EngineKind() { return {"sqlite|jetstream", ParseEngine, FormatEngine, "", false}; }
Kind<bool> BooleanKind() { return {"true|false", ParseBoolean, FormatBoolean, "", true}; }
Kind<LogLevel> LogLevelKind() {
  return {"debug|info|warning|error", ParseLogLevel,
          [](LogLevel level) { return std::string(LogLevelName(level)); }, "", false};
}
Kind<When> AcknowledgeWhenKind() {
  return {"forwarded|stored|processed", ParseAcknowledgeWhen, FormatAcknowledgeWhen, "", false};
}
Kind<std::vector<std::string>> NamesKind() {
  return {"NAME,...", ParseNames,
          [](const std::vector<std::string>& names) { return absl::StrJoin(names, ","); }, "",
          false};
}
Kind<std::vector<IpNetwork>> NetworksKind() {
  return {"ADDRESS/BITS,...", ParseNetworks,
          [](const std::vector<IpNetwork>& networks) {
            return absl::StrJoin(networks, ",", [](std::string* out, const IpNetwork& network) {
              absl::StrAppend(out, network.ToString());
            });
          },
          "", false};
}
Kind<std::string> FileKind() { return {"FILE", ParseFile, AsItIs, "", false}; }
Kind<std::string> SocketPathKind() { return {"ABSOLUTE-PATH", ParseSocketPath, AsItIs, "", false}; }
Kind<int> ModeKind() { return {"OCTAL", ParseMode, FormatMode, "0000 to 0777", false}; }
Kind<TlsOptions::ClientCertificate> ClientCertificateKind() {
  return {"required|optional", ParseClientCertificate, FormatClientCertificate, "", false};
}
Kind<absl::Duration> DurationKind() {
  return {"DURATION", ParseDurationValue, FormatDurationValue, "", false};
}
Kind<absl::Duration> DurationKind(absl::Duration least, absl::Duration most) {
  Kind<absl::Duration> kind = DurationKind();
  kind.bounds = absl::StrCat(FormatDurationValue(least), " to ", FormatDurationValue(most));
  kind.parse = [=, bounds = kind.bounds](absl::string_view text) -> absl::StatusOr<absl::Duration> {
    const absl::StatusOr<absl::Duration> duration = ParseDurationValue(text);
    if (!duration.ok() || (*duration >= least && *duration <= most)) return duration;
    return absl::InvalidArgumentError(absl::StrCat("must be ", bounds));
  };
  return kind;
}

Kind<std::optional<absl::Duration>> DurationOrUnlimitedKind() {
  return OrWord(DurationKind(), "DURATION|unlimited", kUnlimited);
}

Kind<std::optional<int64_t>> BytesOrUnlimitedKind() {
  Kind<int64_t> bytes{"BYTES", setting_kinds_internal::ParseBytes,
                      setting_kinds_internal::FormatBytes, "", false};
  return OrWord(bytes, "BYTES|unlimited", kUnlimited);
}

Kind<std::optional<int>> NumberOrWordKind(absl::string_view form, absl::string_view word,
                                          int64_t least, int64_t most) {
  Kind<std::optional<int>> kind = OrWord(NumberKind<int>(least, most), form, word);
  kind.is_plain = true;
  return kind;
}

namespace setting_kinds_internal {

absl::StatusOr<int64_t> ParseWithin(absl::string_view text, ParseInteger parse, int64_t least,
                                    int64_t most, const std::string& bounds) {
  absl::StatusOr<int64_t> number = parse(text);
  if (!number.ok() || (*number >= least && *number <= most)) return number;
  return absl::InvalidArgumentError(absl::StrCat("must be ", bounds));
}

absl::StatusOr<int64_t> ParseBytes(absl::string_view text) {
  const absl::StatusOr<size_t> bytes = ParseByteCount(text);
  if (!bytes.ok()) return bytes.status();
  return static_cast<int64_t>(*bytes);
}

std::string FormatBytes(int64_t bytes) { return FormatByteCount(static_cast<size_t>(bytes)); }

std::string FormatNumber(int64_t number) { return absl::StrCat(number); }

}  // namespace setting_kinds_internal

}  // namespace onhook
