#ifndef ONHOOK_GATEWAY_HTTP_REFUSAL_COUNTERS_H_
#define ONHOOK_GATEWAY_HTTP_REFUSAL_COUNTERS_H_

#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "gateway/base/metrics.h"

namespace onhook {

// Counts the refusals of a listener, each of them shown from the start: what is to become its
// HttpServer::Callbacks::on_refused. `metrics` must outlive it.
std::function<void(absl::string_view label)> CountRefusals(const std::string& listener,
                                                           Metrics* metrics);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_HTTP_REFUSAL_COUNTERS_H_
