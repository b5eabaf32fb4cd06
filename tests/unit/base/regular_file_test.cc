#include "gateway/base/regular_file.h"

#include <sys/stat.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

using ::testing::HasSubstr;

class RegularFileTest : public ::testing::Test {
 protected:
  std::string RefusalOf(const std::string& path, size_t most_bytes = 10) {
    std::string bytes;
    const absl::Status status = ReadRegularFile(path, most_bytes, bytes);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  }

  TemporaryDirectory directory_;
};

TEST_F(RegularFileTest, TheContentIsReadToItsEnd) {
  for (const size_t size : {0, 1, 4095, 4096, 4097, 10000}) {
    const std::string content(size, 'x');
    std::string bytes;
    EXPECT_TRUE(ReadRegularFile(directory_.Write("file", content), size, bytes).ok()) << size;
    EXPECT_EQ(bytes, content);
  }
}

TEST_F(RegularFileTest, OfAFileThatIsTooLargeOneByteMoreIsRead) {
  const std::string path = directory_.Write("file", std::string(10001, 'x'));
  std::string bytes;
  EXPECT_EQ(ReadRegularFile(path, 10, bytes),
            absl::InvalidArgumentError("is larger than 10 bytes"));
  EXPECT_EQ(bytes, std::string(11, 'x'));
}

TEST_F(RegularFileTest, WhatIsNoRegularFileIsNotRead) {
  EXPECT_THAT(RefusalOf(directory_.path()), HasSubstr("cannot be read: it is no regular file"));
  EXPECT_THAT(RefusalOf("/dev/zero"), HasSubstr("cannot be read: it is no regular file"));
  const std::string pipe = directory_.path() + "/pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(RefusalOf(pipe), HasSubstr("cannot be read: it is no regular file"));
  EXPECT_EQ(RefusalOf(directory_.path() + "/absent"), "cannot be read: No such file or directory");
}

}  // namespace
}  // namespace onhook
