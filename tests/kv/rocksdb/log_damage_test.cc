// Logs that lost acknowledged records: after a clean close any change is told,
// after a kill whatever is missing of what was synced; and nothing is told of
// logs that are sound, or that RocksDB removed.

#include "kv/rocksdb/log_damage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "kv/files/directory.h"
#include "kv/rocksdb/database_files.h"
#include "kv/rocksdb/database_names.h"
#include "kv/rocksdb/log_marks.h"
#include "kv/rocksdb/rocksdb_engine.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

namespace fs = std::filesystem;

constexpr Partition kActor{PartitionKind::kActor, 1};
constexpr int kCommits = 20;

void WriteBytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

class LogDamageTest : public testing::Test {
 protected:
  static void CommitSome(Engine* engine, int count, size_t value_bytes = 300) {
    for (int i = 0; i < count; ++i) {
      Batch batch;
      // Values of two stores differ.
      const std::string value = std::to_string(++values_) + "-";
      batch.Put(kActor, "key" + std::to_string(i),
                value + std::string(value_bytes - value.size(), 'x'));
      ASSERT_TRUE(engine->Commit(batch, Durability::kSynced).done());
    }
  }

  static std::unique_ptr<Engine> Open(const std::string& store,
                                      OpenMode mode = OpenMode::kCreate) {
    std::unique_ptr<Engine> engine;
    EXPECT_OK(OpenRocksDbEngine(store, mode, &engine));
    return engine;
  }

  // A store that was closed cleanly, with commits in its log.
  std::string Closed(const std::string& name) {
    std::string store = temp_.File(name);
    CommitSome(Open(store).get(), kCommits);
    return store;
  }

  // What a kill at this moment would leave: a copy in which nothing comes and
  // goes, as RocksDB may be making and removing files.
  static void CopyLive(const std::string& store, const std::string& copy) {
    std::string before;
    for (int attempt = 0; attempt < 100 && before != Names(store); ++attempt) {
      before = Names(store);
      fs::remove_all(copy);
      CopyOnce(store, copy);
    }
  }

  static std::string Names(const std::string& store) {
    std::vector<std::string> names;
    EXPECT_OK(ListNames(store, "", &names));
    std::string joined;
    for (const std::string& name : names) joined += name + "\n";
    return joined;
  }

  static void CopyOnce(const std::string& store, const std::string& copy) {
    fs::create_directory(copy);
    for (const auto& file : fs::directory_iterator(store)) {
      std::error_code gone;
      fs::copy_file(file.path(), fs::path(copy) / file.path().filename(), gone);
      EXPECT_TRUE(!gone || gone == std::errc::no_such_file_or_directory)
          << file.path() << gone.message();
    }
  }

  // A store as a kill leaves it.
  std::string Killed(const std::string& name) {
    const std::string live = temp_.File(name + ".live");
    std::string store = temp_.File(name);
    std::unique_ptr<Engine> engine = Open(live);
    CommitSome(engine.get(), kCommits);
    CopyLive(live, store);
    return store;
  }

  static std::string LogOf(const std::string& store) {
    std::vector<std::string> logs;
    EXPECT_OK(ListLogs(store, &logs));
    std::sort(logs.begin(), logs.end());
    std::reverse(logs.begin(), logs.end());
    for (const std::string& log : logs) {
      if (fs::file_size(store + "/" + log) != 0) return store + "/" + log;
    }
    ADD_FAILURE() << "no log in " << store;
    return store;
  }

  static std::vector<EngineDamage> DamageOf(Engine* engine) {
    std::vector<EngineDamage> damage;
    EXPECT_OK(engine->ListDamage(&damage));
    return damage;
  }

