// What only the RocksDB engine does: one writing process, followers, refusing
// what is not a store, and what a crash leaves. Failing disks are in
// rocksdb_fault_test.cc.

#include "kv/rocksdb/rocksdb_engine.h"

#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/child_process.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

namespace fs = std::filesystem;

constexpr Partition kActor{PartitionKind::kActor, 1};
constexpr Partition kBranch{PartitionKind::kBranch, 1};

Status Open(const std::string& directory, OpenMode mode) {
  std::unique_ptr<Engine> engine;
  return OpenRocksDbEngine(directory, mode, &engine);
}

CommitResult Put(Engine* engine, const std::string& key,
                 const std::string& value, Durability durability) {
  Batch batch;
  batch.Put(kActor, key, value);
  return engine->Commit(batch, durability);
}

std::optional<std::string> Get(Engine* engine, const std::string& key) {
  std::vector<std::optional<std::string>> values;
  EXPECT_OK(engine->NewReader()->Get(kActor, {key}, &values));
  return values.empty() ? std::nullopt : values[0];
}

std::set<std::string> Names(const std::string& directory) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) {
    names.insert(entry.path().filename());
  }
  return names;
}

// Opens for writing, says 'd', or 'b' when it is busy, and waits.
TEST(RocksDbChild, DISABLED_Hold) {
  std::unique_ptr<Engine> engine;
  const Status s =
      OpenRocksDbEngine(ChildArgument(), OpenMode::kCreate, &engine);
  ChildSay(s.ok() ? 'd' : s.code() == Code::kBusy ? 'b' : 'e');
  ChildHear();
}

// For each 'w' it hears: fifty commits, each of a big page and the number of
// the last page, then says 'd'. Ends at anything else.
TEST(RocksDbChild, DISABLED_Write) {
  std::unique_ptr<Engine> engine;
  ASSERT_OK(OpenRocksDbEngine(ChildArgument(), OpenMode::kCreate, &engine));
  int n = 0;
  while (ChildHear() == 'w') {
    for (int i = 0; i < 50; ++i) {
      Batch batch;
      batch.Put(kActor, "n", std::to_string(++n));
      batch.Put(kBranch, std::to_string(n), std::string(200000, 'x'));
      ASSERT_TRUE(engine->Commit(batch, Durability::kBuffered).done());
    }
    ChildSay('d');
  }
}

TEST(RocksDbEngineTest, SecondProcessIsToldWhoHasIt) {
  TempDir temp;
  const std::string directory = temp.File("store");
  ChildProcess child("RocksDbChild.DISABLED_Hold", directory);
  ASSERT_EQ(child.Hear(), 'd');
  // RocksDB removes what its opening left over in a thread of its own.
  auto names = Names(directory);
  for (int i = 0; i < 1000 && names.count("MANIFEST-000001") != 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    names = Names(directory);
  }
  const Status s = Open(directory, OpenMode::kExisting);
  EXPECT_TRUE(
      IsError(s, Code::kBusy,
              "process " + std::to_string(child.pid()) + ": " + directory));
  EXPECT_EQ(Names(directory), names);  // the loser touched nothing
  child.Kill();
  EXPECT_OK(Open(directory, OpenMode::kExisting));
}

TEST(RocksDbEngineTest, SecondOpenInOneProcessIsBusyAndHarmless) {
  TempDir temp;
  const std::string directory = temp.File("store");
  std::unique_ptr<Engine> engine;
  ASSERT_OK(OpenRocksDbEngine(directory, OpenMode::kCreate, &engine));
  fs::create_directory_symlink(directory, temp.File("link"));
  for (const std::string& path : {directory, temp.File("link")}) {
    EXPECT_TRUE(IsError(Open(path, OpenMode::kCreate), Code::kBusy,
                        "process " + std::to_string(getpid())));
  }
  // The refused opens did not drop the lock.
  ChildProcess child("RocksDbChild.DISABLED_Hold", directory);
  EXPECT_EQ(child.Hear(), 'b');
  EXPECT_TRUE(Put(engine.get(), "a", "1", Durability::kSynced).done());
}

