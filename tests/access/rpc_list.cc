#include "tests/access/rpc_list.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/empty.pb.h>
#include <google/protobuf/unknown_field_set.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "onhook/v1/backup_service.pb.h"
#include "onhook/v1/rejected_callback_service.pb.h"
#include "onhook/v1/release_event_service.pb.h"
#include "onhook/v1/subscription_service.pb.h"

namespace onhook {
namespace {

using google::protobuf::DescriptorPool;
using Requests = std::vector<std::string>;

constexpr char kReflection[] = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";

// ServerReflectionRequest{list_services: "*"}: no header has its messages.
constexpr char kListServices[] = "\x3a\x01*";

// The messages in the field of this number of a message that is known by its bytes alone.
std::vector<std::string> Members(const std::string& bytes, int number) {
  google::protobuf::Empty message;
  EXPECT_TRUE(message.ParseFromString(bytes));
  const auto& fields = message.GetReflection()->GetUnknownFields(message);
  std::vector<std::string> members;
  for (int i = 0; i < fields.field_count(); ++i) {
    if (fields.field(i).number() == number) members.push_back(fields.field(i).length_delimited());
  }
  return members;
}

std::vector<std::string> ServedServices(const std::shared_ptr<grpc::Channel>& channel,
                                        const RawMetadata& metadata) {
  const RawAnswer answer = CallRaw(channel, kReflection, {kListServices}, metadata);
  std::vector<std::string> services;
  for (const std::string& message : answer.messages) {
    for (const std::string& list : Members(message, 6)) {
      for (const std::string& service : Members(list, 1)) {
        for (const std::string& name : Members(service, 1)) services.push_back(name);
      }
    }
  }
  EXPECT_FALSE(services.empty()) << answer.Text();
  return services;
}

template <typename Message>
std::string Bytes(const std::function<void(Message&)>& fill) {
  Message message;
  fill(message);
  return message.SerializeAsString();
}

Requests RequestsOfSubscribe(const GuardedGateway& gateway) {
  const auto open = Bytes<v1::SubscribeRequest>(
      [](auto& request) { request.mutable_open()->set_subscription("crm"); });
  const auto ack = Bytes<v1::SubscribeRequest>(
      [&](auto& request) { request.mutable_ack()->add_delivery_ids(gateway.held_delivery_id()); });
  return {open, ack};
}

template <typename Request>
std::string OfDeadLetter(const GuardedGateway& gateway) {
  return Bytes<Request>([&](auto& request) {
    request.set_subscription("crm");
    request.add_dead_letter_ids(gateway.dead_letter_id());
  });
}

template <typename Request>
std::string OfName(const std::string& name) {
  return Bytes<Request>([&](auto& request) { request.set_name(name); });
}

template <typename Request>
std::string OfAll() {
  return Bytes<Request>([](auto& request) { request.set_all(true); });
}

std::map<std::string, Requests> OfEvents(const GuardedGateway& gateway) {
  return {
      {"Subscribe", RequestsOfSubscribe(gateway)},
      {"Watch", {Bytes<v1::WatchRequest>([](auto& request) {
         request.set_position(v1::START_POSITION_EARLIEST);
       })}},
      {"GetEvent", {Bytes<v1::GetEventRequest>([&](auto& request) {
         request.set_event_id(gateway.EventIdOf("secret-1"));
       })}},
      {"ListEvents", {Bytes<v1::ListEventsRequest>([](auto& request) {
         request.set_call_serial_no("secret-1");
       })}},
  };
}

std::map<std::string, Requests> OfSubscriptions(const GuardedGateway& gateway) {
  return {
      {"CreateSubscription", {OfName<v1::CreateSubscriptionRequest>("new")}},
      {"GetSubscription", {OfName<v1::GetSubscriptionRequest>("crm")}},
      {"ListSubscriptions", {""}},
      {"UpdateSubscription", {Bytes<v1::UpdateSubscriptionRequest>([](auto& request) {
         request.set_name("crm");
         request.mutable_spec()->mutable_ack_deadline()->set_seconds(5);
         request.mutable_update_mask()->add_paths("ack_deadline");
       })}},
      {"DeleteSubscription", {OfName<v1::DeleteSubscriptionRequest>("old")}},
      {"Seek", {Bytes<v1::SeekRequest>([](auto& request) {
         request.set_name("crm");
         request.set_position(v1::START_POSITION_LATEST);
       })}},
      {"PauseSubscription", {OfName<v1::PauseSubscriptionRequest>("crm")}},
      {"ResumeSubscription", {OfName<v1::ResumeSubscriptionRequest>("paused")}},
      {"ListDeadLetters",
       {Bytes<v1::ListDeadLettersRequest>([](auto& request) { request.set_subscription("crm"); })}},
      {"GetDeadLetter", {Bytes<v1::GetDeadLetterRequest>([&](auto& request) {
         request.set_subscription("crm");
         request.set_dead_letter_id(gateway.dead_letter_id());
       })}},
      {"RedriveDeadLetters", {OfDeadLetter<v1::RedriveDeadLettersRequest>(gateway)}},
      {"DiscardDeadLetters", {OfDeadLetter<v1::DiscardDeadLettersRequest>(gateway)}},
  };
}

std::map<std::string, Requests> OfBackups() { return {{"CreateBackup", {""}}}; }

std::map<std::string, Requests> OfRejectedCallbacks(const GuardedGateway& gateway) {
  return {
      {"ListRejectedCallbacks", {""}},
      {"GetRejectedCallback", {Bytes<v1::GetRejectedCallbackRequest>([&](auto& request) {
         request.set_rejected_callback_id(gateway.rejected_callback_id());
       })}},
      {"ReparseRejectedCallbacks", {OfAll<v1::ReparseRejectedCallbacksRequest>()}},
      {"DiscardRejectedCallbacks", {OfAll<v1::DiscardRejectedCallbacksRequest>()}},
  };
}

}  // namespace

std::vector<std::string> ServedRpcs(const std::shared_ptr<grpc::Channel>& channel,
                                    const RawMetadata& metadata) {
  // Its descriptor is in no library that is linked here.
  constexpr absl::string_view kHealth = "grpc.health.v1.Health";
  std::vector<std::string> rpcs;
  for (const std::string& service : ServedServices(channel, metadata)) {
    if (service == kHealth) {
      rpcs.push_back(absl::StrCat("/", kHealth, "/Check"));
      rpcs.push_back(absl::StrCat("/", kHealth, "/Watch"));
      continue;
    }
    const auto* const known = DescriptorPool::generated_pool()->FindServiceByName(service);
    EXPECT_NE(known, nullptr) << service;
    for (int i = 0; known != nullptr && i < known->method_count(); ++i) {
      rpcs.push_back(absl::StrCat("/", service, "/", known->method(i)->name()));
    }
  }
  return rpcs;
}

std::vector<std::string> RequestsOf(const std::string& method, const GuardedGateway& gateway) {
  if (absl::StartsWith(method, "/grpc.health.v1.")) return {""};
  if (method == kReflection) return {kListServices};
  std::map<std::string, Requests> known = OfEvents(gateway);
  known.merge(OfSubscriptions(gateway));
  known.merge(OfRejectedCallbacks(gateway));
  known.merge(OfBackups());
  const auto found = known.find(method.substr(method.rfind('/') + 1));
  EXPECT_NE(found, known.end()) << "what is sent to " << method << "?";
  return found == known.end() ? Requests{""} : found->second;
}

}  // namespace onhook
