#include "tests/hostile/http2_attacks.h"

#include <memory>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tests/hostile/http2_frames.h"

namespace onhook {
namespace {

constexpr int kConnections = 4;
// A server that takes nothing for so long has stopped the attack.
constexpr absl::Duration kPatience = absl::Seconds(1);
// Of one attack's sending; the longest of them needs a fraction.
constexpr absl::Duration kLongest = absl::Seconds(20);

constexpr char kWatch[] = "/onhook.v1.ReleaseEventService/Watch";
constexpr char kSubscribe[] = "/onhook.v1.ReleaseEventService/Subscribe";
constexpr char kListEvents[] = "/onhook.v1.ReleaseEventService/ListEvents";

constexpr uint16_t kHeaderTableSize = 1;
constexpr uint16_t kInitialWindow = 4;
constexpr uint32_t kMostWindow = 0x7fffffff;

uint32_t StreamOf(int call) { return 1 + 2 * static_cast<uint32_t>(call); }

std::string Times(int count, const std::function<std::string(int)>& piece) {
  std::string bytes;
  for (int i = 0; i < count; ++i) bytes += piece(i);
  return bytes;
}

// A call with these headers behind gRPC's, ended by the client at once.
std::string Call(int call, const std::string& more_headers, uint8_t flags = kEndStream) {
  return FrameOf(Http2Frame::kHeaders, kEndHeaders | flags, StreamOf(call),
                 CallHeaders(kListEvents) + more_headers);
}

// A call that goes on, and waits for messages.
std::string Open(int call, absl::string_view path) {
  return FrameOf(Http2Frame::kHeaders, kEndHeaders, StreamOf(call), CallHeaders(path));
}

// A stream of headers without an end.
std::string EndlessHeaders() {
  return absl::StrCat(Http2Preface(),
                      FrameOf(Http2Frame::kHeaders, 0, 1, CallHeaders(kListEvents)));
}

std::string Continuation(const std::string& bytes) {
  return FrameOf(Http2Frame::kContinuation, 0, 1, bytes);
}

std::vector<Http2Attack> CallAttacks() {
  return {
      // CVE-2023-44487.
      {"calls that are reset at once", Http2Preface(),
       [](int i) {
         return Call(i, "") + FrameOf(Http2Frame::kRstStream, 0, StreamOf(i), FourBytes(8));
       },
       20000},
      {"streams that are reset at once", Http2Preface(),
       [](int i) {
         return Open(i, kSubscribe) + FrameOf(Http2Frame::kRstStream, 0, StreamOf(i), FourBytes(8));
       },
       20000},
      {"calls beyond what may be at once", Http2Preface(), [](int i) { return Open(i, kWatch); },
       20000},
      {"calls of what there is not", Http2Preface(),
       [](int i) { return Open(i, absl::StrCat("/", std::string(100, 'x'), i)); }, 10000, false},
      {"streams that are never read", Http2Preface({{kInitialWindow, 0}}),
       [](int i) {
         return Open(i, kWatch) +
                FrameOf(Http2Frame::kData, kEndStream, StreamOf(i), GrpcMessage(0, "\x08\x01"));
       },
       100, false},
      {"messages that say they are huge", Http2Preface(),
       [](int i) {
         return Open(i, kSubscribe) + FrameOf(Http2Frame::kData, 0, StreamOf(i),
                                              absl::StrCat("\x01", FourBytes(0xfffffff0), "x"));
       },
       2000},
      {"messages of a byte that say they are compressed", Http2Preface(),
       [](int i) {
         return Call(i, HpackLiteral("grpc-encoding", "gzip"), 0) +
                FrameOf(Http2Frame::kData, kEndStream, StreamOf(i), GrpcMessage(1, "x"));
       },
       5000},
  };
}

std::vector<Http2Attack> HeaderAttacks() {
  const std::string kib8(8 * 1024, 'a');
  const std::string kept = HpackKept("x", std::string(4000, 'a'));
  // Each of these bytes stands for a header of 4,000.
  const std::string bomb = Times(16000, [](int) { return HpackIndexed(62); });
  const std::string table_sizes = Times(2000, [](int i) { return HpackNumber(0x20, 5, i % 4096); });
  return {
      {"headers that are larger than any may be", Http2Preface(),
       [kib8](int i) { return Call(i, HpackLiteral("x", kib8)); }, 2000},
      {"many small headers", Http2Preface(),
       [](int i) { return Call(i, Times(2000, [](int) { return HpackLiteral("x", ""); })); }, 500},
      {"headers that unpack to 64 MB", absl::StrCat(Http2Preface(), Call(0, kept)),
       [bomb](int i) { return Call(i + 1, bomb); }, 500},
      // CVE-2023-33953.
      {"tables that change their size again and again", Http2Preface({{kHeaderTableSize, 65536}}),
       [table_sizes](int i) {
         return FrameOf(Http2Frame::kHeaders, kEndHeaders | kEndStream, StreamOf(i), table_sizes);
       },
       2000},
      {"numbers without an end", EndlessHeaders(),
       [](int) { return Continuation(std::string(16000, '\xff')); }, 1000},
      // CVE-2023-33953 again: gRPC reads from the beginning with each piece, so twice as much takes
      // four times as long; 5 MB of it on each connection kept everybody waiting for 20 s.
      {"a name without an end", absl::StrCat(EndlessHeaders(), Continuation({'\0', '\x7f'})),
       [](int) { return Continuation(std::string(16000, '\x80')); }, 60},
      {"a value without an end",
       absl::StrCat(EndlessHeaders(), Continuation(absl::StrCat(HpackNumber(0, 4, 0), "\1x",
                                                                HpackNumber(0, 7, 1 << 30)))),
       [](int) { return Continuation(std::string(16000, 'a')); }, 1000},
      // CVE-2023-32731 and CVE-2023-32732.
      {"binary headers that are none", Http2Preface(),
       [](int i) {
         return Call(i, absl::StrCat(HpackLiteral("x-bin", "!!!"), HpackKept("y-bin", "====")));
       },
       5000},
      {"Huffman codes of nothing", Http2Preface(),
       [](int i) {
         return Call(i, absl::StrCat(HpackNumber(0, 4, 0), "\1x", HpackNumber(0x80, 7, 1000),
                                     std::string(1000, '\xff')));
       },
       2000},
      {"headers that no table has", Http2Preface(),
       [](int i) { return Call(i, HpackIndexed(4000)); }, 2000},
      // The CONTINUATION flood, CVE-2024-27316 elsewhere.
      {"continuations without an end", EndlessHeaders(),
       [kib8](int) { return Continuation(HpackLiteral("x", kib8)); }, 4000},
      {"empty continuations", EndlessHeaders(),
       [](int) { return Times(1000, [](int) { return Continuation(""); }); }, 200},
  };
}

std::vector<Http2Attack> FrameAttacks() {
  const auto thousand = [](const std::string& frame) {
    return [frames = Times(1000, [&](int) { return frame; })](int) { return frames; };
  };
  const std::string stream = absl::StrCat(Http2Preface(), Open(0, kSubscribe));
  const std::string setting({'\0', '\4', '\0', '\1', '\0', '\0'});
  return {
      {"pings", Http2Preface(), thousand(FrameOf(Http2Frame::kPing, 0, 0, "12345678")), 100, false},
      {"pings that are read", Http2Preface(),
       thousand(FrameOf(Http2Frame::kPing, 0, 0, "12345678")), 100},
      {"settings", Http2Preface(), thousand(FrameOf(Http2Frame::kSettings, 0, 0, setting)), 100,
       false},
      {"acknowledgments of settings", Http2Preface(),
       thousand(FrameOf(Http2Frame::kSettings, kAcknowledges, 0, "")), 100},
      {"empty data", stream, thousand(FrameOf(Http2Frame::kData, 0, 1, "")), 200},
      {"data of a stream that is not there", Http2Preface(),
       thousand(FrameOf(Http2Frame::kData, 0, 4001, "x")), 100},
      {"priorities", Http2Preface(),
       [](int i) {
         return Times(1000, [i](int j) {
           return FrameOf(Http2Frame::kPriority, 0, StreamOf(1000 * i + j),
                          FourBytes(StreamOf(1000 * i + j + 1)) + "\x10");
         });
       },
       100},
      {"windows", stream, thousand(FrameOf(Http2Frame::kWindowUpdate, 0, 1, FourBytes(1))), 200},
      {"windows that are too large", stream,
       thousand(FrameOf(Http2Frame::kWindowUpdate, 0, 0, FourBytes(kMostWindow))), 10},
      {"windows of nothing", stream,
       thousand(FrameOf(Http2Frame::kWindowUpdate, 0, 1, FourBytes(0))), 10},
      {"resets of streams that never were", Http2Preface(),
       [](int i) {
         return Times(1000, [i](int j) {
           return FrameOf(Http2Frame::kRstStream, 0, StreamOf(1000 * i + j), FourBytes(8));
         });
       },
       100},
      {"goodbyes", Http2Preface(),
       thousand(FrameOf(Http2Frame::kGoAway, 0, 0, FourBytes(0) + FourBytes(0))), 100},
      {"frames of a kind that is not known", Http2Preface(),
       thousand(FrameOf(static_cast<Http2Frame>(0x77), 0xff, 1, "x")), 100},
      {"a frame of 16 MiB",
       absl::StrCat(stream, FrameOfLength(0xffffff, Http2Frame::kData, 0, 1, "")),
       [](int) { return std::string(16 * 1024, 'x'); }, 1024},
      {"settings of 16 MiB",
       absl::StrCat(Http2Preface(), FrameOfLength(0xfffffc, Http2Frame::kSettings, 0, 0, "")),
       [setting](int) { return Times(2730, [&](int) { return setting; }); }, 1024},
      {"something that is no HTTP/2", "", [](int) { return std::string(16 * 1024, 'x'); }, 1000},
      {"half a preface", Http2Preface().substr(0, 12), [](int) { return std::string(); }, 1},
  };
}

}  // namespace

std::vector<Http2Attack> Http2Attacks() {
  std::vector<Http2Attack> attacks = CallAttacks();
  for (auto* more : {&HeaderAttacks, &FrameAttacks}) {
    for (Http2Attack& attack : more()) attacks.push_back(std::move(attack));
  }
  return attacks;
}

Http2AttackOutcome MakeHttp2Attack(const Http2Attack& attack, int port,
                                   const std::optional<RawConnection::Tls>& tls,
                                   const std::function<void()>& meanwhile) {
  std::vector<std::unique_ptr<RawConnection>> connections(kConnections);
  std::vector<std::thread> senders;
  for (std::unique_ptr<RawConnection>& connection : connections) {
    senders.emplace_back([&] {
      connection = std::make_unique<RawConnection>(port, tls);
      const absl::Time until = absl::Now() + kLongest;
      bool sent = connection->Send(attack.begin, kPatience);
      // A server that speaks HTTP/2 says so first; one that closes later may take that with it.
      connection->AwaitSomething(kPatience);
      for (int i = 0; sent && i < attack.pieces && absl::Now() < until; ++i) {
        if (attack.reads) connection->Take();
        sent = connection->Send(attack.piece(i), kPatience);
      }
    });
  }
  for (std::thread& sender : senders) sender.join();
  meanwhile();
  Http2AttackOutcome outcome;
  for (const std::unique_ptr<RawConnection>& connection : connections) {
    connection->Take();
    const std::string& received = connection->received();
    outcome.bytes_answered += received.size();
    // Length 3, type, flags, stream 4: of the first frame.
    constexpr size_t kType = 3;
    const bool is_http2 =
        received.size() > kType && received[kType] == static_cast<char>(Http2Frame::kSettings);
    outcome.settings_answered += is_http2 ? 1 : 0;
  }
  return outcome;
}

}  // namespace onhook