  // A follower refuses it; a writer opens it, and says what is gone, at each
  // open until the file with the note is removed.
  void ExpectTold(const std::string& store, const std::string& what) {
    std::unique_ptr<Engine> engine;
    const Status followed =
        OpenRocksDbEngine(store, OpenMode::kFollow, &engine);
    EXPECT_EQ(followed.code(), Code::kCorruption) << what;
    EXPECT_NE(followed.ToString().find("acknowledged commits may be gone"),
              std::string::npos)
        << what << followed.ToString();
    for (int open = 0; open < 2; ++open) {
      engine = Open(store, OpenMode::kExisting);
      ASSERT_NE(engine, nullptr) << what;
      ASSERT_FALSE(DamageOf(engine.get()).empty()) << what;
      engine.reset();
    }
    // Told once, it can be followed: the logs of today are sound.
    engine = Open(store, OpenMode::kFollow);
    ASSERT_NE(engine, nullptr) << what;
    EXPECT_FALSE(DamageOf(engine.get()).empty()) << what;
    engine.reset();
    for (const auto& file : fs::directory_iterator(store)) {
      const std::string name = file.path().filename();
      if (name.rfind(kLostPrefix, 0) == 0 ||
          name.rfind(kStrandedPrefix, 0) == 0) {
        fs::remove(file.path());
      }
    }
    EXPECT_TRUE(DamageOf(Open(store).get()).empty()) << what;
  }

  void ExpectNothingTold(const std::string& store) {
    std::unique_ptr<Engine> engine = Open(store, OpenMode::kFollow);
    ASSERT_NE(engine, nullptr);
    EXPECT_TRUE(DamageOf(engine.get()).empty());
    engine = Open(store, OpenMode::kExisting);
    ASSERT_NE(engine, nullptr);
    EXPECT_TRUE(DamageOf(engine.get()).empty());
  }

  using Change = std::function<void(const std::string& log)>;
  struct Case {
    std::string what;
    Change change;
  };

  // What can happen to a log, each to a copy of `store`.
  void TryAll(const std::string& store, const std::vector<Case>& cases) {
    int number = 0;
    for (const Case& c : cases) {
      const std::string copy = temp_.File("copy" + std::to_string(++number));
      fs::copy(store, copy, fs::copy_options::recursive);
      c.change(LogOf(copy));
      ExpectTold(copy, c.what);
      fs::remove_all(copy);
    }
  }

  static std::vector<Case> CutsAndFlips(const std::string& log) {
    const std::string bytes = FileContents(log);
    const size_t used = bytes.find_last_not_of('\0') + 1;
    std::vector<Case> cases = {
        {"removed", [](const std::string& path) { fs::remove(path); }},
        {"emptied", [](const std::string& path) { fs::resize_file(path, 0); }},
    };
    for (const size_t at : {size_t{1}, used / 3, used / 2, used - 1}) {
      cases.push_back(
          {"cut at " + std::to_string(at),
           [at](const std::string& path) { fs::resize_file(path, at); }});
      cases.push_back(
          {"changed at " + std::to_string(at), [at](const std::string& path) {
             std::string changed = FileContents(path);
             changed[at] = static_cast<char>(changed[at] ^ 4);
             WriteBytes(path, changed);
           }});
    }
    return cases;
  }

  inline static int values_ = 0;
  TempDir temp_;
};

TEST_F(LogDamageTest, AnyChangeAfterACleanCloseIsTold) {
  const std::string store = Closed("store");
  const std::string other = LogOf(Closed("other"));
  ASSERT_EQ(FileContents(other).size(), FileContents(LogOf(store)).size());
  ASSERT_NE(FileContents(other), FileContents(LogOf(store)));
  std::vector<Case> cases = CutsAndFlips(LogOf(store));
  cases.push_back({"of another store", [&other](const std::string& path) {
                     WriteBytes(path, FileContents(other));
                   }});
  TryAll(store, cases);
}

TEST_F(LogDamageTest, WhatWasSyncedAndIsGoneAfterAKillIsTold) {
  const std::string store = Killed("store");
  TryAll(store, CutsAndFlips(LogOf(store)));
}

TEST_F(LogDamageTest, SoundLogsAreNotToldOf) {
  ExpectNothingTold(Closed("closed"));
  ExpectNothingTold(Killed("killed"));
}

// The seal of an earlier close says nothing of what came later.
TEST_F(LogDamageTest, AKillAfterACleanCloseIsNoDamage) {
  const std::string store = Closed("store");
  for (int life = 0; life < 3; ++life) {
    std::unique_ptr<Engine> engine = Open(store);
    CommitSome(engine.get(), life);
    const std::string copy = temp_.File("copy" + std::to_string(life));
    CopyLive(store, copy);
    ExpectNothingTold(copy);
  }
  ExpectNothingTold(store);
}

