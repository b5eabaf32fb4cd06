#include "gateway/tls/watched_tls.h"

#include <utility>

#include "absl/time/time.h"

namespace onhook {
namespace {

Metrics::Counter Reloads(Metrics* metrics, const std::string& listener, const std::string& result) {
  return metrics->AddCounter("onhook_tls_reloads_total",
                             "New contents of TLS files that were taken, or were no good.",
                             {{"listener", listener}, {"result", result}});
}

std::string Text(absl::Time time) { return absl::FormatTime(time, absl::UTCTimeZone()); }

}  // namespace

absl::StatusOr<std::unique_ptr<WatchedTls>> WatchedTls::Open(std::string listener,
                                                             TlsOptions options, Metrics* metrics,
                                                             const Clock* clock, const Log* log) {
  TlsContent content;
  if (absl::Status read = ReadTlsContent(options, content); !read.ok()) return read;
  absl::StatusOr<TlsMaterial> material = MakeTlsMaterial(options, content, clock->Now());
  if (!material.ok()) return material.status();
  std::unique_ptr<WatchedTls> watched(
      new WatchedTls(std::move(listener), std::move(options), metrics, clock, log));
  watched->Take(*std::move(material));
  return watched;
}

WatchedTls::WatchedTls(std::string listener, TlsOptions options, Metrics* metrics,
                       const Clock* clock, const Log* log)
    : listener_(std::move(listener)),
      options_(std::move(options)),
      clock_(clock),
      log_(log),
      successes_(Reloads(metrics, listener_, "success")),
      failures_(Reloads(metrics, listener_, "failure")),
      last_successful_(metrics->AddGauge("onhook_tls_last_reload_successful",
                                         "Whether the TLS files are good as they are now.",
                                         {{"listener", listener_}})),
      expiry_(metrics->AddGauge("onhook_tls_certificate_expiry_timestamp_seconds",
                                "When the certificate in use, or one that signed it, expires.",
                                {{"listener", listener_}})) {}

std::shared_ptr<const TlsMaterial> WatchedTls::Get() const {
  absl::MutexLock lock(&mutex_);
  return material_;
}

void WatchedTls::Look() {
  TlsContent content;
  const absl::Status read = ReadTlsContent(options_, content);
  if (read.ok() && content == *Get()) {
    NoteThatNothingIsNew();
  } else if (read.ok()) {
    // Even if it was no good before: it may have become valid by now.
    Try(content);
  } else {
    Refuse(content, read);
  }
  NoteExpiry();
}

void WatchedTls::Try(const TlsContent& content) {
  absl::StatusOr<TlsMaterial> material = MakeTlsMaterial(options_, content, clock_->Now());
  if (!material.ok()) {
    Refuse(content, material.status());
    return;
  }
  Take(*std::move(material));
  successes_.Increment();
  log_->Info("tls", "new files are in use",
             {{"listener", listener_}, {"expires", Text(Get()->not_after)}});
}

void WatchedTls::NoteThatNothingIsNew() {
  if (!told_fault_.ok()) log_->Info("tls", "the files are good again", {{"listener", listener_}});
  ForgetFault();
}

void WatchedTls::ForgetFault() {
  found_fault_ = false;
  told_fault_ = absl::OkStatus();
  last_successful_.Set(1);
}

void WatchedTls::Take(TlsMaterial material) {
  expiry_.Set(static_cast<double>(absl::ToUnixSeconds(material.not_after)));
  told_expiry_ = false;
  ForgetFault();
  {
    absl::MutexLock lock(&mutex_);
    material.version = material_ == nullptr ? 1 : material_->version + 1;
    material_ = std::make_shared<const TlsMaterial>(std::move(material));
  }
  WarnOfUnusableAuthorities();
}

void WatchedTls::Refuse(const TlsContent& content, const absl::Status& fault) {
  // Files are replaced one after the other: what is no good now may be in a second.
  if (!std::exchange(found_fault_, true)) return;
  last_successful_.Set(0);
  if (fault == told_fault_ && content == told_content_) return;
  told_fault_ = fault;
  told_content_ = content;
  failures_.Increment();
  log_->Warning("tls", "changed files are no good, so those before stay in use",
                {{"listener", listener_}, {"reason", fault.message()}});
}

void WatchedTls::NoteExpiry() {
  const std::shared_ptr<const TlsMaterial> material = Get();
  if (clock_->Now() <= material->not_after) return;
  if (std::exchange(told_expiry_, true)) return;
  log_->Error("tls", "the certificate in use has expired, and nothing better is there",
              {{"listener", listener_}, {"expired", Text(material->not_after)}});
}

void WatchedTls::WarnOfUnusableAuthorities() const {
  const int unusable = Get()->unusable_authorities;
  if (unusable == 0) return;
  log_->Warning("tls", "some of the client authorities are not valid now",
                {{"listener", listener_}, {"file", options_.client_ca_file}, {"count", unusable}});
}

}  // namespace onhook
