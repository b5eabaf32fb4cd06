#ifndef ONHOOK_TESTS_HOSTILE_HTTP2_ATTACKS_H_
#define ONHOOK_TESTS_HOSTILE_HTTP2_ATTACKS_H_

#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "tests/hostile/raw_connection.h"

namespace onhook {

// What a client may send to cost a server of HTTP/2 more than itself.
struct Http2Attack {
  const char* name;
  std::string begin;                      // the preface, and what comes but once
  std::function<std::string(int)> piece;  // the so-manieth, from 0
  int pieces;
  bool reads = true;  // takes the answers; otherwise they pile up at the server
};
inline void PrintTo(const Http2Attack& attack, std::ostream* out) { *out << attack.name; }

std::vector<Http2Attack> Http2Attacks();

// What came of it, over all connections.
struct Http2AttackOutcome {
  size_t bytes_answered = 0;
  int settings_answered = 0;  // connections that were answered with HTTP/2's first frame
};

// Makes `attack` over several connections at once, which stay open until `meanwhile` returns. Ends
// by itself, whether the server reads, stops reading, or closes.
Http2AttackOutcome MakeHttp2Attack(const Http2Attack& attack, int port,
                                   const std::optional<RawConnection::Tls>& tls,
                                   const std::function<void()>& meanwhile);

}  // namespace onhook

#endif  // ONHOOK_TESTS_HOSTILE_HTTP2_ATTACKS_H_
