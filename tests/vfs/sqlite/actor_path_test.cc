// Names as users write them, and the store and actor they mean.

#include "vfs/sqlite/actor_path.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/support/testing.h"

namespace actorkv {
namespace {

namespace fs = std::filesystem;

class ActorPathTest : public testing::Test {
 protected:
  void SetUp() override {
    before_ = fs::current_path();
    fs::current_path(directory_.path());
    fs::create_directories("real/sub");
    fs::create_directory_symlink("real", "link");
    fs::create_symlink("nowhere", "dangling");
  }
  void TearDown() override { fs::current_path(before_); }

  const TempDir& directory() const { return directory_; }

 private:
  const TempDir directory_;
  fs::path before_;
};

TEST_F(ActorPathTest, ResolvesToOneCanonicalName) {
  struct Case {
    std::string name;
    std::string store;  // below the directory
    std::string actor;
  };
  const Case cases[] = {
      {"real/alice", "real", "alice"},
      {"./real/alice", "real", "alice"},
      {"real/sub/../alice", "real", "alice"},
      {"link/alice", "real", "alice"},
      {"link/sub/alice", "real/sub", "alice"},
      {"link/sub/../alice", "real", "alice"},
      {"real//alice", "real", "alice"},
      {"new/alice", "new", "alice"},
      {"new/deep/../alice", "new", "alice"},
      {"real/a b", "real", "a b"},
      {"real/a%20b", "real", "a%20b"},  // SQLite has decoded already
      {"with space/alice", "with space", "alice"},
      {"real/.hidden", "real", ".hidden"},
      {"real/...", "real", "..."},
      {"real/\xe2\x82\xac", "real", "\xe2\x82\xac"},
  };
  for (const Case& c : cases) {
    for (const std::string& prefix :
         {std::string(), directory().path() + "/"}) {
      ActorPath path;
      ASSERT_OK(ResolveActorPath(prefix + c.name, &path)) << c.name;
      EXPECT_EQ(path.store, directory().File(c.store)) << c.name;
      EXPECT_EQ(path.actor, c.actor);
      ActorPath split;
      ASSERT_OK(SplitFullName(FullName(path), &split));
      EXPECT_EQ(split.store, path.store);
      EXPECT_EQ(split.actor, path.actor);
      // What is canonical stays.
      ASSERT_OK(ResolveActorPath(FullName(path), &split));
      EXPECT_EQ(split.store, path.store);
    }
  }
}

// What was resolved is remembered; what changed since is resolved anew.
TEST_F(ActorPathTest, ALinkThatIsPointedElsewhereIsFollowedThere) {
  const auto store_of = [](const std::string& name) {
    ActorPath path;
    EXPECT_OK(ResolveActorPath(name, &path));
    return path.store;
  };
  fs::create_directories("second");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(store_of("link/alice"), directory().File("real"));
  }
  fs::remove("link");
  fs::create_directory_symlink("second", "link");
  EXPECT_EQ(store_of("link/alice"), directory().File("second"));
  // The directory moved, the link with it; another is where it was.
  fs::rename("second", "third");
  fs::create_directories("second");
  fs::remove("link");
  fs::create_directory_symlink("third", "link");
  EXPECT_EQ(store_of("link/alice"), directory().File("third"));
  EXPECT_EQ(store_of("second/alice"), directory().File("second"));
  // Gone, and made anew as a link.
  fs::remove("second");
  EXPECT_EQ(store_of("second/alice"), directory().File("second"));
  fs::create_directory_symlink("third", "second");
  EXPECT_EQ(store_of("second/alice"), directory().File("third"));
}

TEST_F(ActorPathTest, ARelativeNameIsOfTheCurrentDirectory) {
  ActorPath path;
  for (int i = 0; i < 2; ++i) {
    ASSERT_OK(ResolveActorPath("sub/alice", &path));
    EXPECT_EQ(path.store, directory().File("sub"));
    fs::current_path("real");
    ASSERT_OK(ResolveActorPath("sub/alice", &path));
    EXPECT_EQ(path.store, directory().File("real/sub"));
    fs::current_path(directory().path());
  }
}

TEST_F(ActorPathTest, MoreDirectoriesThanAreRemembered) {
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 600; ++i) {
      const std::string name = "many/d" + std::to_string(i);
      if (round == 0) fs::create_directories(name);
      ActorPath path;
      ASSERT_OK(ResolveActorPath(name + "/alice", &path));
      EXPECT_EQ(path.store, directory().File(name));
    }
  }
}

TEST_F(ActorPathTest, RootIsAStoreToo) {
  ActorPath path;
  ASSERT_OK(ResolveActorPath("/alice", &path));
  EXPECT_EQ(path.store, "/");
  EXPECT_EQ(FullName(path), "/alice");
  ActorPath split;
  ASSERT_OK(SplitFullName("/alice", &split));
  EXPECT_EQ(split.store, "/");
  EXPECT_EQ(split.actor, "alice");
}

TEST_F(ActorPathTest, BadNames) {
  struct Case {
    std::string name;
    std::string part;
  };
  const Case cases[] = {
      {"alice", "not of the form STORE/ACTOR"},
      {"", "not of the form STORE/ACTOR"},
      {"real/", "actor name is empty"},
      {"real/.", "is a directory's"},
      {"real/..", "is a directory's"},
      {"real/\xff", "not UTF-8"},
      {"real/" + std::string(256, 'x'), "the limit is 255"},
      {std::string(250, 'd') + "/" + std::string(250, 'e') + "/alice",
       "the limit is 504"},
  };
  for (const Case& c : cases) {
    ActorPath path{"kept", "kept"};
    EXPECT_TRUE(IsError(ResolveActorPath(c.name, &path), Code::kInvalidArgument,
                        c.part))
        << c.name;
    EXPECT_EQ(path.store, "kept");
  }
}

TEST_F(ActorPathTest, LongestNameFits) {
  ActorPath path;
  const std::string actor(255, 'x');
  ASSERT_OK(ResolveActorPath("real/" + actor, &path));
  EXPECT_EQ(path.actor, actor);
}

TEST(RemoveSuffixTest, OnlyFromTheEnd) {
  std::string name = "alice-journal";
  EXPECT_TRUE(RemoveSuffix("-journal", &name));
  EXPECT_EQ(name, "alice");
  EXPECT_FALSE(RemoveSuffix("-journal", &name));
  EXPECT_EQ(name, "alice");
  name = "wal";
  EXPECT_FALSE(RemoveSuffix("-wal", &name));
  name = "-wal";
  EXPECT_TRUE(RemoveSuffix("-wal", &name));
  EXPECT_EQ(name, "");
}

}  // namespace
}  // namespace actorkv
