#include "gateway/access/access_list.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "gateway/access/caller.h"

namespace onhook {

absl::StatusOr<std::shared_ptr<AccessList>> AccessList::Open(
    std::vector<Settings::Identity> identities, const AccessList* before, const Clock* clock,
    const Log* log) {
  std::shared_ptr<AccessList> opened(new AccessList());
  absl::StatusOr<std::unique_ptr<TokenFiles>> tokens =
      TokenFiles::Open(identities, before == nullptr ? nullptr : before->tokens_.get(), clock, log);
  if (!tokens.ok()) return tokens.status();
  opened->tokens_ = *std::move(tokens);
  for (size_t i = 0; i < identities.size(); ++i) {
    auto identity = std::make_shared<const Settings::Identity>(std::move(identities[i]));
    const std::string& name = identity->certificate;
    if (absl::StrContains(name, ':')) {
      opened->uris_.emplace(name, i);
    } else if (!name.empty()) {
      opened->dns_names_.emplace(absl::AsciiStrToLower(name), i);
    }
    if (identity->unix_socket && opened->unix_socket_ == nullptr) opened->unix_socket_ = identity;
    opened->identities_.push_back(std::move(identity));
  }
  return opened;
}

bool AccessList::IsGivenToAnybody(Permission permission) const {
  return std::any_of(identities_.begin(), identities_.end(),
                     [permission](const Identity& one) { return IsGiven(*one, permission); });
}

AccessList::Identity AccessList::FindByToken(absl::string_view token) const {
  const std::optional<size_t> owner = tokens_->OwnerOf(token);
  return owner.has_value() ? identities_[*owner] : nullptr;
}

AccessList::Identity AccessList::FindByCertificate(const ClientCertificate& certificate) const {
  size_t first = identities_.size();
  const auto look_up = [&first](const Places& places, const std::string& name) {
    const auto place = places.find(name);
    if (place != places.end()) first = std::min(first, place->second);
  };
  for (const std::string& uri : certificate.uris) look_up(uris_, uri);
  for (const std::string& name : certificate.dns_names) {
    look_up(dns_names_, absl::AsciiStrToLower(name));
  }
  return first < identities_.size() ? identities_[first] : nullptr;
}

AccessList::Identity AccessList::FindByUnixSocket() const { return unix_socket_; }

}  // namespace onhook
