#ifndef ONHOOK_TESTS_UNIT_INGRESS_CALLBACK_HANDLER_FIXTURE_H_
#define ONHOOK_TESTS_UNIT_INGRESS_CALLBACK_HANDLER_FIXTURE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gateway/config/settings.h"
#include "gateway/ingress/callback_handler.h"
#include "gateway/ingress/open_source.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/fake_store.h"
#include "tests/support/manual_clock.h"
#include "tests/support/recording_event_log.h"
#include "tests/support/temporary_directory.h"

namespace onhook {

// A handler of one source, which a test may set before the first callback, around stores that
// only record.
class CallbackHandlerFixture : public ::testing::Test {
 protected:
  CallbackHandlerFixture() { source_.acknowledge.when = Settings::Acknowledge::When::kStored; }

  CallbackHandler& Handler() {
    if (handler_ == nullptr) {
      settings_.sources = {source_};
      std::vector<CallbackSource> sources;
      absl::StatusOr<CallbackSource> opened = OpenSource(source_, settings_, secrets_);
      EXPECT_TRUE(opened.ok()) << opened.status();
      sources.push_back(*std::move(opened));
      handler_ = std::make_unique<CallbackHandler>(
          std::move(sources), settings_.quarantine,
          CallbackHandler::Parts{&clock_, &log_, &metrics_, &desk_, &store_.quarantine()});
    }
    return *handler_;
  }
  HttpResponse Send(absl::string_view method, absl::string_view path, absl::string_view body) {
    HttpRequest request;
    request.method = method;
    request.path = path;
    request.headers = headers_;
    request.body = body;
    request.peer = peer_;
    return Handler().HandleAndWait(request);
  }
  HttpResponse Post(absl::string_view body) { return Send("POST", source_.path, body); }

  // The same source, as if the gateway had been started again with it.
  void Restart() { handler_ = nullptr; }

  std::string SecretFile(const std::string& name, absl::string_view secret) {
    return directory_.Write(name, secret);
  }

  v1::ReleaseEvent StoredEvent() {
    v1::ReleaseEvent event;
    EXPECT_EQ(event_log_.appended().size(), 1u);
    EXPECT_TRUE(event.ParseFromString(event_log_.appended().at(0).event));
    return event;
  }
  std::vector<RejectedCallback> Kept() {
    std::vector<RejectedCallback> kept;
    store_.quarantine().List(
        {}, [&](absl::StatusOr<std::vector<RejectedCallback>> found) { kept = *std::move(found); });
    return kept;
  }
  // What was kept first, with its body.
  RejectedCallback Whole() {
    RejectedCallback whole;
    store_.quarantine().Get(Kept().at(0).id, [&](absl::StatusOr<RejectedCallback> found) {
      whole = *std::move(found);
    });
    return whole;
  }
  Judgement JudgeAgain() {
    absl::StatusOr<Judgement> judgement = Handler().Judge(Whole());
    EXPECT_TRUE(judgement.ok()) << judgement.status();
    return *std::move(judgement);
  }
  // Whether the metrics hold this line.
  ::testing::AssertionResult Counts(absl::string_view line) const {
    const std::string text = metrics_.Text();
    if (absl::StrContains(text, absl::StrCat(line, "\n"))) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << "no line " << line << " in\n" << text;
  }

  TemporaryDirectory directory_;
  ManualClock clock_;
  std::vector<std::string> lines_;
  Log log_{&clock_, LogLevel::kDebug, Log::Format::kJson,
           [this](absl::string_view line) { lines_.emplace_back(line); }};
  SecretPool secrets_{&clock_, &log_};
  Metrics metrics_;
  RecordingEventLog event_log_;
  FakeStore store_{&event_log_};
  ReceiptDesk desk_{&clock_, &store_, {}};
  Settings settings_;
  Settings::Source source_;
  std::vector<HttpHeader> headers_;
  std::string peer_ = "192.0.2.7";
  std::unique_ptr<CallbackHandler> handler_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_UNIT_INGRESS_CALLBACK_HANDLER_FIXTURE_H_
