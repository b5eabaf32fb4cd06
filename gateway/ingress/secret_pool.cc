#include "gateway/ingress/secret_pool.h"

namespace onhook {

absl::StatusOr<std::shared_ptr<const SecretFile>> SecretPool::Open(const std::string& path,
                                                                   Check check) {
  for (auto it = open_.begin(); it != open_.end();) {
    const auto here = it++;
    if (here->second.expired()) open_.erase(here);
  }
  std::weak_ptr<const SecretFile>& known = open_[{path, check}];
  if (std::shared_ptr<const SecretFile> file = known.lock()) return file;
  absl::StatusOr<std::unique_ptr<SecretFile>> opened = SecretFile::Open(path, check, clock_, log_);
  if (!opened.ok()) return opened.status();
  std::shared_ptr<const SecretFile> file = *std::move(opened);
  known = file;
  return file;
}

}  // namespace onhook
