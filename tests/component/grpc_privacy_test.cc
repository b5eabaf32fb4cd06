// Canaries of the gRPC port: what its callers show of themselves, what they ask for and do not get,
// and the files that certificates come from. They must be in no log line, no metric, no answer of
// the admin port, and in nothing that anybody is told by gRPC.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/message.h>
#include <grpcpp/generic/generic_stub.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "onhook/v1/rejected_callback_service.pb.h"
#include "onhook/v1/subscription_service.pb.h"
#include "tests/component/gateway_fixture.h"
#include "tests/support/test_certificates.h"

namespace onhook {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MethodDescriptor;
using grpc::StatusCode;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Headers = std::vector<std::pair<std::string, std::string>>;

constexpr char kOperatorToken[] = "canary-operator-token-0123456789";
constexpr char kWrongToken[] = "canary-wrong-token-0123456789";
constexpr char kCrm[] = "spiffe://example.org/crm";
constexpr char kUri[] = "spiffe://canary-uri.example.org/stranger";
constexpr char kHost[] = "canary-host.example.org";
constexpr char kSubject[] = "canary-subject";
constexpr char kAuthority[] = "canary-authority";
constexpr char kFileContent[] = "canary-of-a-file";
constexpr char kMethod[] = "CanaryMethod";
// What stands in fields: no name of anything, and the line that an attacker would like to write.
constexpr char kField[] = "canary-field \r\n{\"msg\":\"canary-line\"}\x1b[2J";

// The second line of a key in PEM: enough of it to be a secret, and of nothing else.
std::string LineOf(const TestCertificate& certificate) {
  return std::vector<std::string>(absl::StrSplit(certificate.key_pem, '\n')).at(1);
}

class GrpcPrivacyTest : public GatewayTest {
 protected:
  GrpcPrivacyTest() {
    const TestCertificateFiles files = Write(directory_, "server", server_);
    TlsOptions& tls = settings_.grpc.tls;
    tls.certificate_file = files.certificate_file;
    tls.key_file = files.key_file;
    tls.client_ca_file = directory_.Write("clients.crt", authority_.certificate_pem());
    tls.client_certificate = TlsOptions::ClientCertificate::kOptional;
    Settings::Identity crm;
    crm.name = "crm";
    crm.certificate = kCrm;
    crm.subscribe = {"crm"};
    Settings::Identity operator_;
    operator_.name = "operator";
    operator_.token_files = {directory_.Write("operator", kOperatorToken)};
    operator_.subscribe = operator_.create = operator_.administer = {"*"};
    operator_.watch = operator_.read_events = operator_.rejected_callbacks = true;
    settings_.access = {crm, operator_};
    StartGateway();
  }

  static std::string Bearer(const std::string& token) { return absl::StrCat("Bearer ", token); }
  TestCertificate StrangersCertificate(const TestAuthority& authority, absl::Time not_after) {
    TestCertificateRequest request;
    request.common_name = kSubject;
    request.uris = {kUri};
    request.dns_names = {kHost};
    request.usage = "clientAuth";
    request.not_after = not_after;
    const TestCertificate certificate = authority.Issue(request);
    canaries_.push_back(LineOf(certificate));
    return certificate;
  }

  std::shared_ptr<grpc::Channel> Showing(const TestCertificate& certificate) const {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = authority_.certificate_pem();
    options.pem_cert_chain = certificate.certificate_pem;
    options.pem_private_key = certificate.key_pem;
    return grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", gateway_->grpc_port()),
                                     grpc::SslCredentials(options), OwnConnection());
  }
  // A call of one request and one answer; what is told is kept.
  grpc::Status Call(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                    const std::string& request, const Headers& headers) {
    grpc::ClientContext context;
    LimitTime(context);
    for (const auto& [name, value] : headers) context.AddMetadata(name, value);
    const grpc::Slice slice(request);
    const grpc::ByteBuffer bytes(&slice, 1);
    grpc::ByteBuffer response;
    grpc::Status status;
    absl::Notification done;
    grpc::GenericStub(channel).UnaryCall(&context, method, {}, &bytes, &response,
                                         [&](grpc::Status ended) {
                                           status = std::move(ended);
                                           done.Notify();
                                         });
    done.WaitForNotification();
    Keep(status);
    return status;
  }
  void Keep(const grpc::Status& told) {
    told_.push_back(absl::StrCat(told.error_message(), told.error_details()));
  }

