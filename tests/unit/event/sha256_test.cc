#include "gateway/event/sha256.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/escaping.h"

namespace onhook {
namespace {

// The examples of FIPS 180-2, and the empty text.
TEST(Sha256Test, TheStandardsExamplesComeOut) {
  EXPECT_EQ(absl::BytesToHexString(Sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(
      absl::BytesToHexString(Sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(absl::BytesToHexString(Sha256("")),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Sha256Test, OneTextLeavesNothingBehindForTheNext) {
  const std::string first = Sha256("abc");
  Sha256(std::string(100'000, 'x'));
  EXPECT_EQ(Sha256("abc"), first);
  EXPECT_EQ(first.size(), kSha256Size);
}

}  // namespace
}  // namespace onhook
