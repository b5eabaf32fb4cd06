#ifndef ONHOOK_CLIENTS_CLI_TIME_TEXT_H_
#define ONHOOK_CLIENTS_CLI_TIME_TEXT_H_

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <string>

namespace onhook::cli {

// Times as people read them. Pure functions; threads: any.

// "2022-02-22T10:04:36.318Z": milliseconds, in UTC.
std::string TimeText(const google::protobuf::Timestamp& time);

// The two largest units of an age that count: "45s", "3m12s", "2h05m", "3d04h".
std::string AgeText(const google::protobuf::Duration& age);

// A duration as the flags and the gateway's settings write it: "500ms", "30s", "7d".
std::string DurationText(const google::protobuf::Duration& duration);

}  // namespace onhook::cli

#endif  // ONHOOK_CLIENTS_CLI_TIME_TEXT_H_
