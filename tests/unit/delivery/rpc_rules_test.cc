#include "gateway/delivery/rpc_rules.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>

#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "onhook/v1/backup_service.pb.h"
#include "onhook/v1/rejected_callback_service.pb.h"
#include "onhook/v1/release_event_service.pb.h"
#include "onhook/v1/subscription_service.pb.h"

namespace onhook {
namespace {

using google::protobuf::FileDescriptor;
using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;

// Every method of every service in the protos.
std::vector<const MethodDescriptor*> MethodsOfTheProtos() {
  std::vector<const MethodDescriptor*> methods;
  for (const FileDescriptor* file :
       {v1::GetEventRequest::descriptor()->file(), v1::GetSubscriptionRequest::descriptor()->file(),
        v1::RejectedCallback::descriptor()->file(),
        v1::CreateBackupRequest::descriptor()->file()}) {
    for (int i = 0; i < file->service_count(); ++i) {
      const ServiceDescriptor* const service = file->service(i);
      for (int j = 0; j < service->method_count(); ++j) methods.push_back(service->method(j));
    }
  }
  return methods;
}

std::string PathOf(const MethodDescriptor& method) {
  return absl::StrCat("/", method.service()->full_name(), "/", method.name());
}

TEST(RpcRulesTest, EveryMethodOfTheProtosHasExactlyOneRuleAndNoneIsOfAnother) {
  std::vector<std::string> methods;
  for (const MethodDescriptor* method : MethodsOfTheProtos()) methods.push_back(PathOf(*method));
  std::vector<std::string> ruled;
  for (const RpcRule& rule : RpcRules()) {
    if (absl::StartsWith(rule.method, "/onhook.")) ruled.emplace_back(rule.method);
  }
  EXPECT_THAT(ruled, testing::UnorderedElementsAreArray(methods));
}

TEST(RpcRulesTest, EveryMethodOfTheProtosTakesAPermission) {
  for (const MethodDescriptor* method : MethodsOfTheProtos()) {
    const RpcRule* const rule = FindRpcRule(PathOf(*method));
    ASSERT_NE(rule, nullptr) << method->full_name();
    EXPECT_TRUE(rule->permission.has_value()) << method->full_name();
  }
}

TEST(RpcRulesTest, WhatOnlyReadsIsNamedSo) {
  const std::set<std::string> readers = {"Subscribe", "Watch", "CreateBackup"};
  for (const MethodDescriptor* method : MethodsOfTheProtos()) {
    const std::string& name = method->name();
    const bool reads = absl::StartsWith(name, "Get") || absl::StartsWith(name, "List");
    EXPECT_EQ(FindRpcRule(PathOf(*method))->changes, !reads && readers.count(name) == 0) << name;
  }
}

TEST(RpcRulesTest, WhatIsNotListedHasNoRule) {
  EXPECT_EQ(FindRpcRule(""), nullptr);
  EXPECT_EQ(FindRpcRule("onhook.v1.ReleaseEventService/Watch"), nullptr);
  EXPECT_EQ(FindRpcRule("/onhook.v1.ReleaseEventService/watch"), nullptr);
  EXPECT_EQ(FindRpcRule("/onhook.v1.ReleaseEventService/WatchAll"), nullptr);
}

}  // namespace
}  // namespace onhook
