#include "gateway/event/event_filter.h"

#include <gtest/gtest.h>

namespace onhook {
namespace {

v1::ReleaseEvent Event(const std::string& source, const std::string& code) {
  v1::ReleaseEvent event;
  event.set_source(source);
  if (!code.empty()) event.set_release_reason_code(code);
  return event;
}

TEST(EventFilterTest, AnEmptyFilterLetsEverythingThrough) {
  EXPECT_TRUE(EventFilter().matches_all());
  EXPECT_TRUE(EventFilter(v1::EventFilter()).Matches(Event("a", "0")));
}

TEST(EventFilterTest, AnyMemberOfAListMayMatch) {
  v1::EventFilter filter;
  filter.add_sources("a");
  filter.add_sources("b");
  EXPECT_TRUE(EventFilter(filter).Matches(Event("b", "0")));
  EXPECT_FALSE(EventFilter(filter).Matches(Event("c", "0")));
}

TEST(EventFilterTest, AllListsMustMatch) {
  v1::EventFilter filter;
  filter.add_sources("a");
  filter.add_release_reason_codes("1");
  EXPECT_TRUE(EventFilter(filter).Matches(Event("a", "1")));
  EXPECT_FALSE(EventFilter(filter).Matches(Event("a", "2")));
  EXPECT_FALSE(EventFilter(filter).Matches(Event("b", "1")));
}

TEST(EventFilterTest, CodesAreComparedVerbatim) {
  v1::EventFilter filter;
  filter.add_release_reason_codes("1");
  EXPECT_FALSE(EventFilter(filter).Matches(Event("a", "01")));
}

TEST(EventFilterTest, AnEmptyMemberMatchesAnUnsetField) {
  v1::EventFilter filter;
  filter.add_service_nos("");
  EXPECT_FALSE(EventFilter(filter).matches_all());
  v1::ReleaseEvent event;
  EXPECT_TRUE(EventFilter(filter).Matches(event));
  event.set_service_no("7");
  EXPECT_FALSE(EventFilter(filter).Matches(event));
}

}  // namespace
}  // namespace onhook
