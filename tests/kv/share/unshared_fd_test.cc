// Descriptors that a child of fork() does not keep.

#include "kv/share/unshared_fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>

#include "tests/support/forked_child.h"

namespace actorkv {
namespace {

bool IsOpen(int fd) { return fcntl(fd, F_GETFD) >= 0; }

int OpenNull() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

TEST(UnsharedFdTest, IsClosedWithItsObject) {
  int fd = -1;
  {
    UnsharedFd held;
    EXPECT_LT(held.get(), 0);
    fd = held.Open(OpenNull);
    ASSERT_GT(fd, STDERR_FILENO);
    EXPECT_EQ(held.get(), fd);
    EXPECT_TRUE(IsOpen(fd));
  }
  EXPECT_FALSE(IsOpen(fd));
}

TEST(UnsharedFdTest, SaysWhyThereIsNone) {
  UnsharedFd held;
  EXPECT_LT(held.Open([] { return open("/nowhere/at/all", O_RDONLY); }), 0);
  EXPECT_EQ(errno, ENOENT);
}

// The list is whole, whichever goes first.
TEST(UnsharedFdTest, AChildHasNoneOfThem) {
  std::optional<UnsharedFd> fds[4];
  int numbers[4];
  for (int i = 0; i < 4; ++i) numbers[i] = fds[i].emplace().Open(OpenNull);
  fds[2].reset();  // in the middle
  fds[0].reset();  // at one end
  ForkedChild child([&] {
    for (const int i : {1, 3}) {
      if (fds[i]->get() >= 0 || IsOpen(numbers[i])) return 1;
    }
    // What has its number now is somebody else's.
    const int other = OpenNull();
    fds[1].reset();
    fds[3].reset();
    if (!IsOpen(other)) return 2;
    UnsharedFd own;
    return own.Open(OpenNull) > STDERR_FILENO && IsOpen(own.get()) ? 0 : 3;
  });
  EXPECT_EQ(child.Wait(), 0);
  EXPECT_TRUE(IsOpen(numbers[1])) << "the parent's is as it was";
  EXPECT_TRUE(IsOpen(numbers[3]));
}

TEST(UnsharedFdTest, IsNoneOfTheFirstThree) {
  ForkedChild child([] {
    for (int fd = 0; fd <= STDERR_FILENO; ++fd) close(fd);
    UnsharedFd held;
    if (held.Open(OpenNull) <= STDERR_FILENO) return 1;
    return IsOpen(STDIN_FILENO) ? 2 : 0;
  });
  EXPECT_EQ(child.Wait(), 0);
}

}  // namespace
}  // namespace actorkv
