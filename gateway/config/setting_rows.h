#ifndef ONHOOK_GATEWAY_CONFIG_SETTING_ROWS_H_
#define ONHOOK_GATEWAY_CONFIG_SETTING_ROWS_H_

#include <vector>

#include "gateway/config/settings_table.h"

namespace onhook {

// The parts of the table, in the order of the groups. For settings_table.cc alone.
std::vector<Setting> HttpRows();            // http
std::vector<Setting> HttpTimeRows();        // http, its times
std::vector<Setting> ConnectionRows();      // http, its connections
std::vector<Setting> CallbackRows();        // callbacks, acknowledge
std::vector<Setting> StoreRows();           // store
std::vector<Setting> JetStreamRows();       // store.jetstream
std::vector<Setting> SpoolRows();           // store.spool
std::vector<Setting> QuarantineRows();      // quarantine
std::vector<Setting> DeliveryRows();        // grpc
std::vector<Setting> StreamRows();          // grpc, the life of a stream
std::vector<Setting> GrpcConnectionRows();  // grpc, its connections
std::vector<Setting> GrpcCallRows();        // grpc, calls and the socket
std::vector<Setting> AdminRows();           // admin
std::vector<Setting> HttpTlsRows();         // http.tls
std::vector<Setting> GrpcTlsRows();         // grpc.tls
std::vector<Setting> AdminTlsRows();        // admin.tls
std::vector<Setting> ProcessRows();         // log, shutdown

}  // namespace onhook

#endif  // ONHOOK_GATEWAY_CONFIG_SETTING_ROWS_H_
