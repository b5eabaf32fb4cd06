#ifndef ONHOOK_TESTS_CRASH_JETSTREAM_FLEET_SETTINGS_H_
#define ONHOOK_TESTS_CRASH_JETSTREAM_FLEET_SETTINGS_H_

#include <string>
#include <vector>

#include "absl/time/time.h"

namespace onhook {

// The settings of one gateway of a fleet, as a file holds them.
struct FleetSettings {
  // Where it reaches each server. None: it keeps a SQLite store, alone.
  std::vector<std::string> servers;
  std::string stream = "ONHOOK";
  int replicas = 3;
  bool servers_sync_always = true;
  absl::Duration ownership = absl::Seconds(10);
  std::string spool_directory;  // empty: none
  // A source for each, named as what it waits for: "stored", "forwarded", "processed"; of the
  // latter two, for the subscription "plain".
  std::vector<std::string> modes;

  // The streams that events and what became of them lie in.
  std::vector<std::string> Streams() const { return {stream, stream + "_STATE", stream + "_DEAD"}; }
  // For FleetLoad::Options::sources.
  std::vector<std::string> Sources() const;
  std::string Text() const;
};

// The declared subscriptions, which give up nothing unasked.
std::vector<std::string> FleetSubscriptions();

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_JETSTREAM_FLEET_SETTINGS_H_
