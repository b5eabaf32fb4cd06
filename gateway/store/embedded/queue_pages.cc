#include "gateway/store/embedded/queue_pages.h"

#include <algorithm>
#include <iterator>

namespace onhook {

const LogEventPtr* QueuePages::Fresh(Sequence sequence) {
  while (!fresh_.empty() && fresh_.front()->sequence < sequence) fresh_.pop_front();
  if (fresh_.empty() || fresh_.front()->sequence != sequence) return nullptr;
  return &fresh_.front();
}

const LogEventPtr* QueuePages::Again(Sequence sequence) const {
  const auto it = std::lower_bound(
      again_.begin(), again_.end(), sequence,
      [](const LogEventPtr& event, Sequence wanted) { return event->sequence < wanted; });
  return it == again_.end() || (*it)->sequence != sequence ? nullptr : &*it;
}

void QueuePages::PutFresh(std::vector<LogEventPtr> page) {
  if (page.empty()) return;
  if (last_fresh() + 1 != page.front()->sequence) fresh_.clear();
  fresh_.insert(fresh_.end(), std::make_move_iterator(page.begin()),
                std::make_move_iterator(page.end()));
}

void QueuePages::Clear() {
  fresh_.clear();
  again_.clear();
}

}  // namespace onhook
