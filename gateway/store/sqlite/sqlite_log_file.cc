#include "gateway/store/sqlite/sqlite_log_file.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace onhook {
namespace {

constexpr size_t kHeaderBytes = 32;
constexpr size_t kFrameHeaderBytes = 24;
constexpr uint32_t kMagic = 0x377f0682;  // with the lowest bit set: checksums read big-endian words
constexpr uint32_t kIndexVersion = 3'007'000;
constexpr size_t kIndexHeaderBytes = 48;
constexpr size_t kIndexChecksumAt = 40;
// The page that SQLite's locks lie in is never written.
constexpr int64_t kPendingByte = 0x4000'0000;

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, FileCloser>;

struct Checksum {
  uint32_t first = 0;
  uint32_t second = 0;
  bool operator==(const Checksum& other) const {
    return first == other.first && second == other.second;
  }
};

uint32_t BigEndian(const uint8_t* bytes) {
  return (uint32_t{bytes[0]} << 24) | (uint32_t{bytes[1]} << 16) | (uint32_t{bytes[2]} << 8) |
         uint32_t{bytes[3]};
}

uint32_t LittleEndian(const uint8_t* bytes) {
  return (uint32_t{bytes[3]} << 24) | (uint32_t{bytes[2]} << 16) | (uint32_t{bytes[1]} << 8) |
         uint32_t{bytes[0]};
}

// Goes on from `checksum` over a whole number of 8 bytes.
Checksum Over(const uint8_t* bytes, size_t size, bool big_endian, Checksum checksum) {
  const auto word = big_endian ? BigEndian : LittleEndian;
  for (size_t i = 0; i + 8 <= size; i += 8) {
    checksum.first += word(bytes + i) + checksum.second;
    checksum.second += word(bytes + i + 4) + checksum.first;
  }
  return checksum;
}

Checksum StoredAt(const uint8_t* bytes) { return {BigEndian(bytes), BigEndian(bytes + 4)}; }

// Walks the frames one by one.
class FrameWalk {
 public:
  FrameWalk(SqliteLogFile* log, bool big_endian, Checksum checksum, int64_t database_bytes)
      : log_(log),
        big_endian_(big_endian),
        previous_(checksum),
        file_pages_(database_bytes / log->page_bytes),
        pending_page_(kPendingByte / log->page_bytes + 1) {}

  void Take(const uint8_t* frame) {
    const uint32_t page = BigEndian(frame);
    const uint32_t pages_after_commit = BigEndian(frame + 4);
    const Checksum stored = StoredAt(frame + 16);
    const bool of_this_log = std::memcmp(frame + 8, log_->salt.data(), log_->salt.size()) == 0;
    Checksum expected = Over(frame, 8, big_endian_, previous_);
    expected = Over(frame + kFrameHeaderBytes, static_cast<size_t>(log_->page_bytes), big_endian_,
                    expected);
    // Behind a frame that does not fit, each is judged by what the one before it says.
    previous_ = stored;
    const bool fits = page != 0 && of_this_log && stored == expected;
    if (!fits) {
      stopped_ = true;
      return;
    }
    if (stopped_) {
      if (pages_after_commit != 0) ++log_->commits_behind_stop;
      return;
    }
    ++walked_;
    if (page > file_pages_ && page != pending_page_) open_.push_back(page);
    if (pages_after_commit == 0) return;
    beyond_.insert(open_.begin(), open_.end());
    open_.clear();
    log_->frames = walked_;
    ++log_->commits;
    log_->database_pages = pages_after_commit;
    const bool has_pending_page =
        file_pages_ < pending_page_ && pending_page_ <= pages_after_commit;
    log_->missing_pages =
        std::max<int64_t>(pages_after_commit - file_pages_ - (has_pending_page ? 1 : 0) -
                              static_cast<int64_t>(beyond_.size()),
                          0);
  }

