#include "tests/hostile/flood.h"

#include <fstream>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "tests/support/raw_http_client.h"

namespace onhook {
namespace {

constexpr int kConnections = 8;
constexpr int kMib = 1024 * 1024;

std::string With(absl::string_view headers) {
  return absl::StrCat("POST /release-events HTTP/1.1\r\nHost: h\r\n", headers);
}

int StatusOfFlood(const Flood& flood, int port) {
  RawHttpClient client(port);
  int status = 0;
  // At the same time, since the end of a connection under a sender can take the answer with it.
  std::thread reader([&] { status = client.ReadAnswer().status; });
  client.Send(flood.begin);
  for (int i = 0; i < flood.pieces; ++i) client.Send(flood.piece);
  client.Send(flood.last).FinishSending();
  reader.join();
  return status;
}

// One figure of /proc/PID/status, which has it in KiB.
int64_t BytesOf(pid_t pid, absl::string_view figure) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/status"));
  int64_t kib = 0;
  for (std::string line; std::getline(file, line);) {
    absl::string_view rest = line;
    if (absl::ConsumePrefix(&rest, figure) && absl::ConsumePrefix(&rest, ":") &&
        absl::ConsumeSuffix(&rest, "kB") && absl::SimpleAtoi(rest, &kib)) {
      break;
    }
  }
  return kib * 1024;
}

}  // namespace

std::vector<Flood> Floods() {
  const std::string kib64(64 * 1024, 'a');
  const std::string chunked = With("Transfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = absl::StrCat("10000\r\n", kib64, "\r\n");
  std::string headers;
  for (int i = 0; i < 1000; ++i) headers += "X: y\r\n";
  std::string one_byte_chunks;
  for (int i = 0; i < 1000; ++i) one_byte_chunks += "1\r\na\r\n";
  return {
      {"64 MiB in chunks", 413, chunked, chunk, 64 * kMib / (64 * 1024)},
      {"64 MiB in one chunk", 413, chunked + "4000000\r\n", kib64, 64 * kMib / (64 * 1024)},
      {"64 MiB in chunks of a byte", 431, chunked, one_byte_chunks, 64 * kMib / 1000},
      {"a negative chunk", 400, chunked + "-2\r\n", kib64, 64 * kMib / (64 * 1024)},
      {"64 MiB of an extension", 431, chunked + "1;", kib64, 64 * kMib / (64 * 1024)},
      {"64 MiB of trailers", 431, chunked + "0\r\n", headers, 64 * kMib / 6000},
      {"64 MiB by length", 413, With("Content-Length: 67108864\r\n\r\n"), kib64,
       64 * kMib / (64 * 1024)},
      {"a bomb in gzip", 415,
       With("Content-Encoding: gzip\r\nContent-Length: 65000\r\n\r\n\x1f\x8b"),
       std::string(1000, '\0'), 65},
      {"a bomb in gzip in chunks", 415,
       With("Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"), chunk, 1024},
      {"300,000 headers", 431, With(""), headers, 300},
      {"a request line of 48 MiB", 414, "POST /", kib64, 48 * kMib / (64 * 1024)},
      {"a header of 48 MiB", 431, With("X: "), kib64, 48 * kMib / (64 * 1024)},
      {"a form of parts with a long file name", 415,
       With("Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 60000\r\n\r\n--b\r\n"
            "Content-Disposition: form-data; filename*=UTF-8''"),
       kib64, 1},
  };
}

std::vector<int> SendFlood(const Flood& flood, int port) {
  std::vector<int> statuses(kConnections);
  std::vector<std::thread> senders;
  for (int& status : statuses) {
    senders.emplace_back([&] { status = StatusOfFlood(flood, port); });
  }
  for (std::thread& sender : senders) sender.join();
  return statuses;
}

int64_t MemoryGrowth(pid_t pid, const std::function<void()>& work) {
  std::ofstream(absl::StrCat("/proc/", pid, "/clear_refs")) << "5";  // the peak is what it is now
  const int64_t before = BytesOf(pid, "VmRSS");
  work();
  return BytesOf(pid, "VmHWM") - before;
}

}  // namespace onhook
