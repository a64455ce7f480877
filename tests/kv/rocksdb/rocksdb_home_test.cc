// RocksDbHome: what a directory is, by its name and without opening it.

#include "kv/rocksdb/rocksdb_home.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>

#include "kv/files/store_marker.h"
#include "kv/rocksdb/holder_file.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

PlaceKind KindOf(const std::string& place) {
  RocksDbHome home;
  PlaceKind kind = PlaceKind::kForeign;
  EXPECT_OK(home.Look(place, &kind));
  return kind;
}

// A store that was opened and closed.
void MakeStore(const std::string& place) {
  RocksDbHome home;
  std::unique_ptr<Engine> engine;
  ASSERT_OK(home.Make(place));
  ASSERT_OK(home.Open(place, OpenMode::kCreate, &engine));
}

TEST(RocksDbHomeTest, TellsDirectoriesApart) {
  const TempDir one;
  const TempDir two;
  RocksDbHome home;
  StoreIdentity first;
  StoreIdentity second;
  ASSERT_OK(home.Identify(one.path(), &first));
  EXPECT_EQ(first.store, 0u);
  ASSERT_OK(home.Identify(two.path(), &second));
  EXPECT_FALSE(first.IsSamePlace(second));
  ASSERT_OK(home.Identify(one.path() + "/./", &second));
  EXPECT_TRUE(first == second);
  ASSERT_OK(WriteMarker(one.path()));
  ASSERT_OK(home.Identify(one.path(), &second));
  EXPECT_NE(second.store, 0u);
  EXPECT_TRUE(first.IsSamePlace(second));
  EXPECT_FALSE(first.IsSameStore(second));
  EXPECT_FALSE(first == second);
}

TEST(RocksDbHomeTest, WhatIsNotADirectory) {
  const TempDir dir;
  WriteFile(dir.File("file"), "x");
  RocksDbHome home;
  StoreIdentity identity;
  EXPECT_TRUE(IsError(home.Identify(dir.File("file"), &identity),
                      Code::kInvalidArgument, "a store is a directory"));
  EXPECT_TRUE(IsError(home.Identify(dir.File("none"), &identity),
                      Code::kNotFound, "none"));
}

TEST(RocksDbHomeTest, LooksWithoutOpening) {
  const TempDir dir;
  EXPECT_EQ(KindOf(dir.File("none")), PlaceKind::kMissing);
  EXPECT_EQ(KindOf(dir.path()), PlaceKind::kFresh);
  const std::string store = dir.File("a.store");
  MakeStore(store);
  EXPECT_EQ(KindOf(store), PlaceKind::kStore);
  WriteFile(store + "/" + kMarkerFileName, "garbage");
  EXPECT_EQ(KindOf(store), PlaceKind::kStore);
  std::filesystem::remove(store + "/" + kMarkerFileName);
  EXPECT_EQ(KindOf(store), PlaceKind::kForeign);
  WriteFile(dir.File("note.txt"), "mine");
  PlaceKind kind = PlaceKind::kMissing;
  RocksDbHome home;
  EXPECT_TRUE(IsError(home.Look(dir.path(), &kind), Code::kInvalidArgument,
                      "not empty"));
  EXPECT_EQ(kind, PlaceKind::kMissing);
}

TEST(RocksDbHomeTest, ChecksWhatAStoreMayBe) {
  const TempDir dir;
  RocksDbHome home;
  EXPECT_OK(home.Check(dir.File("none")));
  EXPECT_OK(home.Check(dir.path()));
  const std::string store = dir.File("a.store");
  MakeStore(store);
  EXPECT_OK(home.Check(store));
  WriteFile(store + "/" + kMarkerFileName, "actorkv store, format 99\n");
  EXPECT_TRUE(IsError(home.Check(store), Code::kNotSupported, "99"));
  std::filesystem::remove(store + "/" + kMarkerFileName);
  EXPECT_TRUE(
      IsError(home.Check(store), Code::kInvalidArgument, "not a store"));
  std::unique_ptr<Engine> engine;
  EXPECT_TRUE(IsError(home.Open(store, OpenMode::kCreate, &engine),
                      Code::kInvalidArgument, "not a store"));
}

