#ifndef ONHOOK_GATEWAY_HTTP_REFUSAL_NOTES_H_
#define ONHOOK_GATEWAY_HTTP_REFUSAL_NOTES_H_

#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "gateway/base/clock.h"
#include "gateway/base/log.h"
#include "gateway/base/metrics.h"

namespace onhook {

// Counts the refusals of a listener, each of them shown from the start, and writes a line to the
// log for each kind, once a minute at most: what is to become its
// HttpServer::Callbacks::on_refused. `metrics`, `clock` and `log` must outlive it.
std::function<void(absl::string_view label)> NoteRefusals(const std::string& listener,
                                                          Metrics* metrics, const Clock* clock,
                                                          const Log* log);

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_HTTP_REFUSAL_NOTES_H_
