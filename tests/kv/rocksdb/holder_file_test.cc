// HolderFile and HolderWait between processes: what keeps the lock, what ends
// it, who is named, and that versions of the module before this one exclude it
// and are excluded.

#include "kv/rocksdb/holder_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/child_process.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr char kChild[] = "HolderFileChild.DISABLED_Run";
constexpr char kYes = 'y';
constexpr char kNo = 'n';

std::string HolderPath(const std::string& directory) {
  return directory + "/" + kHolderFileName;
}

// As code of the application does that copies the directory: each file is
// opened, read and closed, and a descriptor of it is copied and closed as well.
void ReadAllFiles(const std::string& directory) {
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    const int fd = open(entry.path().c_str(), O_RDWR);
    ASSERT_GE(fd, 0);
    close(dup(fd));
    close(fd);
    std::ifstream(entry.path()).get();
  }
}

// The lock of earlier versions: on the whole file, of the process. The file
// stays open, as closing it would give up the lock.
bool TakeOldLock(const std::string& directory) {
  const int fd = open(HolderPath(directory).c_str(), O_RDWR | O_CREAT, 0666);
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return fd >= 0 && fcntl(fd, F_SETLK, &lock) == 0;
}

// Lives on when this process has ended. Back when fork() is, in the child too.
pid_t ForkSleeper() {
  int ready[2];
  if (pipe(ready) != 0) return -1;
  const pid_t pid = fork();
  char byte = 'r';
  if (pid == 0) {
    if (write(ready[1], &byte, 1) != 1) _exit(1);
    for (;;) pause();
  }
  if (read(ready[0], &byte, 1) != 1) return -1;
  close(ready[0]);
  close(ready[1]);
  return pid;
}

pid_t StartSleeper(bool by_exec) {
  if (!by_exec) return ForkSleeper();
  pid_t pid = 0;
  std::string name = "sleep";
  std::string time = "1000";
  char* argv[] = {name.data(), time.data(), nullptr};
  return posix_spawnp(&pid, "sleep", nullptr, nullptr, argv, environ) == 0 ? pid
                                                                           : -1;
}

// By orders: 't' takes the lock, 'o' the old one, 'w' waits, 'r' reads all
// files, 'f' and 'e' start a process that lives on, whose id they leave in the
// file "pid" beside the directory. Ends with its parent.
TEST(HolderFileChild, DISABLED_Run) {
  const std::string directory = ChildArgument();
  std::unique_ptr<HolderFile> holder;
  std::unique_ptr<HolderWait> waiting;
  for (char order = ChildHear(); order != '\0'; order = ChildHear()) {
    bool done = true;
    if (order == 't') done = HolderFile::Take(directory, &holder).ok();
    if (order == 'o') done = TakeOldLock(directory);
    if (order == 'w') waiting = std::make_unique<HolderWait>(directory);
    if (order == 'r') ReadAllFiles(directory);
    if (order == 'f' || order == 'e') {
      std::ofstream(directory + ".pid") << StartSleeper(order == 'e');
    }
    ChildSay(done ? kYes : kNo);
  }
}

class HolderFileTest : public testing::Test {
 protected:
  HolderFileTest() { std::filesystem::create_directory(path_); }

  static bool Order(ChildProcess* child, char order) {
    child->Say(order);
    return child->Hear() == kYes;
  }

  Status Take() { return HolderFile::Take(path_, &holder_); }

  std::string OpenIn(pid_t pid) const {
    return "store is open in process " + std::to_string(pid) + ": " + path_;
  }

  const TempDir temp_;
  const std::string path_ = temp_.File("store");
  std::unique_ptr<HolderFile> holder_;
};

TEST_F(HolderFileTest, OneHolder) {
  ASSERT_OK(Take());
  std::unique_ptr<HolderFile> second;
  EXPECT_TRUE(
      IsError(HolderFile::Take(path_, &second), Code::kBusy, OpenIn(getpid())));
  ChildProcess other(kChild, path_);
  EXPECT_FALSE(Order(&other, 't'));
  holder_.reset();
  EXPECT_TRUE(Order(&other, 't'));
  EXPECT_TRUE(IsError(Take(), Code::kBusy, OpenIn(other.pid())));
  other.Kill();
  EXPECT_OK(Take());
}

TEST_F(HolderFileTest, TwoPathsOfOneDirectory) {
  const std::string link = temp_.File("link");
  std::filesystem::create_directory_symlink(path_, link);
  ASSERT_OK(Take());
  std::unique_ptr<HolderFile> second;
  EXPECT_TRUE(IsError(HolderFile::Take(link, &second), Code::kBusy,
                      "store is open in process"));
  ChildProcess other(kChild, link);
  EXPECT_FALSE(Order(&other, 't'));
}