TEST(RocksDbHomeTest, OpensOnlyWhatIsThereUnlessAsked) {
  const TempDir dir;
  RocksDbHome home;
  std::unique_ptr<Engine> engine;
  for (const OpenMode mode : {OpenMode::kExisting, OpenMode::kFollow}) {
    EXPECT_TRUE(IsError(home.Open(dir.path(), mode, &engine), Code::kNotFound,
                        "no such store"));
  }
  EXPECT_OK(home.Open(dir.path(), OpenMode::kCreate, &engine));
}

TEST(RocksDbHomeTest, ResolvesAnewAndKnowsOneNameMeanwhile) {
  const TempDir dir;
  RocksDbHome home;
  const std::string link = dir.File("link");
  std::filesystem::create_directory(dir.File("one"));
  std::filesystem::create_directory(dir.File("two"));
  std::filesystem::create_directory_symlink(dir.File("one"), link);
  std::string name;
  ASSERT_OK(home.Resolve(link, &name));
  EXPECT_EQ(name, std::filesystem::canonical(dir.File("one")).string());
  std::filesystem::remove(link);
  std::filesystem::create_directory_symlink(dir.File("two"), link);
  ASSERT_OK(home.Resolve(link, &name));
  EXPECT_EQ(name, std::filesystem::canonical(dir.File("two")).string());
  ASSERT_OK(home.Canonical(link, &name));
  EXPECT_EQ(name, std::filesystem::canonical(dir.File("two")).string());
  EXPECT_TRUE(
      IsError(home.Resolve(dir.File("none"), &name), Code::kNotFound, "none"));
}

TEST(RocksDbHomeTest, WhoWaitsSeesTheHolderAndTheOthers) {
  const TempDir dir;
  RocksDbHome home;
  MakeStore(dir.path());
  const std::unique_ptr<PlaceWait> wait = home.Wait(dir.path());
  EXPECT_FALSE(wait->IsHeld());
  EXPECT_FALSE(wait->OthersWait());
  std::unique_ptr<HolderFile> holder;
  ASSERT_OK(HolderFile::Take(dir.path(), &holder));
  EXPECT_TRUE(wait->IsHeld());
  EXPECT_TRUE(holder->IsWaitedFor());
  const std::unique_ptr<PlaceWait> second = home.Wait(dir.path());
  EXPECT_TRUE(wait->OthersWait());
}

TEST(RocksDbHomeTest, ABackupIsAStoreOfItsOwnOrIsNotThere) {
  const TempDir dir;
  RocksDbHome home;
  const std::string store = dir.File("a.store");
  std::unique_ptr<Engine> engine;
  ASSERT_OK(home.Make(store));
  ASSERT_OK(home.Open(store, OpenMode::kCreate, &engine));
  const std::string to = dir.File("b.store");
  uint64_t bytes = 0;
  int asked = 0;
  const auto stop = [&asked] {
    return ++asked == 2 ? Status::Interrupted("stopped") : Status::Ok();
  };
  EXPECT_TRUE(IsError(home.BackUp(store, engine.get(), to, stop, &bytes),
                      Code::kInterrupted, "stopped"));
  EXPECT_EQ(KindOf(to), PlaceKind::kMissing);
  EXPECT_EQ(bytes, 0u);
  const auto go_on = [] { return Status::Ok(); };
  ASSERT_OK(home.BackUp(store, engine.get(), to, go_on, &bytes));
  EXPECT_GT(bytes, 0u);
  EXPECT_OK(home.Check(to));
  Marker ours;
  Marker copied;
  ASSERT_OK(ReadMarker(store, &ours));
  ASSERT_OK(ReadMarker(to, &copied));
  EXPECT_NE(ours.id, copied.id);
  EXPECT_TRUE(IsError(home.BackUp(store, engine.get(), to, go_on, &bytes),
                      Code::kAlreadyExists, "a new directory"));
}

}  // namespace
}  // namespace actorkv
