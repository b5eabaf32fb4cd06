// A library that is loaded before all others (LD_PRELOAD) and stands between a program and the
// system: it lets calls on files of one directory fail, and shifts the wall clock, as a
// HindrancePlan says.
//
// What reaches the system through here, on Debian 12: SQLite (libsqlite3 imports open64, pread64,
// pwrite64, fdatasync, ftruncate64, fstat64, mmap64, fcntl64 and unlink), the gateway's own open
// and fsync, and every reading of the clock by Abseil, gRPC and OpenSSL. Abseil waits for a time on
// the wall clock by syscall(SYS_futex): such a wait is cut into pieces, so that it follows a clock
// that is set while it waits, as the kernel would have it.
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "tests/crash/hindrance/hindrance_plan.h"

namespace {

using Plan = onhook::HindrancePlan;

constexpr int kMostDescriptors = 65536;
constexpr int64_t kNanoseconds = 1'000'000'000;
// A wait on the wall clock looks so often whether the clock was set.
constexpr int64_t kPieceOfWaitNs = 20'000'000;

constexpr const char* kNames[Plan::kCalls] = {"open",   "read", "write", "sync", "truncate",
                                              "unlink", "stat", "map",   "lock"};

// The function of this name behind this library.
template <typename Function>
Function* Behind(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

Plan* MapPlan(const char* variable) {
  const char* path = std::getenv(variable);
  if (path == nullptr) return nullptr;
  static const auto open_behind = Behind<int(const char*, int, ...)>("open");
  const int file = open_behind(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return nullptr;
  static const auto map_behind = Behind<void*(void*, size_t, int, int, int, off_t)>("mmap");
  void* const mapped =
      map_behind(nullptr, sizeof(Plan), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  static const auto close_behind = Behind<int(int)>("close");
  close_behind(file);
  return mapped == MAP_FAILED ? nullptr : static_cast<Plan*>(mapped);
}

// The plan for calls; null: there is none.
Plan* ThePlan() {
  static Plan* const plan = MapPlan(onhook::kHindrancePlanVariable);
  return plan;
}

// How far the wall clock is ahead.
int64_t WallClockOffset() {
  static const Plan* const plan = MapPlan(onhook::kHindranceClockVariable);
  return plan == nullptr ? 0 : plan->wall_clock_offset_ns.load();
}

// The name of the file below the directory that each descriptor is of; null: of none.
std::atomic<const char*> names_of_descriptors[kMostDescriptors];

const char* NameBelow(const Plan* plan, const char* path) {
  if (plan == nullptr || path == nullptr) return nullptr;
  const size_t length = std::strlen(plan->directory);
  if (length == 0 || std::strncmp(path, plan->directory, length) != 0) return nullptr;
  if (path[length] == '\0') return path + length;
  return path[length] == '/' ? path + length + 1 : nullptr;
}

const char* NameOf(int descriptor) {
  if (descriptor < 0 || descriptor >= kMostDescriptors) return nullptr;
  return names_of_descriptors[descriptor].load();
}

int64_t Now(clockid_t clock) {
  static const auto behind = Behind<int(clockid_t, timespec*)>("clock_gettime");
  timespec now{};
  behind(clock, &now);
  return now.tv_sec * kNanoseconds + now.tv_nsec;
}

timespec TimeOf(int64_t nanoseconds) {
  int64_t seconds = nanoseconds / kNanoseconds;
  if (nanoseconds % kNanoseconds < 0) --seconds;
  return {seconds, nanoseconds - seconds * kNanoseconds};
}

struct Verdict {
  bool fails = false;
  bool is_first = false;
  int error = 0;
  int manner = Plan::kFails;
};

// Counts a call on the file of this name, and says what is to become of it.
Verdict Judge(Plan::Call call, const char* name) {
  Plan* const plan = ThePlan();
  const Plan::Rule& rule = plan->rules[call];
  const int64_t number = ++plan->counts[call];
  Verdict verdict;
  const int64_t first = rule.first;
  if (first == 0 || number < first || number > rule.last) return verdict;
  verdict.fails = true;
  verdict.is_first = number == first;
  verdict.error = rule.error;
  verdict.manner = rule.manner;
  const int64_t now = Now(CLOCK_MONOTONIC);
  if (plan->failures == 0) plan->first_failed_at_ns = now;
  plan->last_failed_at_ns = now;
  std::snprintf(plan->last_failed, sizeof plan->last_failed, "%s %lld, of %s", kNames[call],
                static_cast<long long>(number), name);
  std::snprintf(plan->file_failed, sizeof plan->file_failed, "%s", name);
  ++plan->failures;
  return verdict;
}

// Whether a call on an open file is to fail without being made; errno is set then.
bool FailsOnDescriptor(Plan::Call call, int descriptor) {
  const char* const name = NameOf(descriptor);
  if (name == nullptr) return false;
  const Verdict verdict = Judge(call, name);
  if (verdict.fails) errno = verdict.error;
  return verdict.fails;
}

// Opens by `open_behind` what `path` names, unless that is to fail.
template <typename Open>
int OpenUnlessHindered(const char* path, Open open_behind) {
  const char* const name = NameBelow(ThePlan(), path);
  if (name != nullptr) {
    const Verdict verdict = Judge(Plan::kOpen, name);
    if (verdict.fails) {
      errno = verdict.error;
      return -1;
    }
  }
  const int descriptor = open_behind();
  if (descriptor >= 0 && descriptor < kMostDescriptors) {
    // Kept for ever: a program opens few of them.
    names_of_descriptors[descriptor] = name == nullptr ? nullptr : strdup(name);
  }
  return descriptor;
}

// Writes by `write_behind` as many bytes as it is given, unless that is to fail.
template <typename Write>
ssize_t WriteUnlessHindered(int descriptor, size_t bytes, Write write_behind) {
  const char* const name = NameOf(descriptor);
  if (name == nullptr) return write_behind(bytes);
  const Verdict verdict = Judge(Plan::kWrite, name);
  if (!verdict.fails) return write_behind(bytes);
  const bool is_short = verdict.manner == Plan::kIsShort ||
                        (verdict.manner == Plan::kIsShortThenFails && verdict.is_first);
  // Of one byte there is no half.
  if (is_short && bytes > 1) return write_behind(bytes / 2);
  if (is_short && verdict.manner == Plan::kIsShort) return write_behind(bytes);
  if (verdict.manner == Plan::kIsDoneYetFails) write_behind(bytes);
  errno = verdict.error;
  return -1;
}

mode_t ModeOf(int flags, va_list arguments) {
  const bool makes_file = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  return makes_file ? va_arg(arguments, mode_t) : 0;
}

// FUTEX_WAIT_BITSET until a time of the wall clock.
long WaitOnWallClock(long (*behind)(long, ...), const long* arguments) {
  const auto* const until = reinterpret_cast<const timespec*>(arguments[3]);
  const int64_t deadline = until->tv_sec * kNanoseconds + until->tv_nsec;
  while (true) {
    const int64_t real = Now(CLOCK_REALTIME);
    const int64_t left = deadline - (real + WallClockOffset());
    if (left <= 0) {
      errno = ETIMEDOUT;
      return -1;
    }
    const timespec piece = TimeOf(real + (left < kPieceOfWaitNs ? left : kPieceOfWaitNs));
    const long result = behind(SYS_futex, arguments[0], arguments[1], arguments[2], &piece,
                               arguments[4], arguments[5]);
    if (result != -1 || errno != ETIMEDOUT) return result;
  }
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = ModeOf(flags, arguments);
  va_end(arguments);
  static const auto behind = Behind<int(const char*, int, ...)>("open");
  return OpenUnlessHindered(path, [&] { return behind(path, flags, mode); });
}

int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = ModeOf(flags, arguments);
  va_end(arguments);
  static const auto behind = Behind<int(const char*, int, ...)>("open64");
  return OpenUnlessHindered(path, [&] { return behind(path, flags, mode); });
}

int openat(int folder, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = ModeOf(flags, arguments);
  va_end(arguments);
  static const auto behind = Behind<int(int, const char*, int, ...)>("openat");
  return OpenUnlessHindered(path, [&] { return behind(folder, path, flags, mode); });
}

int close(int descriptor) {
  if (descriptor >= 0 && descriptor < kMostDescriptors) names_of_descriptors[descriptor] = nullptr;
  static const auto behind = Behind<int(int)>("close");
  return behind(descriptor);
}

ssize_t pread64(int descriptor, void* to, size_t bytes, off64_t offset) {
  if (FailsOnDescriptor(Plan::kRead, descriptor)) return -1;
  static const auto behind = Behind<ssize_t(int, void*, size_t, off64_t)>("pread64");
  return behind(descriptor, to, bytes, offset);
}

ssize_t pread(int descriptor, void* to, size_t bytes, off_t offset) {
  return pread64(descriptor, to, bytes, offset);
}

ssize_t read(int descriptor, void* to, size_t bytes) {
  if (FailsOnDescriptor(Plan::kRead, descriptor)) return -1;
  static const auto behind = Behind<ssize_t(int, void*, size_t)>("read");
  return behind(descriptor, to, bytes);
}

ssize_t pwrite64(int descriptor, const void* from, size_t bytes, off64_t offset) {
  static const auto behind = Behind<ssize_t(int, const void*, size_t, off64_t)>("pwrite64");
  return WriteUnlessHindered(descriptor, bytes,
                             [&](size_t some) { return behind(descriptor, from, some, offset); });
}

ssize_t pwrite(int descriptor, const void* from, size_t bytes, off_t offset) {
  return pwrite64(descriptor, from, bytes, offset);
}

ssize_t write(int descriptor, const void* from, size_t bytes) {
  static const auto behind = Behind<ssize_t(int, const void*, size_t)>("write");
  return WriteUnlessHindered(descriptor, bytes,
                             [&](size_t some) { return behind(descriptor, from, some); });
}

int fsync(int descriptor) {
  if (FailsOnDescriptor(Plan::kSync, descriptor)) return -1;
  static const auto behind = Behind<int(int)>("fsync");
  return behind(descriptor);
}

int fdatasync(int descriptor) {
  if (FailsOnDescriptor(Plan::kSync, descriptor)) return -1;
  static const auto behind = Behind<int(int)>("fdatasync");
  return behind(descriptor);
}

int ftruncate64(int descriptor, off64_t size) noexcept {
  if (FailsOnDescriptor(Plan::kTruncate, descriptor)) return -1;
  static const auto behind = Behind<int(int, off64_t)>("ftruncate64");
  return behind(descriptor, size);
}

int ftruncate(int descriptor, off_t size) noexcept { return ftruncate64(descriptor, size); }

int unlink(const char* path) noexcept {
  const char* const name = NameBelow(ThePlan(), path);
  if (name != nullptr) {
    const Verdict verdict = Judge(Plan::kUnlink, name);
    if (verdict.fails) {
      errno = verdict.error;
      return -1;
    }
  }
  static const auto behind = Behind<int(const char*)>("unlink");
  return behind(path);
}

int fstat64(int descriptor, struct stat64* found) noexcept {
  if (FailsOnDescriptor(Plan::kStat, descriptor)) return -1;
  static const auto behind = Behind<int(int, struct stat64*)>("fstat64");
  return behind(descriptor, found);
}

void* mmap64(void* address, size_t bytes, int protection, int flags, int descriptor,
             off64_t offset) noexcept {
  if ((flags & MAP_ANONYMOUS) == 0 && FailsOnDescriptor(Plan::kMap, descriptor)) return MAP_FAILED;
  static const auto behind = Behind<void*(void*, size_t, int, int, int, off64_t)>("mmap64");
  return behind(address, bytes, protection, flags, descriptor, offset);
}

int fcntl64(int descriptor, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  if (command == F_SETLK && FailsOnDescriptor(Plan::kLock, descriptor)) return -1;
  static const auto behind = Behind<int(int, int, ...)>("fcntl64");
  return behind(descriptor, command, argument);
}

int clock_gettime(clockid_t clock, timespec* now) noexcept {
  static const auto behind = Behind<int(clockid_t, timespec*)>("clock_gettime");
  const int result = behind(clock, now);
  const bool is_wall_clock = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
  if (result == 0 && is_wall_clock) {
    *now = TimeOf(now->tv_sec * kNanoseconds + now->tv_nsec + WallClockOffset());
  }
  return result;
}

int gettimeofday(timeval* now, void* /*zone*/) noexcept {
  timespec precise{};
  const int result = clock_gettime(CLOCK_REALTIME, &precise);
  *now = {precise.tv_sec, precise.tv_nsec / 1000};
  return result;
}

time_t time(time_t* now) noexcept {
  timespec precise{};
  clock_gettime(CLOCK_REALTIME, &precise);
  if (now != nullptr) *now = precise.tv_sec;
  return precise.tv_sec;
}

long syscall(long number, ...) noexcept {
  long arguments[6];
  va_list list;
  va_start(list, number);
  for (long& argument : arguments) argument = va_arg(list, long);
  va_end(list);
  // No static that is made once: who waits for another thread to make it waits by this function.
  static std::atomic<long (*)(long, ...)> found{nullptr};
  if (found == nullptr) found = Behind<long(long, ...)>("syscall");
  const auto behind = found.load();
  const bool waits_on_wall_clock = number == SYS_futex &&
                                   (arguments[1] & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET &&
                                   (arguments[1] & FUTEX_CLOCK_REALTIME) != 0 && arguments[3] != 0;
  if (waits_on_wall_clock) return WaitOnWallClock(behind, arguments);
  return behind(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
                arguments[5]);
}

}  // extern "C"
