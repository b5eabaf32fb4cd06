#include "gateway/access/access_control.h"

#include <atomic>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "gateway/access/access_list.h"
#include "gateway/access/certificate_cache.h"
#include "gateway/base/periodic_thread.h"

namespace onhook {
namespace {

constexpr absl::Duration kLookInterval = absl::Seconds(1);

absl::Status Unknown(absl::string_view why) { return absl::UnauthenticatedError(why); }

}  // namespace

class AccessControl::Parts {
 public:
  Parts(std::shared_ptr<AccessList> list, const TlsFiles* grpc_tls, const TlsFiles* admin_tls,
        const Clock* clock, const Log* log)
      : clock_(clock), log_(log), grpc_(grpc_tls), admin_(admin_tls), list_(std::move(list)) {
    looking_ = std::make_unique<PeriodicThread>(kLookInterval, [this] { Look(); });
  }
  ~Parts() { looking_->Stop(); }

  absl::StatusOr<Caller> Identify(Port port, const PeerCredentials& credentials);
  absl::Status CheckCertificate(Port port, const PeerCredentials& credentials);
  absl::Status Replace(std::vector<Settings::Identity> identities);
  void Look();

  uint64_t generation() const { return generation_.load(); }
  std::shared_ptr<AccessList> list() const {
    absl::MutexLock lock(&mutex_);
    return list_;
  }

 private:
  // What verifies the certificates of one port.
  struct Authority {
    explicit Authority(const TlsFiles* files)
        : tls(files), seen_pem(files == nullptr ? "" : files->Get()->client_ca_pem) {}
    const TlsFiles* const tls;  // null: none
    CertificateCache cache;
    std::string seen_pem;  // for Look alone; guarded by the Parts' mutex
  };
  using Verified = std::shared_ptr<const ClientCertificate>;

