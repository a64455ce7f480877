// Temporaries: what is found and removed, and what never is.
#include "kv/files/temporary.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/child_process.h"
#include "tests/support/listing.h"
#include "tests/support/pair_files.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

namespace fs = std::filesystem;

constexpr TemporaryKind kKinds[] = {TemporaryKind::kFile,
                                    TemporaryKind::kDirectory};

void MakeDead(const std::string& directory, TemporaryKind kind) {
  Temporary made;
  ASSERT_OK(MakeTemporary(directory, kind, 0700, &made));
  if (kind == TemporaryKind::kDirectory) {
    fs::create_directories(made.path + "/new/deeper");
    WriteContents(made.path + "/new/deeper/file", "x");
  }
  close(made.fd);
}

TEST(TemporaryTest, NamesAreKnownAgain) {
  std::set<std::string> names;
  for (const TemporaryKind kind : kKinds) {
    const std::string name = NewTemporaryName(kind);
    names.insert(name);
    names.insert(NewTemporaryName(kind));
    TemporaryKind found = TemporaryKind::kFile;
    EXPECT_TRUE(IsTemporaryName(name, &found)) << name;
    EXPECT_EQ(found, kind);
    // Any other name is somebody else's.
    for (size_t i = 0; i < name.size(); ++i) {
      std::string other = name;
      other[i] = other[i] == 'a' ? 'b' : 'a';
      EXPECT_FALSE(IsTemporaryName(other, &found)) << other;
    }
    EXPECT_FALSE(IsTemporaryName(name + "x", &found));
    EXPECT_FALSE(IsTemporaryName(name.substr(1), &found));
  }
  EXPECT_EQ(names.size(), 4U);
  TemporaryKind found = TemporaryKind::kFile;
  for (const char* name : {"", ".actorkv-", ".actorkv-1234567890.tmp",
                           ".actorkv-f0000000000000000-00000000.tmp"}) {
    EXPECT_FALSE(IsTemporaryName(name, &found)) << name;
  }
}

TEST(TemporaryTest, WhatDeadWritersLeftIsRemoved) {
  const TempDir directory;
  for (const TemporaryKind kind : kKinds) MakeDead(directory.path(), kind);
  EXPECT_NE(Listing(directory.path()), "");
  RemoveLeftovers(directory.path());
  EXPECT_EQ(Listing(directory.path()), "");
  RemoveLeftovers(directory.File("missing"));
}

TEST(TemporaryTest, WhatIsBeingWrittenStays) {
  const TempDir directory;
  for (const TemporaryKind kind : kKinds) {
    Temporary made;
    ASSERT_OK(MakeTemporary(directory.path(), kind, 0700, &made));
    RemoveLeftovers(directory.path());
    EXPECT_TRUE(fs::exists(made.path));
    close(made.fd);
    RemoveLeftovers(directory.path());
    EXPECT_FALSE(fs::exists(made.path));
  }
}

TEST(TemporaryTest, DISABLED_OtherProcess) {
  Temporary made;
  ASSERT_OK(MakeTemporary(ChildArgument(), TemporaryKind::kFile, 0600, &made));
  ChildSay('m');
  ChildHear();
}

// Of another process as well, until it is killed.
TEST(TemporaryTest, TheLockGoesWithTheProcess) {
  const TempDir directory;
  ChildProcess child("TemporaryTest.DISABLED_OtherProcess", directory.path());
  ASSERT_EQ(child.Hear(), 'm');
  const std::string name = Listing(directory.path());
  EXPECT_NE(name, "");
  RemoveLeftovers(directory.path());
  EXPECT_EQ(Listing(directory.path()), name);
  child.Kill();
  RemoveLeftovers(directory.path());
  EXPECT_EQ(Listing(directory.path()), "");
}

// Whatever has such a name and is not of its kind, and whatever has another.
TEST(TemporaryTest, NothingOfOthersIsRemoved) {
  const TempDir directory;
  const auto name = [&](TemporaryKind kind) {
    return directory.File(NewTemporaryName(kind));
  };
  fs::create_directory(name(TemporaryKind::kFile));
  WriteContents(name(TemporaryKind::kDirectory), "x");
  ASSERT_EQ(mkfifo(name(TemporaryKind::kFile).c_str(), 0600), 0);
  WriteContents(directory.File("mine"), "mine");
  fs::create_symlink("mine", name(TemporaryKind::kFile));
  fs::create_directory_symlink(".", name(TemporaryKind::kDirectory));
  for (const char* each : {".actorkv-1234567890.tmp", ".actorkv-x.tmp",
                           ".actorkv-f0000000000000000-00000000.tmp"}) {
    WriteContents(directory.File(each), "x");
  }
  const std::string before = Listing(directory.path());
  RemoveLeftovers(directory.path());
  EXPECT_EQ(Listing(directory.path()), before);
}

// New ones are taken for leftovers as soon as they are there, and never lost.
TEST(TemporaryTest, RemovalBesideWriters) {
  const TempDir directory;
  std::vector<std::thread> threads;
  threads.reserve(3);
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < 200; ++n) {
        Temporary made;
        ASSERT_OK(MakeTemporary(directory.path(), kKinds[i % 2], 0700, &made));
        RemoveLeftovers(directory.path());
        EXPECT_TRUE(fs::exists(made.path));
        close(made.fd);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  RemoveLeftovers(directory.path());
  EXPECT_EQ(Listing(directory.path()), "");
}

// Where there are many names, one call of many looks at them, and one does.
TEST(TemporaryTest, ALargeDirectoryIsLookedThroughNowAndThen) {
  const TempDir directory;
  for (int i = 0; i < 3000; ++i) {
    WriteContents(directory.File(std::to_string(i)), "");
  }
  RemoveLeftovers(directory.path());
  MakeDead(directory.path(), TemporaryKind::kFile);
  int calls = 0;
  do {
    ASSERT_LT(calls, 10);
    RemoveLeftovers(directory.path());
    ++calls;
  } while (std::distance(fs::directory_iterator(directory.path()), {}) > 3000);
  EXPECT_EQ(calls, 4);
}

}  // namespace
}  // namespace actorkv