TEST(RocksDbEngineTest, FollowerSeesWhatTheWriterCommits) {
  TempDir temp;
  ChildProcess writer("RocksDbChild.DISABLED_Write", temp.File("store"));
  writer.Say('w');
  ASSERT_EQ(writer.Hear(), 'd');
  std::unique_ptr<Engine> engine;
  ASSERT_OK(OpenRocksDbEngine(temp.File("store"), OpenMode::kFollow, &engine));
  EXPECT_EQ(Get(engine.get(), "n"), "50");
  std::atomic<uint64_t> epoch{7};
  ASSERT_OK(engine->CatchUp(&epoch));
  EXPECT_EQ(epoch.load(), 7U);
  const auto reader = engine->NewReader();
  std::vector<KeyValue> pairs;
  ASSERT_OK(reader->Scan(kActor, "", 1, &pairs));
  writer.Say('w');
  ASSERT_EQ(writer.Hear(), 'd');
  ASSERT_OK(engine->CatchUp(&epoch));
  EXPECT_EQ(epoch.load(), 8U);
  ASSERT_OK(reader->Scan(kActor, "", 1, &pairs));
  EXPECT_EQ(pairs[0].value, "100");
  const CommitResult r = Put(engine.get(), "a", "1", Durability::kSynced);
  EXPECT_EQ(r.outcome, CommitOutcome::kFailed);
  EXPECT_TRUE(IsError(r.status, Code::kNotSupported, "read-only"));
}

// While the writer flushes and removes logs, a follower must never see a
// state with a hole: all pages up to the number it reads.
TEST(RocksDbEngineTest, FollowerSeesNoHoles) {
  TempDir temp;
  ChildProcess writer("RocksDbChild.DISABLED_Write", temp.File("store"));
  writer.Say('w');
  ASSERT_EQ(writer.Hear(), 'd');
  std::unique_ptr<Engine> engine;
  ASSERT_OK(OpenRocksDbEngine(temp.File("store"), OpenMode::kFollow, &engine));
  constexpr int kRounds = 12;
  for (int round = 0; round < kRounds; ++round) {
    writer.Say('w');
    std::atomic<uint64_t> epoch{0};
    const Status s = engine->CatchUp(&epoch);
    if (s.code() != Code::kBusy) {
      ASSERT_OK(s);
    }
    const int n = std::stoi(Get(engine.get(), "n").value_or("0"));
    std::vector<std::string> keys;
    for (int i = 1; i <= n; ++i) keys.push_back(std::to_string(i));
    const std::vector<std::string_view> views(keys.begin(), keys.end());
    std::vector<std::optional<std::string>> values;
    ASSERT_OK(engine->NewReader()->Get(kBranch, views, &values));
    EXPECT_EQ(std::count(values.begin(), values.end(), std::nullopt), 0);
    ASSERT_EQ(writer.Hear(), 'd');
  }
}

TEST(RocksDbEngineTest, WhatIsMissingIsNotFound) {
  TempDir temp;
  for (OpenMode mode : {OpenMode::kExisting, OpenMode::kFollow}) {
    EXPECT_EQ(Open(temp.File("none"), mode).code(), Code::kNotFound);
    EXPECT_FALSE(fs::exists(temp.File("none")));
    EXPECT_EQ(Open(temp.path(), mode).code(), Code::kNotFound);
    EXPECT_TRUE(fs::is_empty(temp.path()));
  }
}

TEST(RocksDbEngineTest, MissingCurrentIsCorruptionNotAFreshStore) {
  TempDir temp;
  ASSERT_OK(Open(temp.path(), OpenMode::kCreate));
  fs::remove(temp.File("CURRENT"));
  for (OpenMode mode : {OpenMode::kCreate, OpenMode::kExisting}) {
    EXPECT_TRUE(IsError(Open(temp.path(), mode), Code::kCorruption, "CURRENT"));
  }
}

// The newest log of a directory.
std::string NewestLog(const std::string& directory) {
  std::string newest;
  for (const std::string& name : Names(directory)) {
    if (fs::path(name).extension() == ".log") newest = name;  // sorted
  }
  return directory + "/" + newest;
}

TEST(RocksDbEngineTest, ForeignDirectoriesAreRefused) {
  TempDir temp;
  std::ofstream(temp.File("letter.txt")) << "hello";
  EXPECT_TRUE(IsError(Open(temp.path(), OpenMode::kCreate),
                      Code::kInvalidArgument, "letter.txt"));
  EXPECT_EQ(Names(temp.path()), std::set<std::string>{"letter.txt"});

  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* db = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(options, temp.File("other"), &db).ok());
  ASSERT_TRUE(db->Put(rocksdb::WriteOptions(), "k", "v").ok());
  delete db;
  EXPECT_TRUE(IsError(Open(temp.File("other"), OpenMode::kCreate),
                      Code::kInvalidArgument, "not a store"));
}