 private:
  SqliteLogFile* const log_;
  const bool big_endian_;
  Checksum previous_;
  const int64_t file_pages_;
  const int64_t pending_page_;
  bool stopped_ = false;
  int64_t walked_ = 0;
  std::vector<uint32_t> open_;  // of the commit that is being read
  absl::flat_hash_set<uint32_t> beyond_;
};

}  // namespace

absl::StatusOr<SqliteLogFile> ReadSqliteLogFile(const std::string& path, int64_t database_bytes) {
  SqliteLogFile log;
  const File file(std::fopen(path.c_str(), "rbe"));
  if (file == nullptr && errno == ENOENT) return log;
  struct stat found {};
  if (file == nullptr || fstat(fileno(file.get()), &found) != 0) {
    return absl::UnavailableError(absl::StrCat("reading ", path, ": ", std::strerror(errno)));
  }
  log.exists = true;
  log.bytes = found.st_size;
  uint8_t header[kHeaderBytes];
  if (std::fread(header, 1, sizeof header, file.get()) != sizeof header) return log;
  const uint32_t magic = BigEndian(header);
  const bool big_endian = (magic & 1) != 0;
  const Checksum checksum = Over(header, kHeaderBytes - 8, big_endian, {});
  const uint32_t page_bytes = BigEndian(header + 8);
  const bool is_size =
      page_bytes >= 512 && page_bytes <= 65536 && (page_bytes & (page_bytes - 1)) == 0;
  log.has_header = (magic & ~uint32_t{1}) == kMagic && is_size &&
                   checksum == StoredAt(header + kHeaderBytes - 8);
  if (!log.has_header) return log;
  log.page_bytes = page_bytes;
  log.salt.assign(reinterpret_cast<const char*>(header) + 16, 8);
  FrameWalk walk(&log, big_endian, checksum, database_bytes);
  std::vector<uint8_t> frame(kFrameHeaderBytes + page_bytes);
  while (std::fread(frame.data(), 1, frame.size(), file.get()) == frame.size()) {
    walk.Take(frame.data());
  }
  if (std::ferror(file.get()) != 0) {
    return absl::UnavailableError(absl::StrCat("reading ", path, " failed"));
  }
  return log;
}

int64_t DatabaseBytesByHeader(const std::string& path) {
  const File file(std::fopen(path.c_str(), "rbe"));
  uint8_t header[100];
  if (file == nullptr || std::fread(header, 1, sizeof header, file.get()) != sizeof header)
    return 0;
  // Without this the number of pages is that of some older version of SQLite's.
  if (BigEndian(header + 24) != BigEndian(header + 92)) return 0;
  const int64_t half = (int64_t{header[16]} << 8) | header[17];
  return int64_t{BigEndian(header + 28)} * (half == 1 ? 65536 : half);
}

std::optional<SqliteLogIndex> ReadSqliteLogIndex(const std::string& path) {
  const File file(std::fopen(path.c_str(), "rbe"));
  if (file == nullptr) return std::nullopt;
  // Written twice, one after the other, by whoever commits.
  uint8_t headers[2][kIndexHeaderBytes];
  if (std::fread(headers, 1, sizeof headers, file.get()) != sizeof headers) return std::nullopt;
  if (std::memcmp(headers[0], headers[1], kIndexHeaderBytes) != 0) return std::nullopt;
  const uint8_t* header = headers[0];
  // It is in this machine's byte order, all but the salt.
  constexpr uint16_t kProbe = 1;
  const bool big_endian = *reinterpret_cast<const uint8_t*>(&kProbe) == 0;
  const auto word = big_endian ? BigEndian : LittleEndian;
  const Checksum stored{word(header + kIndexChecksumAt), word(header + kIndexChecksumAt + 4)};
  const bool is_initialized = header[12] != 0;
  if (word(header) != kIndexVersion || !is_initialized ||
      !(stored == Over(header, kIndexChecksumAt, big_endian, {}))) {
    return std::nullopt;
  }
  SqliteLogIndex index;
  index.frames = word(header + 16);
  index.salt.assign(reinterpret_cast<const char*>(header) + 32, 8);
  return index;
}

}  // namespace onhook
