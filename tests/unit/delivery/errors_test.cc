// The table of gateway/delivery/ERRORS.md, provoked over real gRPC.
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>

#include <fstream>
#include <functional>
#include <set>

#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gateway/access/access_control.h"
#include "gateway/delivery/cursor.h"
#include "gateway/delivery/numbered_id.h"
#include "gateway/delivery/rpc_status.pb.h"
#include "onhook/v1/rejected_callback_service.grpc.pb.h"
#include "tests/support/fake_quarantine.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/delivery/delivery_fixture.h"
#include "tests/unit/delivery/fake_judge.h"
#include "tests/unit/delivery/held_store.h"

namespace onhook {
namespace {

using Stub = v1::SubscriptionService::Stub;

// "CODE REASON", as in the table.
std::string Told(const grpc::Status& status) {
  internal::RpcStatus details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  internal::ErrorInfo info;
  if (details.details().empty()) info.set_reason("-");
  bool names_field = false;
  for (const auto& detail : details.details()) {
    if (detail.type_url() == "type.googleapis.com/google.rpc.ErrorInfo") {
      EXPECT_TRUE(info.ParseFromString(detail.value()));
    }
    names_field = names_field || detail.type_url() == "type.googleapis.com/google.rpc.BadRequest";
  }
  EXPECT_EQ(names_field, status.error_code() == grpc::StatusCode::INVALID_ARGUMENT)
      << status.error_message();
  const auto code = static_cast<absl::StatusCode>(status.error_code());
  return absl::StrCat(absl::StatusCodeToString(code), " ", info.reason());
}

// What takes time, a crowd or a broken disk.
bool NeedsMoreThanARequest(absl::string_view told) {
  static const auto* const kTold =
      new std::set<std::string>{"UNAVAILABLE UNAVAILABLE",
                                "UNAVAILABLE GOING_AWAY",
                                "INTERNAL INTERNAL",
                                "DATA_LOSS DATA_LOSS",
                                "UNIMPLEMENTED UNIMPLEMENTED",
                                "RESOURCE_EXHAUSTED RESOURCE_EXHAUSTED",
                                "RESOURCE_EXHAUSTED TOO_MANY_STREAMS",
                                "RESOURCE_EXHAUSTED BACKUP_UNDER_WAY",
                                "RESOURCE_EXHAUSTED TOO_MANY_CONNECTIONS",
                                "DEADLINE_EXCEEDED DEADLINE_EXCEEDED",
                                "CANCELLED -"};
  return kTold->count(std::string(told)) > 0;
}

// "RPC CODE REASON" of each row that a request alone can cause.
std::set<std::string> DocumentedRows() {
  std::ifstream file(ONHOOK_ERRORS_DOCUMENT);
  std::set<std::string> rows;
  for (std::string line; std::getline(file, line);) {
    const std::vector<std::string> cells = absl::StrSplit(line, " | ");
    if (cells.size() != 4 || cells[0] == "| RPC") continue;
    const std::string told = absl::StrCat(cells[1], " ", cells[2]);
    if (NeedsMoreThanARequest(told)) continue;
    rows.insert(absl::StrCat(absl::StripPrefix(cells[0], "| "), " ", told));
  }
  return rows;
}

class ErrorsTest : public DeliveryFixture {
 protected:
  // A log that retention has shortened already: the oldest event kept is the fourth.
  ErrorsTest() {
    BeginTheLogAt(4);
    callback_judge_ = &judge_;
  }
  std::unique_ptr<Store> InFrontOf(std::unique_ptr<Store> store) override {
    return std::make_unique<HeldStore>(std::move(store), &quarantine_);
  }
  void SetUp() override {
    DeliveryFixture::SetUp();
    rejected_ = v1::RejectedCallbackService::NewStub(
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", port_), grpc::InsecureChannelCredentials()));
    ASSERT_TRUE(store_->Declare({{"declared", {}}}).ok());
    ASSERT_TRUE(store_->CreateSubscription("crm", {}).ok());
  }

  void Note(const std::string& rpc, const grpc::Status& status) {
    provoked_.insert(absl::StrCat(rpc, " ", Told(status)));
  }
  // Makes a call, with a request that `spoil` has filled in.
  template <typename Request, typename Response>
  void Provoke(const std::string& rpc,
               grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
               const std::function<void(Request&)>& spoil) {
    Request request;
    spoil(request);
    Response response;
    Note(rpc, Call(method, request, &response));
  }
  // The same of RejectedCallbackService.
  template <typename Request, typename Response>
  void ProvokeRejected(const std::string& rpc,
                       grpc::Status (v1::RejectedCallbackService::Stub::*method)(
                           grpc::ClientContext*, const Request&, Response*),
                       const Request& request) {
    grpc::ClientContext context;
    LimitTime(context);
    Response response;
    Note(rpc, (rejected_.get()->*method)(&context, request, &response));
  }
  void ProvokeOpen(const std::function<void(v1::SubscribeOpen&)>& spoil) {
    Subscriber subscriber = Subscribe();
    v1::SubscribeRequest request;
    spoil(*request.mutable_open());
    subscriber.Send(request);
    Note("Subscribe", subscriber.End());
  }
  // Sends bytes that need not be a message. To a stream they are its first and only one.
  grpc::Status SendBytes(const std::string& method, const std::string& bytes) {
    return SendBytesTo(absl::StrCat("127.0.0.1:", port_), method, bytes, "");
  }
  static grpc::Status SendBytesTo(const std::string& address, const std::string& method,
                                  const std::string& bytes, const std::string& token) {
    grpc::GenericStub stub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
    const grpc::Slice slice(bytes);
    const grpc::ByteBuffer request(&slice, 1);
    grpc::ByteBuffer response;
    grpc::ClientContext context;
    LimitTime(context);
    ShowToken(context, token);
    grpc::Status status;
    absl::Notification done;
    stub.UnaryCall(&context, absl::StrCat("/onhook.v1.", method), {}, &request, &response,
                   [&](grpc::Status result) {
                     status = std::move(result);
                     done.Notify();
                   });
    done.WaitForNotification();
    return status;
  }
  std::vector<std::string> WrongCursors() const {
    return {"nonsense", FormatCursor("0123456789abcdef", 1), FormatCursor(store_->store_id(), 99),
            FormatCursor(store_->store_id(), 1)};
  }
  void ProvokeAccess();
  void ProvokeWithBytes();
  void ProvokeStreams();
  void ProvokeLookUps();
  void ProvokeSubscriptions();
  void ProvokeDeadLetters();
  void ProvokeRejectedCallbacks();

  FakeQuarantine quarantine_;
  FakeJudge judge_;
  std::unique_ptr<v1::RejectedCallbackService::Stub> rejected_;
  std::set<std::string> provoked_;
};

// By calls of another port, on the same store, which knows one identity that may do nothing.
void ErrorsTest::ProvokeAccess() {
  const TemporaryDirectory directory;
  const std::string token = "the-token-of-the-idle";
  Settings::Identity idle;
  idle.name = "idle";
  idle.token_files = {directory.Write("idle.token", token)};
  const auto access = AccessControl::Open({idle}, nullptr, nullptr, &clock_, &log_).value();
  DeliveryOptions options = options_;
  options.unix_socket = directory.path() + "/grpc.sock";
  DeliveryServer::Surroundings surroundings = Around();
  surroundings.access = access.get();
  DeliveryServer server(options, surroundings);
  const std::string port = absl::StrCat("127.0.0.1:", server.Start().value());
  const std::string get = "SubscriptionService/GetSubscription";
  Note("any", SendBytesTo(port, get, "", "a-token-of-nobody-at-all"));
  Note("any", SendBytesTo(absl::StrCat("unix:", options.unix_socket), get, "", ""));
  Note("any", SendBytesTo(port, "SubscriptionService/Steal", "", token));
  Note("any", SendBytesTo(port, get, "", token));
  server.Stop(absl::ZeroDuration());
}

void ErrorsTest::ProvokeWithBytes() {
  const std::string no_message = "\xff\xff\xff";
  Note("Subscribe", SendBytes("ReleaseEventService/Subscribe", no_message));
  Note("Watch", SendBytes("ReleaseEventService/Watch", no_message));
  const std::string too_large((1 << 20) + 1, '\0');
  for (const char* method : {"ReleaseEventService/Subscribe", "ReleaseEventService/Watch",
                             "ReleaseEventService/GetEvent", "SubscriptionService/Seek"}) {
    Note("any", SendBytes(method, too_large));
  }
  v1::GetEventRequest no_utf8;
  no_utf8.set_event_id("?");
  std::string bytes = no_utf8.SerializeAsString();
  bytes.back() = '\xff';
  Note("any but streams", SendBytes("ReleaseEventService/GetEvent", bytes));
  Note("any but streams", SendBytes("SubscriptionService/Seek", no_message));
}

void ErrorsTest::ProvokeStreams() {
  ProvokeOpen([](auto&) {});
  ProvokeOpen([](auto& open) { open.set_subscription("nobody"); });
  ProvokeOpen([](auto& open) {
    open.set_subscription("crm");
    open.mutable_create_if_missing()->set_max_delivery_attempts(3);
  });
  Subscriber subscriber = Subscribe();
  subscriber.Open("short-lived");
  ASSERT_TRUE(store_->DeleteSubscription("short-lived").ok());
  Note("Subscribe", subscriber.End());
  for (const std::string& cursor : WrongCursors()) {
    v1::WatchRequest request;
    request.set_after_cursor(cursor);
    Watcher watcher = Watch(request);
    Note("Watch", watcher.End());
  }
}

void ErrorsTest::ProvokeLookUps() {
  for (const std::string& id :
       {std::string("nonsense"), EventId(EventDigest("default", {}), "a")}) {
    grpc::ClientContext context;
    LimitTime(context);
    v1::GetEventRequest request;
    request.set_event_id(id);
    v1::GetEventResponse response;
    Note("GetEvent", stub_->GetEvent(&context, request, &response));
  }
  for (const std::string& token : {std::string("nonsense"), FormatCursor("0123456789abcdef", 1)}) {
    grpc::ClientContext context;
    LimitTime(context);
    v1::ListEventsRequest request;
    request.set_call_serial_no("a");
    request.set_page_token(token);
    v1::ListEventsResponse response;
    Note("ListEvents", stub_->ListEvents(&context, request, &response));
  }
}

void ErrorsTest::ProvokeSubscriptions() {
  using Create = v1::CreateSubscriptionRequest;
  using Update = v1::UpdateSubscriptionRequest;
  for (const char* name : {"", "crm"}) {
    Provoke<Create>("CreateSubscription", &Stub::CreateSubscription,
                    [&](auto& request) { request.set_name(name); });
  }
  Provoke<v1::ListSubscriptionsRequest>("ListSubscriptions", &Stub::ListSubscriptions,
                                        [](auto& request) { request.set_page_size(-1); });
  for (const char* name : {"crm", "nobody", "declared"}) {
    Provoke<Update>("UpdateSubscription", &Stub::UpdateSubscription, [&](auto& request) {
      request.set_name(name);
      if (request.name() != "crm") request.mutable_update_mask()->add_paths("ack_deadline");
    });
  }
  for (const char* name : {"nobody", "declared"}) {
    Provoke<v1::DeleteSubscriptionRequest>("DeleteSubscription", &Stub::DeleteSubscription,
                                           [&](auto& request) { request.set_name(name); });
  }
  Provoke<v1::GetSubscriptionRequest>("GetSubscription", &Stub::GetSubscription, [](auto&) {});
  Provoke<v1::SeekRequest>("Seek", &Stub::Seek, [](auto&) {});
  for (const std::string& cursor : WrongCursors()) {
    Provoke<v1::SeekRequest>("Seek", &Stub::Seek, [&](auto& request) {
      request.set_name("crm");
      request.set_after_cursor(cursor);
    });
  }
  Provoke<v1::PauseSubscriptionRequest>("PauseSubscription", &Stub::PauseSubscription,
                                        [](auto&) {});
  Provoke<v1::ResumeSubscriptionRequest>("ResumeSubscription", &Stub::ResumeSubscription,
                                         [](auto&) {});
}

void ErrorsTest::ProvokeDeadLetters() {
  Provoke<v1::GetDeadLetterRequest>("GetDeadLetter", &Stub::GetDeadLetter, [](auto&) {});
  for (const char* name : {"crm", "nobody"}) {
    Provoke<v1::ListDeadLettersRequest>("ListDeadLetters", &Stub::ListDeadLetters,
                                        [&](auto& request) {
                                          request.set_subscription(name);
                                          request.set_page_size(-1);
                                        });
    Provoke<v1::RedriveDeadLettersRequest>("RedriveDeadLetters", &Stub::RedriveDeadLetters,
                                           [&](auto& request) { request.set_subscription(name); });
    Provoke<v1::DiscardDeadLettersRequest>("DiscardDeadLetters", &Stub::DiscardDeadLetters,
                                           [&](auto& request) { request.set_subscription(name); });
  }
}

void ErrorsTest::ProvokeRejectedCallbacks() {
  using Rejected = v1::RejectedCallbackService::Stub;
  v1::ListRejectedCallbacksRequest list;
  list.set_page_size(-1);
  ProvokeRejected("ListRejectedCallbacks", &Rejected::ListRejectedCallbacks, list);
  list.set_page_size(0);
  list.set_page_token("nonsense");
  ProvokeRejected("ListRejectedCallbacks", &Rejected::ListRejectedCallbacks, list);
  for (const std::string& id :
       {std::string("nonsense"), FormatNumberedId(kRejectedCallbackKind, store_->store_id(), 1)}) {
    v1::GetRejectedCallbackRequest get;
    get.set_rejected_callback_id(id);
    ProvokeRejected("GetRejectedCallback", &Rejected::GetRejectedCallback, get);
  }
  ProvokeRejected("ReparseRejectedCallbacks", &Rejected::ReparseRejectedCallbacks,
                  v1::ReparseRejectedCallbacksRequest());
  ProvokeRejected("DiscardRejectedCallbacks", &Rejected::DiscardRejectedCallbacks,
                  v1::DiscardRejectedCallbacksRequest());
}

TEST_F(ErrorsTest, TheDocumentNamesExactlyWhatRequestsCanCause) {
  ProvokeAccess();
  ProvokeWithBytes();
  ProvokeStreams();
  ProvokeLookUps();
  ProvokeSubscriptions();
  ProvokeDeadLetters();
  ProvokeRejectedCallbacks();
  EXPECT_THAT(provoked_, testing::ElementsAreArray(DocumentedRows()));
}

// The client would be told of its size instead, by its own gRPC.
TEST_F(ErrorsTest, AnOverlongNameIsNotFoundLikeAnyOther) {
  v1::GetSubscriptionRequest request;
  request.set_name(std::string(100000, 'x'));
  v1::GetSubscriptionResponse response;
  EXPECT_EQ(Told(Call(&Stub::GetSubscription, request, &response)), "NOT_FOUND NOT_FOUND");
}

}  // namespace
}  // namespace onhook