  // Whether a certificate must be shown.
  static bool Requires(const Authority& authority, const PeerCredentials& credentials);
  Authority& AuthorityOf(Port port) { return port == Port::kGrpc ? grpc_ : admin_; }
  absl::StatusOr<Verified> Verify(Authority& authority, const PeerCredentials& credentials) const;
  // Whether the authorities are others than when this was last asked.
  bool HasMoved(Authority& authority) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Clock* const clock_;
  const Log* const log_;
  Authority grpc_;
  Authority admin_;
  std::atomic<uint64_t> generation_{1};
  mutable absl::Mutex mutex_;
  std::shared_ptr<AccessList> list_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<PeriodicThread> looking_;
};

absl::StatusOr<Caller> AccessControl::Parts::Identify(Port port,
                                                      const PeerCredentials& credentials) {
  const std::shared_ptr<AccessList> list = this->list();
  Authority& authority = AuthorityOf(port);
  const bool by_token = !list->empty() && credentials.bearer_token.has_value();
  const bool requires_certificate = Requires(authority, credentials);
  const bool shows_certificate = !credentials.certificate_pem.empty();
  if (requires_certificate && !shows_certificate) {
    return Unknown("a client certificate must be shown");
  }
  Verified certificate;
  if (requires_certificate || (shows_certificate && !by_token)) {
    absl::StatusOr<Verified> verified = Verify(authority, credentials);
    if (!verified.ok()) return verified.status();
    certificate = *std::move(verified);
  }
  const absl::Time until = certificate == nullptr ? absl::InfiniteFuture() : certificate->not_after;
  if (list->empty()) return Caller(nullptr, until);
  AccessList::Identity identity;
  if (by_token) {
    if (credentials.bearer_token->empty()) {
      return Unknown("the authorization that was shown is not of the form \"Bearer TOKEN\"");
    }
    identity = list->FindByToken(*credentials.bearer_token);
    if (identity == nullptr) return Unknown("the bearer token that was shown is not known");
  } else if (certificate != nullptr) {
    identity = list->FindByCertificate(*certificate);
    if (identity == nullptr) {
      return Unknown("the client certificate names nobody of the access list");
    }
  } else {
    if (credentials.over_unix_socket) identity = list->FindByUnixSocket();
    if (identity == nullptr) {
      return Unknown(credentials.over_unix_socket
                         ? "no identity of the access list has unix_socket: true, and no bearer "
                           "token was shown"
                         : "neither a bearer token nor a client certificate was shown");
    }
  }
  return Caller(std::move(identity), until);
}

absl::Status AccessControl::Parts::CheckCertificate(Port port, const PeerCredentials& credentials) {
  Authority& authority = AuthorityOf(port);
  if (!Requires(authority, credentials)) return absl::OkStatus();
  if (credentials.certificate_pem.empty()) return Unknown("a client certificate must be shown");
  return Verify(authority, credentials).status();
}

bool AccessControl::Parts::Requires(const Authority& authority,
                                    const PeerCredentials& credentials) {
  return !credentials.over_unix_socket && authority.tls != nullptr &&
         authority.tls->options().requires_client_certificate();
}

absl::StatusOr<AccessControl::Parts::Verified> AccessControl::Parts::Verify(
    Authority& authority, const PeerCredentials& credentials) const {
  if (authority.tls == nullptr) return Unknown("this port has no authority for certificates");
  const std::shared_ptr<const TlsMaterial> material = authority.tls->Get();
  if (material->client_ca_pem.empty()) {
    return Unknown("this port has no authority for certificates");
  }
  return authority.cache.Verify(credentials.certificate_pem, credentials.chain_pem,
                                material->client_ca_pem, material->version, clock_->Now());
}

absl::Status AccessControl::Parts::Replace(std::vector<Settings::Identity> identities) {
  const std::shared_ptr<AccessList> before = list();
  absl::StatusOr<std::shared_ptr<AccessList>> opened =
      AccessList::Open(std::move(identities), before.get(), clock_, log_);
  if (!opened.ok()) return opened.status();
  {
    absl::MutexLock lock(&mutex_);
    list_ = *std::move(opened);
  }
  generation_.fetch_add(1);
  return absl::OkStatus();
}

void AccessControl::Parts::Look() {
  bool has_moved = list()->Look();
  {
    absl::MutexLock lock(&mutex_);
    has_moved |= HasMoved(grpc_);
    has_moved |= HasMoved(admin_);
  }
  if (has_moved) generation_.fetch_add(1);
}

bool AccessControl::Parts::HasMoved(Authority& authority) {
  if (authority.tls == nullptr) return false;
  const std::shared_ptr<const TlsMaterial> material = authority.tls->Get();
  if (material->client_ca_pem == authority.seen_pem) return false;
  authority.seen_pem = material->client_ca_pem;
  return true;
}

absl::StatusOr<std::unique_ptr<AccessControl>> AccessControl::Open(
    std::vector<Settings::Identity> identities, const TlsFiles* grpc_tls, const TlsFiles* admin_tls,
    const Clock* clock, const Log* log) {
  absl::StatusOr<std::shared_ptr<AccessList>> list =
      AccessList::Open(std::move(identities), nullptr, clock, log);
  if (!list.ok()) return list.status();
  return std::unique_ptr<AccessControl>(new AccessControl(
      std::make_unique<Parts>(*std::move(list), grpc_tls, admin_tls, clock, log)));
}

AccessControl::AccessControl(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
AccessControl::~AccessControl() = default;

absl::StatusOr<Caller> AccessControl::Identify(Port port,
                                               const PeerCredentials& credentials) const {
  return parts_->Identify(port, credentials);
}

absl::Status AccessControl::CheckCertificate(Port port, const PeerCredentials& credentials) const {
  return parts_->CheckCertificate(port, credentials);
}

uint64_t AccessControl::generation() const { return parts_->generation(); }
bool AccessControl::is_open() const { return parts_->list()->empty(); }

bool AccessControl::IsGivenToAnybody(Permission permission) const {
  return parts_->list()->IsGivenToAnybody(permission);
}

absl::Status AccessControl::Replace(std::vector<Settings::Identity> identities) {
  return parts_->Replace(std::move(identities));
}

void AccessControl::Look() { parts_->Look(); }

std::vector<SettingFault> FindTokenFaults(const Settings& settings) {
  const SystemClock clock;
  const Log silent(&clock, LogLevel::kError, Log::Format::kText, [](absl::string_view) {});
  std::vector<SettingFault> faults;
  for (size_t i = 0; i < settings.access.size(); ++i) {
    for (const std::string& file : settings.access[i].token_files) {
      Settings::Identity part = settings.access[i];
      part.token_files = {file};
      const auto opened = AccessList::Open({std::move(part)}, nullptr, &clock, &silent);
      if (opened.ok()) continue;
      faults.push_back(
          {absl::StrCat("access[", i, "].token_files"), std::string(opened.status().message())});
    }
  }
  if (!faults.empty()) return faults;
  const auto opened = AccessList::Open(settings.access, nullptr, &clock, &silent);
  if (!opened.ok()) faults.push_back({"access", std::string(opened.status().message())});
  return faults;
}

}  // namespace onhook