// The lock of the process goes then, and with it what the kernel knows of the
// holder; that of the open file stays.
TEST_F(HolderFileTest, CodeOfTheProcessReadsTheFiles) {
  ChildProcess holder(kChild, path_);
  ASSERT_TRUE(Order(&holder, 't'));
  ASSERT_TRUE(Order(&holder, 'r'));
  EXPECT_TRUE(IsError(Take(), Code::kBusy, OpenIn(holder.pid())));
  EXPECT_TRUE(IsError(Take(), Code::kBusy, OpenIn(holder.pid())));
  ChildProcess old(kChild, path_);
  EXPECT_FALSE(Order(&old, 'o'));
  holder.Kill();
  EXPECT_OK(Take());
}

// Neither a child of fork() nor a program that was started holds the lock of a
// process that has ended.
TEST_F(HolderFileTest, ChildrenOfTheHolderLiveOn) {
  for (const char how : {'f', 'e'}) {
    SCOPED_TRACE(how);
    ChildProcess holder(kChild, path_);
    ASSERT_TRUE(Order(&holder, 't'));
    ASSERT_TRUE(Order(&holder, how));
    pid_t child = 0;
    std::ifstream(path_ + ".pid") >> child;
    ASSERT_GT(child, 0);
    EXPECT_TRUE(IsError(Take(), Code::kBusy, OpenIn(holder.pid())));
    holder.Kill();
    EXPECT_EQ(kill(child, 0), 0) << "it should live on";
    EXPECT_OK(Take());
    holder_.reset();
    kill(child, SIGKILL);
  }
}

// Nor does such a child wait for ever in the name of its parent.
TEST_F(HolderFileTest, AChildOfForkDoesNotWait) {
  ASSERT_OK(Take());
  ChildProcess waiter(kChild, path_);
  ASSERT_TRUE(Order(&waiter, 'w'));
  ASSERT_TRUE(Order(&waiter, 'f'));
  pid_t child = 0;
  std::ifstream(path_ + ".pid") >> child;
  ASSERT_GT(child, 0);
  EXPECT_TRUE(holder_->IsWaitedFor());
  waiter.Kill();
  EXPECT_FALSE(holder_->IsWaitedFor());
  kill(child, SIGKILL);
}

TEST_F(HolderFileTest, VersionsBeforeThisOneExcludeAndAreExcluded) {
  ChildProcess old(kChild, path_);
  ASSERT_TRUE(Order(&old, 'o'));
  EXPECT_TRUE(IsError(Take(), Code::kBusy, OpenIn(old.pid())));
  {
    const HolderWait waiting(path_);
    EXPECT_TRUE(waiting.IsHeld());
  }
  old.Kill();
  ASSERT_OK(Take());
  ChildProcess second(kChild, path_);
  EXPECT_FALSE(Order(&second, 'o'));
  ReadAllFiles(path_);
  EXPECT_FALSE(Order(&second, 'o'));
  holder_.reset();
  EXPECT_TRUE(Order(&second, 'o'));
}

TEST_F(HolderFileTest, WhoWaitsIsSeen) {
  ASSERT_OK(Take());
  EXPECT_FALSE(holder_->IsWaitedFor());
  auto first = std::make_unique<HolderWait>(path_);
  EXPECT_TRUE(holder_->IsWaitedFor()) << "also in the same process";
  EXPECT_TRUE(first->IsHeld());
  EXPECT_FALSE(first->OthersWait()) << "not itself";
  ChildProcess other(kChild, path_);
  ASSERT_TRUE(Order(&other, 'w'));
  EXPECT_TRUE(first->OthersWait());
  first.reset();
  EXPECT_TRUE(holder_->IsWaitedFor());
  // Who waits does not keep anybody out.
  holder_.reset();
  ASSERT_OK(Take());
  EXPECT_TRUE(holder_->IsWaitedFor());
  other.Kill();
  EXPECT_FALSE(holder_->IsWaitedFor());
}

TEST_F(HolderFileTest, WaitingMakesNoFile) {
  const HolderWait waiting(path_);
  EXPECT_FALSE(waiting.IsHeld());
  EXPECT_FALSE(waiting.OthersWait());
  EXPECT_TRUE(std::filesystem::is_empty(path_));
}

// What is left in the file of another holder is longer, and names nobody.
TEST_F(HolderFileTest, TheTextIsTheHoldersPid) {
  std::ofstream(HolderPath(path_)) << "1234567890123\n";
  ASSERT_OK(Take());
  std::string text;
  std::getline(std::ifstream(HolderPath(path_)), text, '\0');
  EXPECT_EQ(text, std::to_string(getpid()) + "\n");
}

TEST_F(HolderFileTest, Refusals) {
  EXPECT_TRUE(IsError(HolderFile::Take(temp_.File("none"), &holder_),
                      Code::kNotFound, "none/actorkv.pid"));
  std::filesystem::create_directory(HolderPath(path_));
  EXPECT_TRUE(IsError(Take(), Code::kIOError, "actorkv.pid"));
}

}  // namespace
}  // namespace actorkv
