// OwnerClaim: one at a time, seen by all, and no lock of the store.

#include "kv/rocksdb/owner_claim.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "kv/rocksdb/holder_file.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

class OwnerClaimTest : public testing::Test {
 protected:
  TempDir temp_;
  const std::string directory_ = temp_.path();
  std::unique_ptr<OwnerClaim> claim_;
  std::unique_ptr<OwnerClaim> other_;
  std::unique_ptr<HolderFile> holder_;
};

TEST_F(OwnerClaimTest, AStoreThatNobodyHadHasNone) {
  EXPECT_EQ(OwnerClaim::Make(directory_, &claim_).code(), Code::kNotFound);
  EXPECT_FALSE(OwnerClaim::IsMade(directory_));
}

TEST_F(OwnerClaimTest, OneAtATime) {
  ASSERT_OK(HolderFile::Take(directory_, &holder_));
  EXPECT_FALSE(OwnerClaim::IsMade(directory_));
  ASSERT_OK(OwnerClaim::Make(directory_, &claim_));
  EXPECT_TRUE(OwnerClaim::IsMade(directory_));
  EXPECT_TRUE(IsError(OwnerClaim::Make(directory_, &other_),
                      Code::kAlreadyExists,
                      "store is served by process " + std::to_string(getpid()) +
                          ": " + directory_));
  holder_.reset();
  EXPECT_TRUE(IsError(OwnerClaim::Make(directory_, &other_),
                      Code::kAlreadyExists, "is about to serve the store"));
  claim_.reset();
  EXPECT_FALSE(OwnerClaim::IsMade(directory_));
  EXPECT_OK(OwnerClaim::Make(directory_, &other_));
}

TEST_F(OwnerClaimTest, ItIsNotTheLock) {
  ASSERT_OK(HolderFile::Take(directory_, &holder_));
  holder_.reset();
  ASSERT_OK(OwnerClaim::Make(directory_, &claim_));
  EXPECT_FALSE(HolderFile::IsHeld(directory_));
  EXPECT_OK(HolderFile::Take(directory_, &holder_));
}

// A holder of an older version locks all bytes: it has the store, and claims
// nothing.
TEST_F(OwnerClaimTest, BesideAnOlderVersion) {
  ASSERT_OK(HolderFile::Take(directory_, &holder_));
  holder_.reset();
  const std::string path = directory_ + "/" + kHolderFileName;
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  // Of the open file, so that it excludes this process as well.
  ASSERT_EQ(fcntl(fd, F_OFD_SETLK, &lock), 0);
  EXPECT_TRUE(IsError(OwnerClaim::Make(directory_, &claim_), Code::kBusy,
                      "store is open in "));
  close(fd);
}

}  // namespace
}  // namespace actorkv
