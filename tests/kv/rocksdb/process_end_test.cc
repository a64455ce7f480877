// RocksDB's static objects, and the gate of what uses RocksDB without a store.

#include "kv/base/process_end.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <thread>

#include "kv/rocksdb/rocksdb_engine.h"
#include "kv/rocksdb/rocksdb_use.h"
#include "tests/support/child_process.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr Partition kActor = {PartitionKind::kActor, 1};
constexpr Partition kPages = {PartitionKind::kBranch, 1};
constexpr int kBatches = 40;

// Everything that makes a table or reads one: commits of more than what is
// written at once, a drop, a compaction, a close and an open.
Status UseEngine(const std::string& directory) {
  for (int i = 0; i < 2; ++i) {
    std::unique_ptr<Engine> engine;
    if (Status s = OpenRocksDbEngine(directory, OpenMode::kCreate, &engine);
        !s.ok()) {
      return s;
    }
    for (int n = 0; n < kBatches; ++n) {
      Batch batch;
      batch.Put(kActor, "key" + std::to_string(n), "value");
      batch.Put(kPages, "00000000" + std::to_string(n),
                std::string(size_t{64} << 10, 'p'));
      if (CommitResult r = engine->Commit(batch, Durability::kSynced);
          !r.done()) {
        return r.status;
      }
    }
    if (Status s = engine->Drop(kActor); !s.ok()) return s;
    if (Status s = engine->Compact(kPages, "", ""); !s.ok()) return s;
    uint64_t bytes = 0;
    if (Status s =
            engine->Checkpoint(directory + ".copy" + std::to_string(i), &bytes);
        !s.ok()) {
      return s;
    }
  }
  return Status::Ok();
}

std::string* DirectoryForExit() {
  static auto* const directory = new std::string;
  return directory;
}

// Registered before any of the work that it sees, it runs after the objects are
// gone that the work has made.
void UseEngineAtExit() {
  const Status s = UseEngine(*DirectoryForExit() + "/second");
  _exit(s.ok() ? 0 : 1);
}

TEST(ProcessEndChild, DISABLED_Run) {
  *DirectoryForExit() = ChildArgument();
  MakeRocksDbStatics();
  ASSERT_EQ(std::atexit(UseEngineAtExit), 0);
  ASSERT_OK(UseEngine(*DirectoryForExit() + "/first"));
  std::exit(2);  // the handler has another status
}

// What RocksDB makes in an open, a write, a compaction or a checkpoint would be
// gone in the handler.
TEST(ProcessEndTest, AllStaticObjectsAreMadeBeforeTheHandler) {
  const TempDir temp;
  ChildProcess child("ProcessEndChild.DISABLED_Run", temp.path());
  EXPECT_TRUE(child.WaitForSuccess());
}

TEST(ProcessEndChild, DISABLED_End) {
  Gate::Hold hold;
  ASSERT_OK(UseRocksDb("a", &hold));
  const auto now = std::chrono::steady_clock::now();
  EXPECT_FALSE(EndUseOfRocksDb(now)) << "somebody uses it";
  std::thread other([] {
    Gate::Hold also;
    EXPECT_OK(UseRocksDb("b", &also));
  });
  other.join();
  hold.unlock();
  EXPECT_TRUE(EndUseOfRocksDb(now + std::chrono::seconds(60)));
  EXPECT_TRUE(IsError(UseRocksDb("the archive", &hold), Code::kIOError,
                      "the process is ending: the archive"));
}

TEST(ProcessEndTest, AfterTheEndNobodyUsesIt) {
  ChildProcess child("ProcessEndChild.DISABLED_End", "");
  EXPECT_TRUE(child.WaitForSuccess());
}

// A store's engine is closed under its users.
TEST(ProcessEndTest, AnEngineEndsUnderItsReaders) {
  const TempDir temp;
  std::unique_ptr<Engine> engine;
  ASSERT_OK(OpenRocksDbEngine(temp.File("s"), OpenMode::kCreate, &engine));
  Batch batch;
  batch.Put(kActor, "k", "v");
  ASSERT_TRUE(engine->Commit(batch, Durability::kSynced).done());
  std::unique_ptr<EngineReader> reader = engine->NewReader();
  std::vector<std::optional<KeyValue>> found;
  ASSERT_OK(reader->Seek(kActor, {"k"}, &found));
  ASSERT_TRUE(found[0].has_value());
  engine->BeginEnd();
  EXPECT_TRUE(
      engine->End(std::chrono::steady_clock::now() + std::chrono::seconds(60)));
  const std::string text = "the process is ending: " + temp.File("s");
  EXPECT_TRUE(
      IsError(reader->Seek(kActor, {"k"}, &found), Code::kIOError, text));
  EXPECT_TRUE(IsError(engine->Commit(batch, Durability::kSynced).status,
                      Code::kIOError, text));
  EXPECT_TRUE(IsError(engine->Sync(), Code::kIOError, text));
  std::atomic<uint64_t> epoch{0};
  EXPECT_OK(engine->CatchUp(&epoch));
  // What was acknowledged is there, and the lock is free.
  std::unique_ptr<Engine> next;
  ASSERT_OK(OpenRocksDbEngine(temp.File("s"), OpenMode::kExisting, &next));
  ASSERT_OK(next->NewReader()->Seek(kActor, {"k"}, &found));
  EXPECT_TRUE(found[0].has_value());
}

}  // namespace
}  // namespace actorkv
