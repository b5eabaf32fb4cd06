#include "gateway/event/vendor_time.h"

#include <string>

#include "absl/strings/str_format.h"
#include "absl/time/civil_time.h"
#include "gtest/gtest.h"

namespace onhook {
namespace {

absl::TimeZone Zone(const std::string& name) {
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone(name, &zone)) << name;
  return zone;
}

absl::Time Utc(const std::string& text) {
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, text, &time, &error)) << error;
  return time;
}

TEST(VendorTimeTest, ATimeIsReadInTheZoneOfItsSource) {
  const char text[] = "2022/02/22,10:04:28:823";
  EXPECT_EQ(ParseVendorTime(text, absl::UTCTimeZone()), Utc("2022-02-22T10:04:28.823Z"));
  EXPECT_EQ(ParseVendorTime(text, Zone("Asia/Shanghai")), Utc("2022-02-22T02:04:28.823Z"));
}

TEST(VendorTimeTest, WhatIsReadIsWrittenBackLetterByLetter) {
  const char* const texts[] = {"2022/02/22,10:04:28:823", "2024/02/29,23:59:59:999",
                               "1970/01/01,00:00:00:000", "1969/12/31,23:59:59:999",
                               "0001/01/02,00:00:00:000", "9999/12/30,23:59:59:999",
                               "1883/11/18,12:00:00:007", "2021/10/31,02:30:00:000"};
  for (const char* zone_name : {"UTC", "Europe/Berlin", "Asia/Shanghai", "America/New_York"}) {
    const absl::TimeZone zone = Zone(zone_name);
    for (const char* text : texts) {
      const absl::optional<absl::Time> time = ParseVendorTime(text, zone);
      ASSERT_TRUE(time.has_value()) << text << " in " << zone_name;
      EXPECT_EQ(FormatVendorTime(*time, zone), text) << zone_name;
    }
  }
}

TEST(VendorTimeTest, TheDaysThatAreReadAreThoseOfTheCalendar) {
  for (const int year : {4, 100, 400, 1900, 2000, 2022, 2024}) {
    for (int month = 0; month <= 13; ++month) {
      for (int day = 0; day <= 32; ++day) {
        const std::string text = absl::StrFormat("%04d/%02d/%02d,10:04:28:823", year, month, day);
        const absl::CivilDay corrected(year, month, day);
        const bool exists = corrected.month() == month && corrected.day() == day;
        EXPECT_EQ(ParseVendorTime(text, absl::UTCTimeZone()).has_value(), exists) << text;
      }
    }
  }
}

TEST(VendorTimeTest, ATimeThatOccursTwiceIsTheEarlierOne) {
  EXPECT_EQ(ParseVendorTime("2021/10/31,02:30:00:000", Zone("Europe/Berlin")),
            Utc("2021-10-31T00:30:00Z"));
}

TEST(VendorTimeTest, ATimeThatCannotBeWrittenBackIsNotRead) {
  struct Row {
    const char* reason;
    std::string text;
  };
  const Row rows[] = {
      {"empty", ""},
      {"another form", "2022-02-22 10:04:28.823"},
      {"no milliseconds", "2022/02/22,10:04:28"},
      {"two digits of milliseconds", "2022/02/22,10:04:28:82"},
      {"a space before it", " 2022/02/22,10:04:28:82"},
      {"something behind it", "2022/02/22,10:04:28:8233"},
      {"a sign among the digits", "2022/02/22,10:04:28:-23"},
      {"digits of another script", "2022/02/22,10:04:28:8\xD9\xA3"},
      {"month 13", "2022/13/01,10:04:28:823"},
      {"month 0", "2022/00/01,10:04:28:823"},
      {"30th of February", "2022/02/30,10:04:28:823"},
      {"29th of February in a common year", "2022/02/29,10:04:28:823"},
      {"hour 24", "2022/02/22,24:00:00:000"},
      {"minute 60", "2022/02/22,10:60:00:000"},
      {"leap second", "2016/12/31,23:59:60:000"},
      {"year 0, before what a Timestamp holds", "0000/12/31,00:00:00:000"},
  };
  for (const Row& row : rows) {
    EXPECT_FALSE(ParseVendorTime(row.text, absl::UTCTimeZone()).has_value()) << row.reason;
  }
}

TEST(VendorTimeTest, ATimeLeftOutByAClockSetForwardIsNotReadInThatZone) {
  const char text[] = "2021/03/28,02:30:00:000";
  EXPECT_FALSE(ParseVendorTime(text, Zone("Europe/Berlin")).has_value());
  EXPECT_TRUE(ParseVendorTime(text, absl::UTCTimeZone()).has_value());
}

TEST(VendorTimeTest, ATimeOutsideTheTimestampsYearsInUtcIsNotRead) {
  EXPECT_FALSE(ParseVendorTime("0001/01/01,00:00:00:000", Zone("Asia/Shanghai")).has_value());
  EXPECT_FALSE(ParseVendorTime("9999/12/31,23:00:00:000", Zone("America/New_York")).has_value());
}

TEST(VendorDurationTest, WholeSecondsAreReadAndWrittenBack) {
  for (const char* text : {"0", "7", "60", "86400", "315576000000"}) {
    const absl::optional<absl::Duration> duration = ParseVendorDuration(text);
    ASSERT_TRUE(duration.has_value()) << text;
    EXPECT_EQ(FormatVendorDuration(*duration), text);
  }
}

TEST(VendorDurationTest, WhatCannotBeWrittenBackIsNotRead) {
  for (const char* text : {"", "007", "00", "+5", "-5", "5.0", "5 ", "1e3", "0x5", "315576000001",
                           "99999999999999999999999999", "2022/02/22,10:04:29:004"}) {
    EXPECT_FALSE(ParseVendorDuration(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace onhook