// An open begins a log before its manifest counts: whoever dies in between
// leaves one that has no operation. One that has some is told of.
TEST_F(LogDamageTest, AKillInTheMiddleOfAnOpenIsNoDamage) {
  const std::string store = Closed("store");
  const std::string begun = store + "/000999.log";
  WriteBytes(begun, std::string(7 + 12, '\1') + std::string(4096, '\0'));
  ExpectNothingTold(store);
  const std::string other = Closed("other");
  WriteBytes(other + "/000999.log", std::string(7 + 12 + 4, '\1'));
  ExpectTold(other, "a log that came since");
}

// Memtables that are written out take their logs with them.
TEST_F(LogDamageTest, LogsThatWereWrittenOutAreNotMissed) {
  const std::string store = temp_.File("store");
  std::unique_ptr<Engine> engine = Open(store);
  constexpr int kLarge = 300;
  CommitSome(engine.get(), kLarge, size_t{1} << 20);
  const std::string copy = temp_.File("copy");
  CopyLive(store, copy);
  std::vector<LogMark> marks;
  ASSERT_OK(ReadLogMarks(copy, &marks));
  EXPECT_FALSE(marks.empty());
  ExpectNothingTold(copy);
  engine.reset();
  ExpectNothingTold(store);
}

// After a restart of the machine the marks may be older than the logs.
TEST_F(LogDamageTest, MarksOfAnotherBootAreNotBelieved) {
  const std::string store = Killed("store");
  const std::string path = store + "/" + kLogMarksFileName;
  std::string bytes = FileContents(path);
  bytes[0] = static_cast<char>(bytes[0] ^ 1);
  WriteBytes(path, bytes);
  std::vector<LogMark> marks;
  ASSERT_OK(ReadLogMarks(store, &marks));
  EXPECT_TRUE(marks.empty());
  fs::remove(LogOf(store));
  ExpectNothingTold(store);
}

TEST_F(LogDamageTest, ASealThatWasNotWrittenToItsEndCountsAsNone) {
  const std::string store = Closed("store");
  const std::string path = store + "/" + kLogSealFileName;
  const std::string whole = FileContents(path);
  ASSERT_NE(whole.find("log "), std::string::npos) << whole;
  for (size_t size = 0; size < whole.size(); ++size) {
    WriteBytes(path, whole.substr(0, size));
    std::vector<FoundLog> logs;
    std::vector<LogBreach> breaches;
    bool sealed = true;
    ASSERT_OK(FindSealBreaches(store, logs, &sealed, &breaches));
    ASSERT_FALSE(sealed) << size;
    ASSERT_TRUE(breaches.empty()) << size;
  }
}

// A writer says no more of its logs than what is on the disk.
TEST_F(LogDamageTest, FollowersOfALivingWriterDoNotLookAtItsLogs) {
  const std::string store = temp_.File("store");
  std::unique_ptr<Engine> engine = Open(store);
  CommitSome(engine.get(), kCommits);
  std::unique_ptr<Engine> follower = Open(store, OpenMode::kFollow);
  ASSERT_NE(follower, nullptr);
  EXPECT_TRUE(DamageOf(follower.get()).empty());
}

TEST(LogMarksTest, AMarkGoesWithItsLog) {
  const TempDir temp;
  const std::string store = temp.File("store");
  ASSERT_OK(MakeDirectory(store));
  LogMarks marks;
  EXPECT_EQ(marks.Take(7), nullptr);
  ASSERT_OK(marks.Map(store));
  LogMarks::Slot* const slot = marks.Take(7);
  ASSERT_NE(slot, nullptr);
  std::vector<LogMark> read;
  ASSERT_OK(ReadLogMarks(store, &read));
  EXPECT_TRUE(read.empty());
  slot->end_bytes.store(42);
  ASSERT_OK(ReadLogMarks(store, &read));
  ASSERT_EQ(read.size(), 1U);
  EXPECT_EQ(read[0].log, 7U);
  EXPECT_EQ(read[0].end_bytes, 42U);
  EXPECT_TRUE(marks.Remove(7));
  ASSERT_OK(ReadLogMarks(store, &read));
  EXPECT_TRUE(read.empty());
  // More logs than there are slots: of those nothing is known.
  for (uint64_t log = 1; log <= LogMarks::kSlots; ++log) {
    EXPECT_NE(marks.Take(log), nullptr) << log;
  }
  EXPECT_EQ(marks.Take(100), nullptr);
  EXPECT_TRUE(marks.Remove(100));
}

}  // namespace
}  // namespace actorkv
