// HostMark: who is seen, by whom, and what ends it.

#include "kv/files/host_mark.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "kv/files/store_names.h"
#include "tests/support/forked_child.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr HostId kOne{0, 0x0123'4567'89AB'CDEF};
constexpr HostId kOther{0, 0x0123'4567'89AB'CDEE};
constexpr HostId kLargest{7, UINT64_MAX};

// Ends by a signal.
int TellAndStay(int fd, bool is_well) {
  if (write(fd, is_well ? "y" : "n", 1) != 1) return 1;
  for (;;) pause();
}

class HostMarkTest : public ::testing::Test {
 protected:
  std::string HolderPath() const { return directory_ + "/" + kHolderFileName; }

  void MakeHolderFile() const {
    const int fd = open(HolderPath().c_str(), O_RDWR | O_CREAT, 0666);
    ASSERT_GE(fd, 0);
    close(fd);
  }

  bool IsMarked(const HostId& host) const {
    bool marked = false;
    EXPECT_OK(IsHostMarked(directory_, host, &marked));
    return marked;
  }

  std::set<MarkNumber> Marks() const {
    std::vector<MarkNumber> marks;
    EXPECT_OK(ListHostMarks(directory_, &marks));
    std::set<MarkNumber> numbers(marks.begin(), marks.end());
    EXPECT_EQ(numbers.size(), marks.size());
    return numbers;
  }
  bool AnyMarked() const { return !Marks().empty(); }

  const TempDir temp_;
  const std::string directory_ = temp_.path();
};

TEST_F(HostMarkTest, WhereNobodyEverHeldTheStore) {
  EXPECT_FALSE(IsMarked(kOne));
  EXPECT_FALSE(AnyMarked());
  std::unique_ptr<HostMark> mark;
  EXPECT_EQ(HostMark::Make(directory_, kOne, &mark).code(), Code::kNotFound);
  EXPECT_EQ(mark, nullptr);
}

TEST_F(HostMarkTest, AMarkIsOfOneHostAndOfItsTime) {
  MakeHolderFile();
  EXPECT_FALSE(AnyMarked());
  std::unique_ptr<HostMark> mark;
  ASSERT_OK(HostMark::Make(directory_, kOne, &mark));
  EXPECT_TRUE(IsMarked(kOne));
  EXPECT_FALSE(IsMarked(kOther));
  EXPECT_TRUE(AnyMarked());
  // Twice, as of two stores of a process: each of them counts.
  std::unique_ptr<HostMark> again;
  ASSERT_OK(HostMark::Make(directory_, kOne, &again));
  mark.reset();
  EXPECT_TRUE(IsMarked(kOne));
  again.reset();
  EXPECT_FALSE(IsMarked(kOne));
  EXPECT_FALSE(AnyMarked());
}

TEST_F(HostMarkTest, AllAreListed) {
  MakeHolderFile();
  std::vector<std::unique_ptr<HostMark>> marks;
  std::set<MarkNumber> numbers;
  // Next to each other as well, and at both ends.
  for (const uint64_t incarnation :
       {7ULL, 8ULL, 6ULL, 1ULL << 40, 0ULL, (1ULL << 62) - 1, 900ULL}) {
    const HostId host{0, incarnation};
    ASSERT_OK(HostMark::Make(directory_, host, &marks.emplace_back()));
    numbers.insert(MarkNumberOf(host));
    EXPECT_EQ(Marks(), numbers);
  }
  for (std::unique_ptr<HostMark>& mark : marks) mark.reset();
  EXPECT_EQ(Marks(), std::set<MarkNumber>());
}

TEST_F(HostMarkTest, AnyIncarnationHasAByte) {
  MakeHolderFile();
  for (const HostId& host : {kLargest, HostId{0, 1}, HostId{0, 1ULL << 62}}) {
    std::unique_ptr<HostMark> mark;
    ASSERT_OK(HostMark::Make(directory_, host, &mark));
    EXPECT_TRUE(IsMarked(host)) << host.incarnation;
    EXPECT_TRUE(AnyMarked()) << host.incarnation;
  }
}

TEST_F(HostMarkTest, LeavesTheHolderAlone) {
  MakeHolderFile();
  std::unique_ptr<HostMark> mark;
  ASSERT_OK(HostMark::Make(directory_, HostId{0, 0}, &mark));
  std::unique_ptr<LockFile> holder;
  ASSERT_OK(LockFile::Open(HolderPath(), /*create=*/false, &holder));
  EXPECT_FALSE(holder->IsLockedElsewhere(0, 64));
  bool locked = false;
  ASSERT_OK(holder->TryLock(1, LockFile::Kind::kExclusive, &locked));
  EXPECT_TRUE(locked);
}

TEST_F(HostMarkTest, GoesWhereNothingMayBeWritten) {
  MakeHolderFile();
  ASSERT_EQ(chmod(HolderPath().c_str(), 0444), 0);
  std::unique_ptr<HostMark> mark;
  ASSERT_OK(HostMark::Make(directory_, kOne, &mark));
  EXPECT_TRUE(IsMarked(kOne));
}

TEST_F(HostMarkTest, EndsWithItsProcess) {
  MakeHolderFile();
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  ForkedChild child([&] {
    std::unique_ptr<HostMark> mark;
    const bool made = HostMark::Make(directory_, kOne, &mark).ok();
    return Within(60, [&] { return TellAndStay(ready[1], made); });
  });
  char made = 0;
  ASSERT_EQ(read(ready[0], &made, 1), 1);
  EXPECT_EQ(made, 'y');
  EXPECT_TRUE(IsMarked(kOne));
  child.Kill();
  EXPECT_FALSE(IsMarked(kOne));
  close(ready[0]);
  close(ready[1]);
}

TEST_F(HostMarkTest, AChildOfForkDoesNotKeepIt) {
  MakeHolderFile();
  std::unique_ptr<HostMark> mark;
  ASSERT_OK(HostMark::Make(directory_, kOne, &mark));
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  ForkedChild child(
      [&] { return Within(60, [&] { return TellAndStay(ready[1], true); }); });
  char there = 0;
  ASSERT_EQ(read(ready[0], &there, 1), 1);
  EXPECT_TRUE(IsMarked(kOne));
  mark.reset();
  EXPECT_FALSE(IsMarked(kOne));
  close(ready[0]);
  close(ready[1]);
}

}  // namespace
}  // namespace actorkv
