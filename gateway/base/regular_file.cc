#include "gateway/base/regular_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace onhook {
namespace {

absl::Status CannotRead(absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("cannot be read: ", why));
}

class OpenFile {
 public:
  // A pipe without a writer would block.
  explicit OpenFile(const std::string& path)
      : descriptor_(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)) {}
  ~OpenFile() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  int descriptor() const { return descriptor_; }

 private:
  const int descriptor_;
};

}  // namespace

absl::Status ReadRegularFile(const std::string& path, size_t most_bytes, std::string& bytes) {
  const OpenFile file(path);
  struct stat status {};
  if (file.descriptor() < 0 || fstat(file.descriptor(), &status) != 0) {
    return CannotRead(std::strerror(errno));
  }
  if (!S_ISREG(status.st_mode)) return CannotRead("it is no regular file");
  std::array<char, 4096> buffer{};
  size_t left = most_bytes + 1;
  while (left > 0) {
    const ssize_t got = read(file.descriptor(), buffer.data(), std::min(buffer.size(), left));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return CannotRead(std::strerror(errno));
    if (got == 0) return absl::OkStatus();
    bytes.append(buffer.data(), static_cast<size_t>(got));
    left -= static_cast<size_t>(got);
  }
  return absl::InvalidArgumentError(absl::StrCat("is larger than ", most_bytes, " bytes"));
}

}  // namespace onhook
