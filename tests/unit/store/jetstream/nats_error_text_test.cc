#include "gateway/store/jetstream/nats_error_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace onhook {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(NatsErrorTextTest, WhereInTheLibraryItWasFoundIsLeftOut) {
  const struct {
    const char* kind;
    const char* detail;
    const char* text;
  } rows[] = {
      {"Timeout", "", "Timeout"},
      {"No server", "(conn.c:2088): No server", "No server"},  // says the same twice
      {"I/O Error", "read error: (sock.c:5) (os.c:12345): gone", "I/O Error: read error: gone"},
      {"I/O Error", "(of a peer) it went (a.c:x)", "I/O Error: (of a peer) it went (a.c:x)"},
      {"I/O Error", "(conn.c:12", "I/O Error: (conn.c:12"},
      {"", "Stale Connection", "Stale Connection"},
  };
  for (const auto& row : rows) EXPECT_EQ(NatsErrorText(row.kind, row.detail), row.text);
}

TEST(NatsErrorTextTest, TheSettingsOfAServerThatLetsNobodyInAreNamed) {
  const struct {
    const char* kind;
    const char* detail;
    const char* begin;
    const char* setting;
  } rows[] = {
      {"Authentication Violation", "(conn.c:1905): Authorization Violation",
       "Authentication Violation: Authorization Violation; ", "store.jetstream.password_file"},
      {"SSL Error", "(conn.c:733): SSL handshake error: 64:IP address mismatch",
       "SSL Error: SSL handshake error: 64:IP address mismatch; ", "store.jetstream.tls.ca_file"},
      {"Secure Connection Required", "", "Secure Connection Required; ", "tls://"},
      {"Protocol Error", "(conn.c:1909): Expected 'PONG', got ''",
       "Protocol Error: Expected 'PONG', got ''; ", "store.jetstream.tls.certificate_file"},
  };
  for (const auto& row : rows) {
    const std::string text = NatsErrorText(row.kind, row.detail);
    EXPECT_THAT(text, StartsWith(row.begin));
    EXPECT_THAT(text, HasSubstr(row.setting));
  }
}

}  // namespace
}  // namespace onhook