// A creation that died before CURRENT was written is begun again.
TEST(RocksDbEngineTest, UnfinishedCreationIsBegunAgain) {
  TempDir temp;
  for (const char* name :
       {"actorkv.pid", "LOCK", "LOG", "IDENTITY", "MANIFEST-000001"}) {
    std::ofstream(temp.File(name)) << "";
  }
  EXPECT_OK(Open(temp.path(), OpenMode::kCreate));
}

// One that died before its families were there, and after zeros were written
// ahead of its log. A record in the log makes it somebody else's.
TEST(RocksDbEngineTest, ACreationWithoutFamiliesIsBegunAgain) {
  for (const bool has_record : {false, true}) {
    TempDir temp;
    rocksdb::Options options;
    options.create_if_missing = true;
    rocksdb::DB* db = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(options, temp.path(), &db).ok());
    if (has_record) {
      ASSERT_TRUE(db->Put(rocksdb::WriteOptions(), "k", "v").ok());
    }
    delete db;
    const std::string log = NewestLog(temp.path());
    fs::resize_file(log, fs::file_size(log) + (size_t{1} << 20));
    if (has_record) {
      EXPECT_TRUE(IsError(Open(temp.path(), OpenMode::kCreate),
                          Code::kInvalidArgument, "not a store"));
    } else {
      EXPECT_OK(Open(temp.path(), OpenMode::kCreate));
    }
  }
}

TEST(RocksDbEngineTest, LeftOverTextInTheHolderFileIsNoHolder) {
  TempDir temp;
  ASSERT_OK(Open(temp.path(), OpenMode::kCreate));
  std::ofstream(temp.File("actorkv.pid")) << "1\n";
  EXPECT_OK(Open(temp.path(), OpenMode::kExisting));
}

// Commits "0", "1", ... of 10,000 bytes, synced, until it hears 'q'.
TEST(RocksDbChild, DISABLED_CommitTen) {
  std::unique_ptr<Engine> engine;
  ASSERT_OK(OpenRocksDbEngine(ChildArgument(), OpenMode::kCreate, &engine));
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(Put(engine.get(), std::to_string(i), std::string(10000, 'x'),
                    Durability::kSynced)
                    .done());
  }
  ChildSay('d');
  ChildHear();
}

// Where the zeros begin that lie behind the records of a log.
uintmax_t EndOfRecords(const std::string& log) {
  const std::string bytes = FileContents(log);
  return bytes.find_last_not_of('\0') + 1;
}

// What a power loss may leave of the last, unfinished record: a part of it,
// zeros in it, or junk behind it. All that was before must be there.
TEST(RocksDbEngineTest, TornTailOfTheLogLosesOnlyTheTail) {
  for (const std::string how : {"cut", "zeros in", "zeros behind", "junk"}) {
    TempDir temp;
    const std::string directory = temp.File("store");
    ChildProcess child("RocksDbChild.DISABLED_CommitTen", directory);
    ASSERT_EQ(child.Hear(), 'd');
    child.Kill();
    const std::string log = NewestLog(directory);
    const auto size = EndOfRecords(log);
    ASSERT_LT(size, fs::file_size(log));
    fs::resize_file(log, size);
    const bool last_is_lost = how == "cut" || how == "zeros in";
    if (how == "cut") fs::resize_file(log, size - 3000);
    if (how == "zeros in" || how == "zeros behind") {
      if (last_is_lost) fs::resize_file(log, size - 3000);
      fs::resize_file(log, size + (last_is_lost ? 0 : 5000));
    }
    if (how == "junk") {
      std::ofstream(log, std::ios::app) << std::string(3000, 'j');
    }
    std::unique_ptr<Engine> engine;
    ASSERT_OK(OpenRocksDbEngine(directory, OpenMode::kExisting, &engine))
        << how;
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(Get(engine.get(), std::to_string(i)).has_value(),
                i < 9 || !last_is_lost)
          << how << " " << i;
    }
    EXPECT_TRUE(Put(engine.get(), "new", "1", Durability::kSynced).done());
  }
}

}  // namespace
}  // namespace actorkv
