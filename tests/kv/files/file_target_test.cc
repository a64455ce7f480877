// FindFileTarget: what a file replaces, and what it does not.
#include "kv/files/file_target.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "kv/base/descriptor.h"
#include "tests/support/pair_files.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

namespace fs = std::filesystem;

class FileTargetTest : public testing::Test {
 protected:
  std::string File(const std::string& name) const {
    return directory_.File(name);
  }

  static Status Find(const std::string& path, bool overwrite = true) {
    FileTarget ignored;
    return FindFileTarget(path, overwrite, &ignored);
  }

 private:
  const TempDir directory_;
};

TEST_F(FileTargetTest, OnlyARegularFileIsReplaced) {
  ASSERT_EQ(mkfifo(File("fifo").c_str(), 0600), 0);
  ASSERT_TRUE(fs::create_directory(File("directory")));
  const Descriptor made(socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string path = File("socket");
  ASSERT_LT(path.size(), sizeof address.sun_path);
  path.copy(static_cast<char*>(address.sun_path), path.size());
  ASSERT_EQ(bind(made.get(), reinterpret_cast<const sockaddr*>(&address),
                 sizeof address),
            0);
  for (const auto& [name, kind] :
       {std::pair<std::string, std::string>{File("fifo"), "a FIFO"},
        {File("directory"), "a directory"},
        {File("directory/."), "a directory"},
        {File("directory/.."), "a directory"},
        {File("socket"), "a socket"},
        {"/dev/null", "a character device"},
        {"/dev/full", "a character device"}}) {
    const std::string link = File("link");
    fs::create_symlink(name, link);
    // The kind is told at once, not that it exists.
    for (const bool overwrite : {true, false}) {
      EXPECT_TRUE(IsError(Find(name, overwrite), Code::kInvalidArgument,
                          "cannot write " + name + ": it is " + kind));
      EXPECT_TRUE(IsError(Find(link, overwrite), Code::kInvalidArgument,
                          link + ", a link to " + name + ": it is " + kind));
    }
    fs::remove(link);
  }
}

TEST_F(FileTargetTest, NothingInProc) {
  WriteContents(File("f"), "x");
  const Descriptor open_file(open(File("f").c_str(), O_RDONLY));
  const std::string number = std::to_string(open_file.get());
  for (const std::string& path :
       {"/proc/self/fd/" + number, "/dev/fd/" + number,
        std::string("/proc/self/comm"), std::string("/proc/version"),
        std::string("/proc/no-such-file")}) {
    EXPECT_TRUE(IsError(Find(path), Code::kInvalidArgument,
                        path + ": it is a name in /proc"));
  }
  fs::create_symlink("/proc/self/fd/" + number, File("out"));
  EXPECT_TRUE(IsError(Find(File("out")), Code::kInvalidArgument,
                      "a link to /proc/self/fd/" + number));
}

TEST_F(FileTargetTest, LinksAreFollowedToTheEnd) {
  ASSERT_TRUE(fs::create_directory(File("d")));
  WriteContents(File("d/f"), "x");
  fs::create_symlink("../d/f", File("d/a"));
  fs::create_symlink("d/a", File("b"));
  fs::create_directory_symlink("d", File("e"));
  FileTarget target;
  ASSERT_OK(FindFileTarget(File("b"), true, &target));
  EXPECT_EQ(fs::canonical(target.path), fs::canonical(File("d/f")));
  EXPECT_TRUE(target.is_now.has_value());
  ASSERT_OK(FindFileTarget(File("e/new"), true, &target));
  EXPECT_EQ(target.path, File("e/new"));
  EXPECT_FALSE(target.is_now.has_value());
  EXPECT_TRUE(IsError(Find(File("b"), false), Code::kAlreadyExists,
                      File("b") + ", a link to "));
  // As cp: a link to nothing is no place for a file.
  fs::create_symlink("nothing", File("g"));
  EXPECT_TRUE(IsError(Find(File("g")), Code::kInvalidArgument,
                      File("g") + ", a link to " + File("nothing")));
  EXPECT_FALSE(fs::exists(File("nothing")));
  fs::create_symlink("h", File("i"));
  fs::create_symlink("i", File("h"));
  EXPECT_TRUE(IsError(Find(File("h")), Code::kIOError, File("h")));
}

TEST_F(FileTargetTest, NamesThatAreNone) {
  WriteContents(File("f"), "x");
  EXPECT_TRUE(IsError(Find(File("new/")), Code::kInvalidArgument,
                      "it names a directory"));
  EXPECT_TRUE(IsError(Find(File("f/")), Code::kInvalidArgument,
                      "it names a directory"));
  EXPECT_TRUE(IsError(Find(File("f/g")), Code::kIOError, "Not a directory"));
  EXPECT_TRUE(IsError(Find(File(std::string(256, 'x'))), Code::kInvalidArgument,
                      "no name that is so long"));
  // A directory that is missing is told when the file is made.
  EXPECT_OK(Find(File("no/f")));
}

// A file that this process may not write is not replaced either.
TEST_F(FileTargetTest, PermissionsCount) {
  WriteContents(File("f"), "x");
  ASSERT_EQ(chmod(File("f").c_str(), 0400), 0);
  if (geteuid() == 0) {
    ASSERT_EQ(chmod(File("").c_str(), 0777), 0);
    ASSERT_EQ(seteuid(65534), 0);
  }
  const Status s = Find(File("f"));
  if (getuid() == 0) {
    ASSERT_EQ(seteuid(0), 0);
  }
  EXPECT_TRUE(IsError(s, Code::kIOError, "Permission denied"));
}

TEST_F(FileTargetTest, AMountIsNotReplaced) {
  WriteContents(File("f"), "x");
  WriteContents(File("g"), "y");
  if (geteuid() != 0 || mount(File("f").c_str(), File("g").c_str(), nullptr,
                              MS_BIND, nullptr) != 0) {
    GTEST_SKIP() << "only root may mount";
  }
  const Status s = Find(File("g"));
  umount2(File("g").c_str(), MNT_DETACH);
  EXPECT_TRUE(
      IsError(s, Code::kInvalidArgument, File("g") + ": it is mounted"));
  EXPECT_OK(Find(File("g")));
}

}  // namespace
}  // namespace actorkv
