// Random callbacks: whatever the vendor says can be told again from the event alone.
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "gateway/event/documented_fields.h"
#include "gateway/event/release_event_mapper.h"
#include "gateway/event/vendor_time.h"
#include "gtest/gtest.h"
#include "tests/support/event_words.h"

namespace onhook {
namespace {

class RandomCallback {
 public:
  explicit RandomCallback(uint64_t seed) : random_(seed) {}

  VendorFields Next() {
    VendorFields fields;
    fields.Add("callSerialNo", absl::StrCat(random_()));
    fields.Add("called", absl::StrCat(random_()));
    for (const DocumentedField& field : DocumentedFields()) {
      if (Below(4) > 0) AddRandom(field.name, fields);
    }
    for (uint64_t i = Below(4); i > 0; --i) AddRandom(absl::StrCat("unknown", i), fields);
    if (Below(2) == 0) fields.Add("nonce", absl::StrCat(random_()));
    return fields;
  }

  absl::string_view ZoneName() {
    static constexpr absl::string_view kZones[] = {"UTC", "Europe/Berlin", "Asia/Shanghai",
                                                   "America/St_Johns", "Australia/Lord_Howe"};
    return kZones[Below(std::size(kZones))];
  }

 private:
  uint64_t Below(uint64_t bound) { return random_() % bound; }

  // Mandatory fields are there already: for them this does nothing.
  void AddRandom(absl::string_view name, VendorFields& fields) {
    if (Below(8) == 0) {
      fields.Add(name, absl::nullopt);
    } else {
      fields.Add(name, Value());
    }
  }

  std::string Value() {
    switch (Below(6)) {
      case 0:
        return FormatVendorTime(absl::FromUnixMillis(Below(4'000'000'000'000)),
                                absl::UTCTimeZone());
      case 1:  // a time in a form that is often just not right
        return absl::StrCat(2000 + Below(40), "/0", Below(10), "/", 10 + Below(25), ",0", Below(4),
                            ":", 10 + Below(55), ":00:", 100 + Below(950));
      case 2:
        return absl::StrCat(Below(100'000));
      case 3:
        return absl::StrCat("0", Below(100));
      case 4:
        return "";
      default:
        return Text();
    }
  }

  std::string Text() {
    static constexpr absl::string_view kPieces[] = {",", " ", "=", ":",        "\n",
                                                    "{", "}", "x", "\xC3\xBC", "null"};
    std::string text;
    for (uint64_t i = Below(12); i > 0; --i) {
      const absl::string_view piece = kPieces[Below(std::size(kPieces))];
      text.append(piece.data(), piece.size());
    }
    return text;
  }

  std::mt19937_64 random_;
};

// ONHOOK_TEST_SEED replays a run.
uint64_t Seed() {
  const char* given = std::getenv("ONHOOK_TEST_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
}

TEST(ReleaseEventMapperPropertyTest, EveryWordThatIsNotNullCanBeToldFromTheEventAlone) {
  const uint64_t seed = Seed();
  SCOPED_TRACE(absl::StrCat("ONHOOK_TEST_SEED=", seed));
  RecordProperty("seed", absl::StrCat(seed));
  RandomCallback callback(seed);
  for (int i = 0; i < 5000; ++i) {
    const VendorFields fields = callback.Next();
    MappingOptions options;
    options.time_zone_name = callback.ZoneName();
    ASSERT_TRUE(absl::LoadTimeZone(std::string(options.time_zone_name), &options.time_zone));
    v1::ReleaseEvent event;
    const absl::StatusOr<std::string> digest = MapReleaseEvent(fields, options, event);
    ASSERT_TRUE(digest.ok()) << digest.status();
    v1::ReleaseEvent received;
    ASSERT_TRUE(received.ParseFromString(event.SerializeAsString()));
    ASSERT_EQ(WordsOf(received), NonNullWords(fields)) << "callback " << i;
  }
}

}  // namespace
}  // namespace onhook
