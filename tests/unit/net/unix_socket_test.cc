#include "gateway/net/unix_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>

#include "gateway/net/listening_socket.h"
#include "gtest/gtest.h"
#include "tests/support/temporary_directory.h"

namespace onhook {
namespace {

// The error that a connection to `path` meets; 0: none.
int Dial(const std::string& path) {
  const int dialling = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const int error =
      connect(dialling, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ? 0
                                                                                           : errno;
  close(dialling);
  return error;
}

int ModeOf(const std::string& path) {
  struct stat file {};
  return stat(path.c_str(), &file) == 0 ? static_cast<int>(file.st_mode & 07777) : -1;
}

class UnixSocketTest : public testing::Test {
 protected:
  UnixSocketTest() { umask(022); }

  absl::StatusOr<UnixSocket> Open(mode_t mode = 0600) const {
    return OpenUnixSocket(path_, mode, 16);
  }

  TemporaryDirectory directory_;
  const std::string path_ = directory_.path() + "/grpc.sock";
};

TEST_F(UnixSocketTest, OnlyTheFormWithItsPrefixIsAPath) {
  EXPECT_EQ(UnixSocketPath("unix:/run/onhook.sock"), "/run/onhook.sock");
  EXPECT_EQ(UnixSocketPath("127.0.0.1:80"), "");
}

TEST_F(UnixSocketTest, AnOpenSocketTakesConnectionsUntilItsFileIsRemoved) {
  const absl::StatusOr<UnixSocket> opened = Open();
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_TRUE(IsListening(opened->descriptor));
  EXPECT_EQ(Dial(path_), 0);
  RemoveFile(path_, *opened);
  EXPECT_EQ(Dial(path_), ENOENT);
  close(opened->descriptor);
}

TEST_F(UnixSocketTest, TheModeIsTheOneThatIsAskedForWhateverTheUmaskIs) {
  for (const int mode : {0600, 0660, 0666}) {
    for (const mode_t mask : {0000, 0022, 0077}) {
      umask(mask);
      const absl::StatusOr<UnixSocket> opened = Open(static_cast<mode_t>(mode));
      ASSERT_TRUE(opened.ok()) << opened.status();
      EXPECT_EQ(ModeOf(path_), mode) << "umask " << mask;
      RemoveFile(path_, *opened);
      close(opened->descriptor);
    }
  }
}

TEST_F(UnixSocketTest, WhatAKilledProcessLeftIsReplaced) {
  const absl::StatusOr<UnixSocket> left = Open();
  ASSERT_TRUE(left.ok());
  close(left->descriptor);
  EXPECT_EQ(Dial(path_), ECONNREFUSED);
  const absl::StatusOr<UnixSocket> opened = Open();
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(Dial(path_), 0);
  close(opened->descriptor);
}

TEST_F(UnixSocketTest, ASocketThatSomebodyListensAtIsLeftAlone) {
  const absl::StatusOr<UnixSocket> first = Open();
  ASSERT_TRUE(first.ok());
  const absl::StatusOr<UnixSocket> second = Open();
  EXPECT_TRUE(absl::IsAlreadyExists(second.status())) << second.status();
  EXPECT_EQ(Dial(path_), 0);
  close(first->descriptor);
}

TEST_F(UnixSocketTest, AFileThatIsNoSocketIsLeftAlone) {
  std::ofstream(path_) << "precious";
  const absl::StatusOr<UnixSocket> opened = Open();
  EXPECT_TRUE(absl::IsAlreadyExists(opened.status())) << opened.status();
  std::string content;
  std::ifstream(path_) >> content;
  EXPECT_EQ(content, "precious");
}

TEST_F(UnixSocketTest, TheFileOfAnotherSocketOfThatNameIsLeftAlone) {
  const absl::StatusOr<UnixSocket> first = Open();
  ASSERT_TRUE(first.ok());
  ASSERT_EQ(rename(path_.c_str(), (path_ + ".old").c_str()), 0);
  const absl::StatusOr<UnixSocket> second = Open();
  ASSERT_TRUE(second.ok()) << second.status();
  RemoveFile(path_, *first);
  EXPECT_EQ(Dial(path_), 0);
  close(first->descriptor);
  close(second->descriptor);
}

TEST_F(UnixSocketTest, APathThatCannotBeOneIsAnError) {
  for (const std::string& path : {std::string(), std::string("relative.sock"),
                                  "/" + std::string(sizeof(sockaddr_un::sun_path), 'a')}) {
    EXPECT_TRUE(absl::IsInvalidArgument(OpenUnixSocket(path, 0600, 1).status())) << path;
  }
  EXPECT_TRUE(absl::IsUnavailable(OpenUnixSocket(directory_.path() + "/none/s", 0600, 1).status()));
}

TEST_F(UnixSocketTest, ACheckSaysWhatOpeningWouldAndChangesNothing) {
  EXPECT_TRUE(CheckUnixSocketIsFree(path_).ok());
  EXPECT_EQ(ModeOf(path_), -1);
  const absl::StatusOr<UnixSocket> opened = Open();
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(CheckUnixSocketIsFree(path_), Open().status());
  close(opened->descriptor);
  EXPECT_TRUE(CheckUnixSocketIsFree(path_).ok()) << "nobody listens any more";
  EXPECT_EQ(ModeOf(path_), 0600) << "what is stale is removed by opening only";
}

TEST_F(UnixSocketTest, ACheckSeesThatThereIsNoPlaceForTheFile) {
  std::ofstream(path_) << "a file";
  EXPECT_EQ(CheckUnixSocketIsFree(path_).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(CheckUnixSocketIsFree(directory_.path() + "/absent/grpc.sock").code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(CheckUnixSocketIsFree("relative.sock").code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace onhook
