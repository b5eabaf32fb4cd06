#ifndef ONHOOK_TESTS_CRASH_LOG_AUDIT_H_
#define ONHOOK_TESTS_CRASH_LOG_AUDIT_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "onhook/v1/release_event_service.pb.h"
#include "tests/crash/call_ledger.h"

namespace onhook {

// Holds what a gateway says of its log, and of what it owes, against the ledger, while no callback
// is under way.
//
// What must hold:
//   A1 stored once  Every callback answered as stored is in the log, in one place.
//   A2 nothing else What is in the log was sent, as it is there, and was not refused each time.
//   A3 one log      Watch, ListEvents and GetEvent tell the same, and the places are those that the
//                   subscriptions saw.
//   A4 owed         A subscription owes exactly what of the log it wants and has not settled; what
//   a
//                   request may have settled whose answer was lost counts either way.
// Threads: one.
class LogAudit {
 public:
  // Where settled events may be gone by retention, `may_be_removed`. `ledger` must outlive it.
  LogAudit(const CallLedger* ledger, bool may_be_removed)
      : ledger_(*ledger), may_be_removed_(may_be_removed) {}

  // The whole log, in order, as Watch gives it.
  void EnterWatched(const v1::ReleaseEvent& event, const std::string& cursor);
  // The whole log, in order, as ListEvents gives it.
  void EnterListed(const v1::ReleaseEvent& event, const std::string& cursor);
  // All that is found of one call, by its callSerialNo or the event_id, behind EnterWatched.
  void EnterFound(int64_t number, const std::vector<v1::StoredEvent>& found);
  // What is found of a call that must be refused.
  void EnterFoundOfWrong(int64_t number, size_t found);
  // How much a subscription owes, behind EnterWatched. False: that is not it, or not yet.
  bool IsOwed(const std::string& subscription, int64_t backlog) const;
  // The same, and it will not become it.
  void EnterOwed(const std::string& subscription, int64_t backlog);

  // The event_id of the callback's event; empty: it is not in the log.
  std::string EventId(int64_t number) const;
  int64_t events() const { return static_cast<int64_t>(watched_.size()); }

  // What does not balance, one sentence each.
  std::vector<std::string> Findings() const;

 private:
  struct Place {
    std::string cursor;
    std::string event_id;
  };

  void CheckTimeline(int64_t number, const v1::SubscriptionTimeline& timeline);

  const CallLedger& ledger_;
  const bool may_be_removed_;
  std::vector<std::string> watched_;  // cursors
  std::vector<std::string> listed_;
  absl::flat_hash_map<int64_t, Place> places_;
  std::vector<std::string> findings_;
};

}  // namespace onhook

#endif  // ONHOOK_TESTS_CRASH_LOG_AUDIT_H_
