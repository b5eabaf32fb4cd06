#ifndef ONHOOK_TESTS_ACCESS_RPC_LIST_H_
#define ONHOOK_TESTS_ACCESS_RPC_LIST_H_

#include <grpcpp/channel.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/access/guarded_gateway.h"
#include "tests/access/raw_call.h"

namespace onhook {

// Every RPC that a running gateway serves, as "/package.Service/Method": its services as it names
// them by reflection, their methods from the descriptors that are compiled in. `metadata` is that
// of somebody who may ask. A service that this does not know is a failure of the test.
std::vector<std::string> ServedRpcs(const std::shared_ptr<grpc::Channel>& channel,
                                    const RawMetadata& metadata);

// What to send, to `method`, that has an effect or gets an answer if the caller may do it: about
// what GuardedGateway::Fill stored. An RPC for which nothing is known is a failure of the test.
std::vector<std::string> RequestsOf(const std::string& method, const GuardedGateway& gateway);

}  // namespace onhook

#endif  // ONHOOK_TESTS_ACCESS_RPC_LIST_H_
