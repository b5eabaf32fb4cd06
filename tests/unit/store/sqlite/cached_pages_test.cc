#include "gateway/store/sqlite/cached_pages.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "gateway/store/sqlite/file_system_doubt.h"
#include "gtest/gtest.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

constexpr size_t kBytes = size_t{1} << 20;

// How many pages of the file are in memory.
int64_t PagesInMemory(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  void* const mapped = mmap(nullptr, kBytes, PROT_READ, MAP_SHARED, file, 0);
  std::vector<unsigned char> pages(kBytes / static_cast<size_t>(getpagesize()));
  EXPECT_EQ(mincore(mapped, kBytes, pages.data()), 0);
  munmap(mapped, kBytes);
  close(file);
  return std::count_if(pages.begin(), pages.end(), [](unsigned char page) { return page & 1; });
}

TEST(CachedPagesTest, WhatWasWrittenIsOnTheDiskAndIsReadFromThere) {
  const TemporaryDirectory directory;
  if (!FileSystemDoubtOf(directory.path()).empty()) GTEST_SKIP() << "no disk is below";
  const std::string written(kBytes, 'x');
  const std::string path = directory.Write("file", written);
  ASSERT_GT(PagesInMemory(path), 0);
  EXPECT_TRUE(ForgetCachedPages(path).ok());
  EXPECT_EQ(PagesInMemory(path), 0);
  std::ifstream file(path, std::ios::binary);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), written);
}

TEST(CachedPagesTest, AFileThatIsMissingIsLeftSo) {
  const TemporaryDirectory directory;
  EXPECT_TRUE(ForgetCachedPages(directory.path() + "/none").ok());
  EXPECT_NE(access((directory.path() + "/none").c_str(), F_OK), 0);
}

TEST(CachedPagesTest, WhatCannotBeOpenedIsAnErrorThatNamesIt) {
  const TemporaryDirectory directory;
  const absl::Status status = ForgetCachedPages(directory.path());
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_NE(status.message().find(directory.path()), absl::string_view::npos) << status;
}

}  // namespace
}  // namespace onhook
