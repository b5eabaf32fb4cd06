#include "gateway/tls/tls_files.h"

#include <utility>

#include "gateway/base/periodic_thread.h"
#include "gateway/tls/watched_tls.h"

namespace onhook {
namespace {

constexpr absl::Duration kLookInterval = absl::Seconds(1);

}  // namespace

class TlsFiles::Parts {
 public:
  explicit Parts(std::unique_ptr<WatchedTls> watched)
      : watched_(std::move(watched)), thread_(kLookInterval, [this] { watched_->Look(); }) {}

  const WatchedTls& watched() const { return *watched_; }

 private:
  const std::unique_ptr<WatchedTls> watched_;
  PeriodicThread thread_;
};

absl::StatusOr<std::unique_ptr<TlsFiles>> TlsFiles::Open(std::string listener, TlsOptions options,
                                                         Metrics* metrics, const Clock* clock,
                                                         const Log* log) {
  absl::StatusOr<std::unique_ptr<WatchedTls>> watched =
      WatchedTls::Open(std::move(listener), std::move(options), metrics, clock, log);
  if (!watched.ok()) return watched.status();
  return std::unique_ptr<TlsFiles>(new TlsFiles(std::make_unique<Parts>(*std::move(watched))));
}

TlsFiles::TlsFiles(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

TlsFiles::~TlsFiles() = default;

const TlsOptions& TlsFiles::options() const { return parts_->watched().options(); }

std::shared_ptr<const TlsMaterial> TlsFiles::Get() const { return parts_->watched().Get(); }

TlsFindings ExamineTlsFiles(const TlsOptions& options, absl::Time now) {
  TlsFindings findings;
  TlsContent content;
  const bool read = ReadTlsContent(options, content).ok();
  if (!read || !MakeTlsMaterial(options, content, now).ok()) {
    findings.faults = FindTlsFaults(options, now);
  } else if (absl::Status doubt = FindAuthorityDoubt(options, content); !doubt.ok()) {
    findings.doubts.push_back(std::move(doubt));
  }
  return findings;
}

}  // namespace onhook