  // A gateway that has not logged anything of the kind yet: of what many could provoke, only the
  // first is logged within ten seconds.
  void LogAgain() { RestartGateway(); }
  // Waits until a line holds `text`.
  void AwaitLog(const std::string& text) {
    absl::MutexLock lock(&mutex_);
    const auto is_logged = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
      return std::any_of(log_lines_.begin(), log_lines_.end(),
                         [&](const std::string& line) { return absl::StrContains(line, text); });
    };
    EXPECT_TRUE(mutex_.AwaitWithTimeout(absl::Condition(&is_logged), absl::Seconds(60))) << text;
  }

  std::vector<std::string> FoundIn(absl::string_view text) const {
    std::vector<std::string> found;
    for (const std::string& canary : canaries_) {
      if (absl::StrContains(text, canary) ||
          absl::StrContains(text, absl::Base64Escape(canary).substr(0, canary.size() / 3 * 4))) {
        found.push_back(canary);
      }
    }
    return found;
  }
  void ExpectNoLeak() {
    for (const std::string& line : LogLines()) EXPECT_THAT(FoundIn(line), IsEmpty()) << line;
    for (const char* path : {"/metrics", "/readyz", "/livez", "/startupz"}) {
      EXPECT_THAT(FoundIn(AskAdmin(path).body), IsEmpty()) << path;
    }
    for (const std::string& told : told_) EXPECT_THAT(FoundIn(told), IsEmpty()) << told;
  }

  const TestAuthority authority_;
  const TestCertificate server_ = authority_.ServerCertificate();
  // What none of it may hold.
  std::vector<std::string> canaries_ = {kOperatorToken, kWrongToken,   kUri,           kHost,
                                        kSubject,       kAuthority,    kMethod,        kFileContent,
                                        "canary-field", "canary-line", LineOf(server_)};
  std::vector<std::string> told_;  // by gRPC
};

const std::string kList = "/onhook.v1.SubscriptionService/ListSubscriptions";

// The control, for both forms.
TEST_F(GrpcPrivacyTest, TheCanariesAreFoundWhereTheyAre) {
  log_.Info("test", absl::StrCat("a line with ", kWrongToken, " ", server_.key_pem));
  EXPECT_THAT(FoundIn(LogLines().back()), testing::ElementsAre(kWrongToken, LineOf(server_)));
  EXPECT_THAT(FoundIn(absl::Base64Escape(kOperatorToken)), testing::ElementsAre(kOperatorToken));
}

TEST_F(GrpcPrivacyTest, WhatIsShownToComeInIsRepeatedNowhere) {
  EXPECT_TRUE(Call(Showing({}), kList, "", {{"authorization", Bearer(kOperatorToken)}}).ok());
  for (const Headers& headers : std::vector<Headers>{
           {{"authorization", Bearer(kWrongToken)}},
           {{"authorization", absl::StrCat("Basic ", kWrongToken)}},
           {{"authorization", Bearer(absl::StrCat(kOperatorToken, " "))}},
           {{"authorization", kOperatorToken}},
           {{"authorization", Bearer(kOperatorToken)}, {"authorization", Bearer(kWrongToken)}}}) {
    LogAgain();
    EXPECT_EQ(Call(Showing({}), kList, "", headers).error_code(), StatusCode::UNAUTHENTICATED);
  }
  ExpectNoLeak();
}

TEST_F(GrpcPrivacyTest, WhatAStrangersCertificateSaysIsRepeatedNowhere) {
  const absl::Time later = absl::Now() + absl::Hours(1);
  const absl::Time before = absl::Now() - absl::Minutes(1);
  EXPECT_EQ(Call(Showing(StrangersCertificate(authority_, later)), kList, "", {}).error_code(),
            StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(Call(Showing(StrangersCertificate(authority_, before)), kList, "", {}).error_code(),
            StatusCode::UNAVAILABLE);
  LogAgain();
  EXPECT_EQ(Call(Showing(StrangersCertificate(TestAuthority(kAuthority), later)), kList, "", {})
                .error_code(),
            StatusCode::UNAVAILABLE);
  // What a client hears of its own end of a failed handshake is not the gateway's.
  ExpectNoLeak();
  EXPECT_THAT(LogLines(), Contains(HasSubstr("a call was refused")));
  EXPECT_THAT(LogLines(), Contains(HasSubstr("Handshake failed")));
}

TEST_F(GrpcPrivacyTest, ACallThatDoesNotExistIsRepeatedNowhere) {
  const TestCertificate crm = authority_.ClientCertificate(kCrm);
  for (const std::string& method : {absl::StrCat("/onhook.v1.SubscriptionService/", kMethod),
                                    absl::StrCat("/", kMethod, "/a"), absl::StrCat("/", kMethod)}) {
    LogAgain();
    EXPECT_EQ(Call(Showing({}), method, "", {}).error_code(), StatusCode::UNAUTHENTICATED);
    EXPECT_EQ(Call(Showing(crm), method, "", {}).error_code(), StatusCode::PERMISSION_DENIED);
  }
  ExpectNoLeak();
}

// Puts the canary into each text that `message` can hold.
void Fill(Message& message) {
  const Descriptor* const type = message.GetDescriptor();
  const google::protobuf::Reflection* const reflection = message.GetReflection();
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* const field = type->field(i);
    const bool is_text = field->cpp_type() == FieldDescriptor::CPPTYPE_STRING;
    const bool is_message = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (is_text && field->is_repeated()) {
      reflection->AddString(&message, field, kField);
    } else if (is_text) {
      reflection->SetString(&message, field, kField);
    } else if (is_message && field->is_repeated()) {
      Fill(*reflection->AddMessage(&message, field));
    } else if (is_message) {
      Fill(*reflection->MutableMessage(&message, field));
    }
  }
}

