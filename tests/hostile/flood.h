#ifndef ONHOOK_TESTS_HOSTILE_FLOOD_H_
#define ONHOOK_TESTS_HOSTILE_FLOOD_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace onhook {

// A request that is far larger than any may be.
struct Flood {
  const char* name;
  int status;  // that it has to be answered with
  std::string begin;
  std::string piece;  // sent again and again behind `begin`
  int pieces;
  std::string last = {};  // sent behind all of them
};

std::vector<Flood> Floods();

// Sends `flood` to 127.0.0.1:`port` over several connections at once. The status of each answer; 0
// where there was none. Blocks until all have an answer or an end.
std::vector<int> SendFlood(const Flood& flood, int port);

// By how much the memory in use by process `pid` grew at its peak while `work` ran, in bytes.
int64_t MemoryGrowth(pid_t pid, const std::function<void()>& work);

}  // namespace onhook

#endif  // ONHOOK_TESTS_HOSTILE_FLOOD_H_
