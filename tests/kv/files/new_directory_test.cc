// NewDirectory: whole or not there.
#include "kv/files/new_directory.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "kv/files/directory.h"
#include "kv/files/store_marker.h"
#include "tests/support/listing.h"
#include "tests/support/pair_files.h"
#include "tests/support/step_kill.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

namespace fs = std::filesystem;

Status Begin(const TempDir& place, const std::string& name,
             std::unique_ptr<NewDirectory>* made) {
  return NewDirectory::Create(place.path(), place.File(name), made);
}

Status Make(const TempDir& place, const std::string& name) {
  std::unique_ptr<NewDirectory> made;
  if (Status s = Begin(place, name, &made); !s.ok()) return s;
  if (Status s = MakeDirectory(made->content()); !s.ok()) return s;
  WriteContents(made->content() + "/f", "x");
  // Beside it, as RocksDB does.
  WriteContents(made->content() + ".tmp", "x");
  return made->Finish();
}

TEST(NewDirectoryTest, AppearsWhenItIsWhole) {
  const TempDir place;
  ASSERT_OK(Make(place, "d"));
  EXPECT_EQ(Listing(place.path()), "d");
  EXPECT_EQ(Listing(place.File("d")), "f");
}

TEST(NewDirectoryTest, ReplacesNothing) {
  const TempDir place;
  WriteContents(place.File("f"), "");
  fs::create_directory(place.File("d"));
  fs::create_symlink("nothing", place.File("l"));
  for (const char* name : {"f", "d", "l"}) {
    EXPECT_TRUE(
        IsError(Make(place, name), Code::kAlreadyExists, place.File(name)));
  }
  std::unique_ptr<NewDirectory> made;
  ASSERT_OK(Begin(place, "late", &made));
  ASSERT_OK(MakeDirectory(made->content()));
  fs::create_directory(place.File("late"));
  EXPECT_EQ(made->Finish().code(), Code::kAlreadyExists);
  made.reset();
  EXPECT_EQ(Listing(place.path()), "d f l late");
}

TEST(NewDirectoryTest, Errors) {
  const TempDir place;
  std::unique_ptr<NewDirectory> made;
  EXPECT_TRUE(IsError(Begin(place, std::string(256, 'x'), &made),
                      Code::kInvalidArgument, "so long"));
  EXPECT_TRUE(
      IsError(NewDirectory::Create(place.File("no"), place.File("no/d"), &made),
              Code::kNotFound, place.File("no/d")));
  ASSERT_OK(WriteMarker(place.path()));
  EXPECT_TRUE(
      IsError(Begin(place, "d", &made), Code::kInvalidArgument, "is a store"));
  EXPECT_EQ(Listing(place.path()), "actorkv.format");
}

TEST(NewDirectoryTest, DISABLED_Writer) {
  const std::string path = ChildArgument();
  std::unique_ptr<NewDirectory> made;
  BeginSteps();
  const std::string place = fs::path(path).parent_path();
  if (!NewDirectory::Create(place, path, &made).ok() ||
      !MakeDirectory(made->content()).ok()) {
    EndSteps(false);
  }
  WriteContents(made->content() + "/f", "x");
  const bool done = made->Finish().ok();
  made.reset();
  EndSteps(done);
}

TEST(NewDirectoryTest, KilledAtEachStep) {
  const TempDir place;
  const auto check = [&](bool finished) {
    const bool is_there = fs::exists(place.File("d"));
    EXPECT_TRUE(is_there || !finished);
    if (is_there) {
      EXPECT_EQ(FileContents(place.File("d/f")), "x");
    }
    fs::remove_all(place.File("next"));
    EXPECT_OK(Make(place, "next"));
    EXPECT_EQ(Listing(place.path()), is_there ? "d next" : "next");
  };
  const int steps = KillAtEachStep(
      "NewDirectoryTest.DISABLED_Writer", place.File("d"),
      [&] { fs::remove_all(place.File("d")); }, check);
  if (steps == 0) GTEST_SKIP() << "tracing is not allowed";
  EXPECT_GE(steps, 6);
}

}  // namespace
}  // namespace actorkv
