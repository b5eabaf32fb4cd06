#include "onhook/client.h"

#include <gtest/gtest.h>

#include <set>

#include "clients/cpp/grpc_status.h"
#include "clients/cpp/reconnect_backoff.h"
#include "onhook/status.h"
#include "tests/unit/clients/fake_gateway.h"

namespace onhook::client {
namespace {

TEST(ClientTest, GetEventReturnsTheEvent) {
  FakeGateway gateway;
  const auto event = Client(gateway.client_options()).GetEvent("v1-00-7");
  ASSERT_TRUE(event.ok()) << event.status();
  EXPECT_EQ(event->event().event_id(), "v1-00-7");
}

TEST(ClientTest, AnErrorKeepsCodeMessageAndReason) {
  FakeGateway gateway;
  gateway.lookup_status = StatusWithReason(grpc::StatusCode::NOT_FOUND, "gone", "EVENT_NOT_KEPT");
  const absl::Status status = Client(gateway.client_options()).GetEvent("x").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(status.message(), "gone");
  EXPECT_EQ(ErrorReason(status), "EVENT_NOT_KEPT");
}

TEST(ClientTest, ListEventsReturnsOnePage) {
  FakeGateway gateway;
  gateway.events.add_stored_events()->set_cursor("c1");
  gateway.events.set_next_page_token("more");
  const auto page = Client(gateway.client_options()).ListEvents(v1::ListEventsRequest());
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->stored_events(0).cursor(), "c1");
  EXPECT_EQ(page->next_page_token(), "more");
}

TEST(ClientTest, AGatewayThatIsNotThereIsUnavailable) {
  ClientOptions options;
  options.server = "127.0.0.1:1";
  EXPECT_EQ(Client(options).WaitUntilConnected(absl::Milliseconds(50)).code(),
            absl::StatusCode::kUnavailable);
}

TEST(GrpcStatusTest, EveryCodeKeepsItsMeaning) {
  for (int code = 1; code <= 16; ++code) {
    const absl::Status status =
        FromGrpcStatus(grpc::Status(static_cast<grpc::StatusCode>(code), "why"));
    EXPECT_EQ(status.raw_code(), code);
    EXPECT_EQ(status.message(), "why");
    EXPECT_EQ(ErrorReason(status), "");
  }
  EXPECT_TRUE(FromGrpcStatus(grpc::Status::OK).ok());
}

TEST(GrpcStatusTest, DetailsThatDoNotParseAreNoReason) {
  const grpc::Status broken(grpc::StatusCode::UNAVAILABLE, "why", "\xFF\xFF");
  EXPECT_EQ(ErrorReason(FromGrpcStatus(broken)), "");
}

TEST(ReconnectBackoffTest, WaitsGrowUpToTheMaximumAndAreShortenedByHalfAtMost) {
  ReconnectOptions options;
  options.initial = absl::Milliseconds(100);
  options.maximum = absl::Milliseconds(400);
  ReconnectBackoff backoff(options, 1);
  for (const int longest_ms : {100, 200, 400, 400}) {
    const absl::Duration wait = backoff.AfterStream(absl::ZeroDuration(), false);
    EXPECT_LE(wait, absl::Milliseconds(longest_ms));
    EXPECT_GE(wait, absl::Milliseconds(longest_ms) / 2);
  }
}

TEST(ReconnectBackoffTest, AStreamThatLivedLongStartsTheCountAnew) {
  ReconnectOptions options;
  ReconnectBackoff backoff(options, 1);
  for (int i = 0; i < 10; ++i) backoff.AfterStream(absl::ZeroDuration(), false);
  EXPECT_LE(backoff.AfterStream(options.maximum * 2, false), options.initial);
}

TEST(ReconnectBackoffTest, AStreamThatBroughtSomethingStartsTheCountAnew) {
  ReconnectOptions options;
  ReconnectBackoff backoff(options, 1);
  for (int i = 0; i < 10; ++i) backoff.AfterStream(absl::ZeroDuration(), false);
  EXPECT_LE(backoff.AfterStream(absl::ZeroDuration(), true), options.initial);
}

TEST(ReconnectBackoffTest, AfterAPlannedEndNobodyWaitsUnlessItIsTheRule) {
  ReconnectBackoff backoff(ReconnectOptions(), 1);
  EXPECT_EQ(backoff.AfterGoAway(absl::Hours(1), false), absl::ZeroDuration());
  EXPECT_EQ(backoff.AfterGoAway(absl::ZeroDuration(), true), absl::ZeroDuration());
  EXPECT_GT(backoff.AfterGoAway(absl::ZeroDuration(), false), absl::ZeroDuration());
}

TEST(GrpcStatusTest, WhatNoRepetitionMendsIsNotRepeated) {
  using Code = absl::StatusCode;
  const std::set<Code> final = {Code::kOk,
                                Code::kNotFound,
                                Code::kInvalidArgument,
                                Code::kFailedPrecondition,
                                Code::kPermissionDenied,
                                Code::kUnauthenticated,
                                Code::kUnimplemented,
                                Code::kOutOfRange};
  for (int code = 0; code <= 16; ++code) {
    const absl::Status status(static_cast<Code>(code), "why");
    EXPECT_EQ(IsTransient(status), final.count(status.code()) == 0) << status;
  }
}

}  // namespace
}  // namespace onhook::client
