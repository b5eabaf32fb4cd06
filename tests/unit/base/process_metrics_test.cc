#include "gateway/base/process_metrics.h"

#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace onhook {
namespace {

using ::testing::AllOf;
using ::testing::Gt;
using ::testing::Le;

class ProcessMetricsTest : public ::testing::Test {
 protected:
  double ValueOf(const std::string& name) const {
    for (const absl::string_view line : absl::StrSplit(metrics_.Text(), '\n')) {
      const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
      double value = 0;
      if (words.size() == 2 && words[0] == name && absl::SimpleAtod(words[1], &value)) return value;
    }
    ADD_FAILURE() << "no " << name << " in\n" << metrics_.Text();
    return 0;
  }

  Metrics metrics_;
  const std::unique_ptr<Metrics::Reporting> reporting_ = metrics_.AddReporter(ReportProcess);
};

TEST_F(ProcessMetricsTest, TheStartLiesInThePast) {
  const double now = absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch());
  // The kernel rounds the time of its boot to seconds.
  EXPECT_THAT(ValueOf("process_start_time_seconds"), AllOf(Gt(now - 86'400), Le(now + 1)));
}

TEST_F(ProcessMetricsTest, TimeAndMemoryAreTaken) {
  const double before = ValueOf("process_cpu_seconds_total");
  while (ValueOf("process_cpu_seconds_total") <= before) {
  }
  const double resident = ValueOf("process_resident_memory_bytes");
  EXPECT_GT(resident, 0);
  EXPECT_GT(ValueOf("process_virtual_memory_bytes"), resident);
  EXPECT_GE(ValueOf("process_max_fds"), ValueOf("process_open_fds"));
}

TEST_F(ProcessMetricsTest, ADescriptorThatIsOpenedIsCounted) {
  const double before = ValueOf("process_open_fds");
  EXPECT_GE(before, 3);
  const int descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(ValueOf("process_open_fds"), before + 1);
  close(descriptor);
  EXPECT_EQ(ValueOf("process_open_fds"), before);
}

}  // namespace
}  // namespace onhook
