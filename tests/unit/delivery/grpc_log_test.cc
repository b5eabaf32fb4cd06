#include "gateway/delivery/grpc_log.h"

#include <gmock/gmock.h>
#include <grpc/support/log.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/manual_clock.h"

namespace onhook {
namespace {

using testing::HasSubstr;
using testing::Not;

class GrpcLogTest : public testing::Test {
 protected:
  // As every server does; before it, gRPC says nothing at all.
  GrpcLogTest() { gpr_log_verbosity_init(); }

  static void Say(gpr_log_severity severity, const char* text) {
    gpr_log("src/core/tcp_posix.cc", 12, severity, "%s", text);
  }

  Metrics metrics_;
  ManualClock clock_;
  std::vector<std::string> lines_;
  Log log_{&clock_, LogLevel::kDebug, Log::Format::kJson,
           [this](absl::string_view line) { lines_.emplace_back(line); }};
};

TEST_F(GrpcLogTest, AnErrorIsToldByItsPlaceAndNotByWhatItSays) {
  const GrpcLog grpc_log(&metrics_, &clock_, &log_);
  testing::internal::CaptureStderr();
  Say(GPR_LOG_SEVERITY_ERROR, "bad header 13800000000");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  ASSERT_EQ(lines_.size(), 1u);
  EXPECT_THAT(lines_[0], HasSubstr("\"error\":\"tcp_posix.cc:12\""));
  EXPECT_THAT(lines_[0], Not(HasSubstr("13800000000")));
}

TEST_F(GrpcLogTest, ManyErrorsAreOneLineInTenSeconds) {
  const GrpcLog grpc_log(&metrics_, &clock_, &log_);
  for (int i = 0; i < 50; ++i) Say(GPR_LOG_SEVERITY_ERROR, "again");
  EXPECT_EQ(lines_.size(), 1u);
  clock_.Advance(absl::Seconds(10));
  Say(GPR_LOG_SEVERITY_ERROR, "again");
  ASSERT_EQ(lines_.size(), 2u);
  EXPECT_THAT(lines_[1], HasSubstr("\"errors\":50"));
}

TEST_F(GrpcLogTest, OnlyErrorsAreToldAndOnlyToTheYoungestThatLives) {
  const GrpcLog first(&metrics_, &clock_, &log_);
  std::vector<std::string> others;
  const Log other(&clock_, LogLevel::kDebug, Log::Format::kJson,
                  [&](absl::string_view line) { others.emplace_back(line); });
  {
    const GrpcLog second(&metrics_, &clock_, &other);
    Say(GPR_LOG_SEVERITY_INFO, "nothing");
    Say(GPR_LOG_SEVERITY_ERROR, "to the second");
  }
  EXPECT_EQ(others.size(), 1u);
  EXPECT_EQ(lines_.size(), 0u);
  Say(GPR_LOG_SEVERITY_ERROR, "to the first");
  EXPECT_EQ(lines_.size(), 1u);
}

TEST_F(GrpcLogTest, EveryHandshakeThatFailedIsCounted) {
  const GrpcLog grpc_log(&metrics_, &clock_, &log_);
  for (int i = 0; i < 3; ++i) {
    gpr_log("src/ssl_transport_security.cc", 7, GPR_LOG_SEVERITY_ERROR, "Handshake failed: %d", i);
  }
  Say(GPR_LOG_SEVERITY_ERROR, "Handshake failed elsewhere");
  EXPECT_THAT(metrics_.Text(), HasSubstr("onhook_grpc_handshakes_failed_total 3\n"));
}

TEST_F(GrpcLogTest, OfAHandshakeThatFailedItIsToldWhatOpenSslSays) {
  const char* const file = "a/b/ssl_transport_security.cc";
  EXPECT_EQ(TellableOfGrpc(file, 5, "Handshake failed with fatal error: unknown ca"),
            "ssl_transport_security.cc:5 Handshake failed with fatal error: unknown ca");
  EXPECT_EQ(TellableOfGrpc(file, 6, "No match found for server name: 138"),
            "ssl_transport_security.cc:6");
  EXPECT_EQ(TellableOfGrpc("frame.cc", 7, "Handshake failed"), "frame.cc:7");
}

}  // namespace
}  // namespace onhook