// Everything that has one request and one answer.
std::vector<const MethodDescriptor*> UnaryMethods() {
  std::vector<const MethodDescriptor*> methods;
  for (const auto* file : {v1::SubscribeRequest::descriptor()->file(),
                           v1::CreateSubscriptionRequest::descriptor()->file(),
                           v1::GetRejectedCallbackRequest::descriptor()->file()}) {
    for (int i = 0; i < file->service_count(); ++i) {
      for (int j = 0; j < file->service(i)->method_count(); ++j) {
        const MethodDescriptor* const method = file->service(i)->method(j);
        if (!method->client_streaming() && !method->server_streaming()) methods.push_back(method);
      }
    }
  }
  return methods;
}

TEST_F(GrpcPrivacyTest, WhatIsAskedForAndNotGivenIsRepeatedNowhere) {
  const auto known = Showing(authority_.ClientCertificate(kCrm));
  const auto nobody = Showing({});
  google::protobuf::DynamicMessageFactory messages;
  const std::vector<const MethodDescriptor*> methods = UnaryMethods();
  EXPECT_GE(methods.size(), 18u);
  for (const MethodDescriptor* method : methods) {
    const std::unique_ptr<Message> request(messages.GetPrototype(method->input_type())->New());
    Fill(*request);
    const std::string bytes = request->SerializeAsString();
    const std::string path = absl::StrCat("/", method->service()->full_name(), "/", method->name());
    EXPECT_FALSE(Call(nobody, path, bytes, {}).ok()) << path;
    EXPECT_FALSE(Call(known, path, bytes, {}).ok()) << path;
    // Most of it is refused for what it is; what is not is of no interest here.
    Call(nobody, path, bytes, {{"authorization", Bearer(kOperatorToken)}});
  }
  ExpectNoLeak();
}

TEST_F(GrpcPrivacyTest, WhatAWatcherAsksForIsRepeatedNowhere) {
  const auto stub = v1::ReleaseEventService::NewStub(Showing({}));
  v1::WatchRequest request;
  Fill(request);
  request.set_stop_at_end(true);
  v1::WatchRequest after;
  after.set_after_cursor(kField);
  for (const std::string& token :
       {std::string(), std::string(kWrongToken), std::string(kOperatorToken)}) {
    Keep(Watcher(stub.get(), request, token).End());
    Keep(Watcher(stub.get(), after, token).End());
  }
  ExpectNoLeak();
}

TEST_F(GrpcPrivacyTest, WhatASubscriberSaysIsRepeatedNowhere) {
  const auto stub = v1::ReleaseEventService::NewStub(Showing({}));
  const Descriptor* const type = v1::SubscribeRequest::descriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    SCOPED_TRACE(type->field(i)->name());
    v1::SubscribeRequest said;
    Fill(*said.GetReflection()->MutableMessage(&said, type->field(i)));
    Subscriber first(stub.get(), kOperatorToken);
    first.Send(said);
    first.HalfClose();
    Keep(first.End());
    Subscriber later(stub.get(), kOperatorToken);
    later.Open("crm");
    later.Send(said);
    later.HalfClose();
    Keep(later.End());
  }
  ExpectNoLeak();
}

TEST_F(GrpcPrivacyTest, WhyASubscriberWantsAnEventNoMoreAndWhoItIsAreRepeatedNowhere) {
  const auto stub = v1::ReleaseEventService::NewStub(Showing({}));
  Subscriber subscriber(stub.get(), kOperatorToken);
  subscriber.MutableOpen()->set_consumer_name("canary-field");
  subscriber.Open("crm");
  EXPECT_EQ(PostCall("1").body, kSuccess);
  v1::SubscribeRequest refusal;
  refusal.mutable_nack()->add_delivery_ids(subscriber.Deliveries(1).at(0).delivery_id());
  refusal.mutable_nack()->set_reason(kField);
  refusal.mutable_nack()->set_action(v1::NackRequest::ACTION_PARK);
  subscriber.Send(refusal);
  EXPECT_THAT(subscriber.Results().exceptions(), IsEmpty());
  ExpectNoLeak();
}

TEST_F(GrpcPrivacyTest, WhatIsInFilesThatAreNoGoodIsRepeatedNowhere) {
  const TestCertificate other = authority_.ServerCertificate();
  canaries_.push_back(LineOf(other));
  const std::string cut = other.key_pem.substr(0, other.key_pem.size() / 2);
  const std::string garbage = absl::StrCat("-----BEGIN CERTIFICATE-----\n", kFileContent);
  for (const auto& [content, reason] : std::vector<std::pair<TestCertificate, std::string>>{
           {{server_.certificate_pem, other.key_pem}, "holds another key"},
           {{other.certificate_pem, cut}, "holds a private key that cannot be read"},
           {{garbage, other.key_pem}, "certificate_file"},
           {{other.key_pem, other.certificate_pem}, "holds no certificate in PEM"}}) {
    Write(directory_, "server", content);
    AwaitLog(reason);
  }
  directory_.Write("operator", absl::StrCat(kFileContent, " with a space"));
  AwaitLog("a changed secret is no good");
  ExpectNoLeak();
}

}  // namespace
}  // namespace onhook
