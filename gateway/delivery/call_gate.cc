#include "gateway/delivery/call_gate.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security_constants.h>
#include <grpc/slice.h>

#include <cstddef>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/delivery/peer_credentials.h"
#include "gateway/delivery/rpc_rules.h"

namespace onhook {
namespace {

// Of connections that have gone some are still kept in mind.
constexpr size_t kPacesOfAConnection = 4;

CallPace::Limits PaceOf(const DeliveryOptions& options) {
  return {static_cast<double>(options.max_call_rate), static_cast<double>(options.max_call_burst),
          static_cast<size_t>(options.max_connections) * kPacesOfAConnection};
}

absl::string_view View(const grpc_slice& slice) {
  return {reinterpret_cast<const char*>(GRPC_SLICE_START_PTR(slice)), GRPC_SLICE_LENGTH(slice)};
}

std::string PropertyOf(const grpc_auth_context* context, const char* name) {
  grpc_auth_property_iterator properties = grpc_auth_context_find_properties_by_name(context, name);
  const grpc_auth_property* const property = grpc_auth_property_iterator_next(&properties);
  return property == nullptr ? std::string() : std::string(property->value, property->value_length);
}

void Answer(const absl::Status& decided, grpc_process_auth_metadata_done_cb done, void* user_data) {
  // The codes have the same numbers, as absl/status/status.h promises.
  done(user_data, nullptr, 0, nullptr, 0, static_cast<grpc_status_code>(decided.raw_code()),
       decided.ok() ? nullptr : std::string(decided.message()).c_str());
}

// gRPC's grpc_auth_metadata_processor::process; `state` is the gate.
void Process(void* state, grpc_auth_context* context, const grpc_metadata* metadata, size_t count,
             grpc_process_auth_metadata_done_cb done, void* user_data) {
  auto* const gate = static_cast<CallGate*>(state);
  if (const absl::Status cost = gate->DecideOnCost(context, count); !cost.ok()) {
    return Answer(cost, done, user_data);
  }
  PeerCredentials shown;
  shown.certificate_pem = PropertyOf(context, GRPC_X509_PEM_CERT_PROPERTY_NAME);
  shown.chain_pem = PropertyOf(context, GRPC_X509_PEM_CERT_CHAIN_PROPERTY_NAME);
  BearerHeader header;
  absl::string_view method;
  for (size_t i = 0; i < count; ++i) {
    const absl::string_view key = View(metadata[i].key);
    if (key == "authorization") header.Add(View(metadata[i].value));
    if (key == ":path") method = View(metadata[i].value);
  }
  shown.bearer_token = header.token();
  Answer(gate->Decide(shown, method), done, user_data);
}

}  // namespace

CallGate::CallGate(const DeliveryOptions& options, Identify identify, CallRefusals* refusals,
                   const Clock* clock)
    : max_headers_(static_cast<size_t>(options.max_headers)),
      identify_(std::move(identify)),
      refusals_(refusals),
      pace_(PaceOf(options), clock) {}

void CallGate::SetLimits(const DeliveryOptions& options) {
  max_headers_ = static_cast<size_t>(options.max_headers);
  pace_.SetLimits(PaceOf(options));
}

absl::Status CallGate::DecideOnCost(const void* connection, size_t headers) {
  absl::Status refused;
  const size_t most = max_headers_;
  if (headers > most) {
    refused = absl::ResourceExhaustedError(
        absl::StrCat("a call may have ", most, " headers, and this one has more"));
  } else if (!pace_.Take(connection)) {
    refused = absl::ResourceExhaustedError(
        "too many calls begin on this connection: wait a second, or keep a stream");
  }
  if (!refused.ok()) refusals_->Note(refused, "", "");
  return refused;
}

absl::Status CallGate::Decide(const PeerCredentials& shown, absl::string_view method) const {
  const RpcRule* const rule = FindRpcRule(method);
  // What is logged is a name of ours, never what somebody made up.
  const absl::string_view named = rule == nullptr ? "" : rule->method;
  const absl::StatusOr<Caller> caller = identify_(shown);
  if (!caller.ok()) {
    refusals_->Note(caller.status(), named, "");
    return caller.status();
  }
  if (rule != nullptr || caller->name().empty()) return absl::OkStatus();
  const absl::Status refused = absl::PermissionDeniedError("nobody may make this call");
  refusals_->Note(refused, named, caller->name());
  return refused;
}

void CallGate::GuardCallsOf(grpc_server_credentials* credentials) {
  grpc_auth_metadata_processor processor{};
  processor.process = Process;
  processor.state = this;
  grpc_server_credentials_set_auth_metadata_processor(credentials, processor);
}

}  // namespace onhook
