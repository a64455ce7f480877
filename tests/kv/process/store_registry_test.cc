// StoreRegistry: one store for each directory and process, what is refused,
// the linger.

#include "kv/process/store_registry.h"

#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "kv/base/types.h"
#include "kv/files/store_marker.h"
#include "kv/format/keys.h"
#include "tests/support/memory_engine.h"
#include "tests/support/store_harness.h"

namespace actorkv {
namespace {

class StoreRegistryTest : public testing::Test {
 protected:
  ~StoreRegistryTest() override {
    registry_->SetEngineFactoryForTesting(nullptr);
    registry_->CloseIdle();
  }

  Status Acquire(const std::string& directory, OpenMode mode) {
    return registry_->Acquire(directory, mode, &store_);
  }

  StoreRegistry* const registry_ = StoreRegistry::Instance();
  const TempDir dir_;
  const std::string path_ = dir_.File("store");
  std::shared_ptr<Store> store_;
};

void Put(const std::shared_ptr<Store>& store, const std::string& name) {
  std::shared_ptr<Actor> actor;
  ASSERT_OK(store->OpenActor(name, &actor));
  std::shared_ptr<const HeadState> base;
  ASSERT_OK(actor->Current(&base));
  BranchWriter writer(store, actor, base, kMinPageSize);
  ASSERT_OK(writer.WritePage(1, TestPage(kMinPageSize, 1, 1).data()));
  std::vector<PendingCommit> commits(1);
  commits[0].writer = &writer;
  commits[0].spec.page_count = 1;
  ASSERT_OK(CommitAll(store.get(), Durability::kSynced, &commits));
}

bool Exists(const std::shared_ptr<Store>& store, const std::string& name) {
  std::shared_ptr<Actor> actor;
  EXPECT_OK(store->OpenActor(name, &actor));
  std::shared_ptr<const HeadState> state;
  EXPECT_OK(actor->Current(&state));
  return state->exists;
}

// As a module of that format would have left it.
void SetFormat(Store* store, uint32_t format) {
  StoreRecord record = store->record();
  record.format = format;
  Batch batch;
  batch.Put(CatalogPartition(), StoreRecordKey(),
            EncodeRecord(StoreRecordKey(), record));
  ASSERT_OK(store->Commit(batch, Durability::kSynced).status);
}

TEST_F(StoreRegistryTest, OneStoreForAllPathsOfADirectory) {
  ASSERT_OK(Acquire(path_, OpenMode::kCreate));
  const auto first = store_;
  ASSERT_OK(Acquire(path_ + "/", OpenMode::kExisting));
  EXPECT_EQ(store_, first);
  std::filesystem::create_directory_symlink(path_, dir_.File("link"));
  ASSERT_OK(Acquire(dir_.File("link"), OpenMode::kCreate));
  EXPECT_EQ(store_, first);
  ASSERT_OK(Acquire(path_, OpenMode::kFollow));
  EXPECT_EQ(store_, first) << "this process's own writer";
  ASSERT_OK(Acquire(dir_.File("other"), OpenMode::kCreate));
  EXPECT_NE(store_, first);
}

TEST_F(StoreRegistryTest, WhatIsThereComesBack) {
  ASSERT_OK(Acquire(path_, OpenMode::kCreate));
  Put(store_, "a");
  store_.reset();
  registry_->CloseIdle();
  ASSERT_OK(Acquire(path_, OpenMode::kExisting));
  EXPECT_TRUE(Exists(store_, "a"));
}

TEST_F(StoreRegistryTest, Refusals) {
  std::filesystem::create_directory(dir_.File("empty"));
  std::ofstream(dir_.File("file")) << "x";
  std::filesystem::create_directory(dir_.File("full"));
  std::ofstream(dir_.File("full/letter.txt")) << "x";
  std::filesystem::create_directory(dir_.File("rocksdb"));
  std::ofstream(dir_.File("rocksdb/CURRENT")) << "MANIFEST-000005\n";
  std::filesystem::create_directory(dir_.File("newer"));
  std::ofstream(dir_.File("newer/actorkv.format"))
      << "actorkv store, format 4\n";
  const struct {
    std::string name;
    OpenMode mode;
    Code code;
    std::string message;
  } kCases[] = {
      {"none", OpenMode::kExisting, Code::kNotFound,
       "no such store: " + dir_.File("none") + ": correct the path"},
      {"none", OpenMode::kFollow, Code::kNotFound,
       "no such store: " + dir_.File("none") + ": correct the path"},
      {"no/parent", OpenMode::kCreate, Code::kNotFound, "no/parent"},
      {"empty", OpenMode::kExisting, Code::kNotFound,
       "no such store: " + dir_.File("empty")},
      {"empty", OpenMode::kFollow, Code::kNotFound,
       "no such store: " + dir_.File("empty")},
      {"file", OpenMode::kCreate, Code::kInvalidArgument, "is a directory"},
      {"full", OpenMode::kCreate, Code::kInvalidArgument, "letter.txt"},
      {"rocksdb", OpenMode::kCreate, Code::kInvalidArgument,
       "a RocksDB database that is not a store"},
      {"newer", OpenMode::kCreate, Code::kNotSupported, "store format 4"},
  };
  for (const auto& c : kCases) {
    SCOPED_TRACE(c.name);
    EXPECT_TRUE(IsError(Acquire(dir_.File(c.name), c.mode), c.code, c.message));
    EXPECT_EQ(store_, nullptr);
  }
  EXPECT_FALSE(std::filesystem::exists(dir_.File("none")));
  EXPECT_FALSE(std::filesystem::exists(dir_.File("full/actorkv.format")));
  EXPECT_TRUE(std::filesystem::is_empty(dir_.File("empty")));
  EXPECT_OK(Acquire(dir_.File("empty"), OpenMode::kCreate));
}

TEST_F(StoreRegistryTest, AnIdleStoreClosesAfterTheLinger) {
  ASSERT_OK(Acquire(path_, OpenMode::kCreate));
  const std::weak_ptr<Store> watch = store_->weak_from_this();
  std::this_thread::sleep_for(std::chrono::milliseconds(400));
  EXPECT_FALSE(watch.expired());
  store_.reset();
  EXPECT_FALSE(watch.expired()) << "kept for the next connection";
  const auto give_up =
      std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!watch.expired() && std::chrono::steady_clock::now() < give_up) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  EXPECT_TRUE(watch.expired());
}

TEST_F(StoreRegistryTest, TheBackgroundThreadDropsDeadStages) {
  ASSERT_OK(Acquire(path_, OpenMode::kCreate));
  {
    std::shared_ptr<Actor> actor;
    ASSERT_OK(store_->OpenActor("a", &actor));
    std::shared_ptr<const HeadState> base;
    ASSERT_OK(actor->Current(&base));
    BranchWriter writer(store_, actor, base, kMinPageSize);
    ASSERT_OK(writer.WritePage(2, TestPage(kMinPageSize, 2, 1).data()));
    ASSERT_OK(writer.Stage());
  }
  registry_->Wake();
  size_t stages = 1;
  for (int i = 0; i < 400 && stages > 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    std::vector<KeyValue> pairs;
    ASSERT_OK(store_->engine()->NewReader()->Scan({PartitionKind::kCatalog, 0},
                                                  "S", 1, &pairs));
    stages = !pairs.empty() && pairs[0].key[0] == 'S' ? 1 : 0;
  }
  EXPECT_EQ(stages, 0u);
}

TEST_F(StoreRegistryTest, AReplacedDirectoryIsAnotherStore) {
  ASSERT_OK(Acquire(path_, OpenMode::kCreate));
  Put(store_, "a");
  const auto old_store = store_;
  std::filesystem::rename(path_, dir_.File("moved"));
  ASSERT_OK(Acquire(path_, OpenMode::kCreate));
  EXPECT_NE(store_, old_store);
  EXPECT_FALSE(Exists(store_, "a"));
  Put(store_, "b");
  EXPECT_TRUE(Exists(old_store, "a")) << "reads go on";
  RemoveDirectory(path_);
  ASSERT_OK(Acquire(path_, OpenMode::kCreate));
  EXPECT_FALSE(Exists(store_, "b"));
}

TEST_F(StoreRegistryTest, AStoreThatIsOpenedByItsNewName) {
  const std::string moved = dir_.File("moved");
  ASSERT_OK(Acquire(path_, OpenMode::kCreate));
  Put(store_, "a");
  std::filesystem::rename(path_, moved);
  EXPECT_TRUE(IsError(Acquire(moved, OpenMode::kExisting), Code::kFenced,
                      "has the store open as " + path_));
  // For reading it is there.
  const auto old_store = store_;
  ASSERT_OK(Acquire(moved, OpenMode::kFollow));
  EXPECT_TRUE(Exists(store_, "a"));
  EXPECT_EQ(store_->path(), moved);
  store_ = old_store;
  std::filesystem::rename(moved, path_);
  ASSERT_OK(Acquire(path_, OpenMode::kExisting));
  EXPECT_EQ(store_, old_store) << "put back, all is well again";
}

// One that lingers is closed for it.
TEST_F(StoreRegistryTest, AnIdleStoreThatWasMoved) {
  const std::string moved = dir_.File("moved");
  ASSERT_OK(Acquire(path_, OpenMode::kCreate));
  Put(store_, "a");
  store_.reset();
  std::filesystem::rename(path_, moved);
  ASSERT_OK(Acquire(moved, OpenMode::kExisting));
  EXPECT_EQ(store_->path(), moved);
  EXPECT_TRUE(Exists(store_, "a"));
  Put(store_, "b");
}

TEST_F(StoreRegistryTest, AFollowerThatIsOpenDoesNotHideWhatIsThere) {
  ASSERT_OK(Acquire(path_, OpenMode::kCreate));
  Put(store_, "a");
  store_.reset();
  registry_->CloseIdle();
  ASSERT_OK(Acquire(path_, OpenMode::kFollow));
  const auto old_store = store_;
  std::filesystem::rename(path_, dir_.File("moved"));
  ASSERT_OK(Acquire(path_, OpenMode::kCreate));
  Put(store_, "b");
  store_.reset();
  registry_->CloseIdle();
  ASSERT_OK(Acquire(path_, OpenMode::kFollow));
  EXPECT_TRUE(Exists(store_, "b"));
  EXPECT_FALSE(Exists(store_, "a"));
  EXPECT_EQ(old_store->CatchUp().code(), Code::kFenced);
  ASSERT_OK(Acquire(dir_.File("moved"), OpenMode::kFollow));
  EXPECT_TRUE(Exists(store_, "a"));
}

// RocksDB makes new files by the name under which it was opened.
TEST_F(StoreRegistryTest, ALinkThatIsPointedElsewhereTakesNoOpenStoreApart) {
  const std::string link = dir_.File("link");
  std::filesystem::create_directory(path_);
  std::filesystem::create_directory(dir_.File("other"));
  std::filesystem::create_directory_symlink(path_, link);
  ASSERT_OK(Acquire(link, OpenMode::kCreate));
  EXPECT_EQ(store_->path(), path_);
  std::filesystem::remove(link);
  std::filesystem::create_directory_symlink(dir_.File("other"), link);
  Put(store_, "a");
  store_.reset();
  registry_->CloseIdle();
  EXPECT_TRUE(std::filesystem::is_empty(dir_.File("other")));
  ASSERT_OK(Acquire(path_, OpenMode::kExisting));
  EXPECT_TRUE(Exists(store_, "a"));
}

// Other files in the same directory are another store as well.
TEST_F(StoreRegistryTest, AStoreThatIsReplacedFileByFile) {
  for (const OpenMode mode : {OpenMode::kExisting, OpenMode::kFollow}) {
    RemoveDirectory(path_);
    ASSERT_OK(Acquire(path_, OpenMode::kCreate));
    Put(store_, "a");
    store_.reset();
    registry_->CloseIdle();
    ASSERT_OK(Acquire(path_, mode));
    const auto old_store = store_;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      std::filesystem::remove(entry);
    }
    ASSERT_OK(Acquire(path_, OpenMode::kCreate));
    EXPECT_NE(store_, old_store);
    EXPECT_FALSE(Exists(store_, "a"));
    Put(store_, "b");
    store_.reset();
    registry_->CloseIdle();
    ASSERT_OK(Acquire(path_, mode));
    EXPECT_TRUE(Exists(store_, "b"));
    EXPECT_EQ(old_store->engine()->CheckNotMoved().code(), Code::kFenced);
    store_.reset();
    registry_->CloseIdle();
  }
}

// Of a store of format 1 the first open for writing makes one of today's, and
// an open for reading nothing.
TEST_F(StoreRegistryTest, TheFormatIsRaisedByTheFirstWriter) {
  ASSERT_OK(Acquire(path_, OpenMode::kCreate));
  Put(store_, "a");
  SetFormat(store_.get(), 1);
  store_.reset();
  registry_->CloseIdle();
  std::ofstream(path_ + "/actorkv.format") << "actorkv store, format 1\n";
  ASSERT_OK(Acquire(path_, OpenMode::kFollow));
  EXPECT_TRUE(Exists(store_, "a"));
  EXPECT_EQ(store_->record().format, 1u);
  Marker marker;
  ASSERT_OK(ReadMarker(path_, &marker));
  EXPECT_EQ(marker.format, 1u);
  // The follower is open meanwhile, and goes on with the same store.
  const auto follower = store_;
  ASSERT_OK(Acquire(path_, OpenMode::kExisting));
  EXPECT_TRUE(Exists(store_, "a"));
  EXPECT_EQ(store_->record().format, kStoreFormat);
  ASSERT_OK(ReadMarker(path_, &marker));
  EXPECT_EQ(marker.format, kStoreFormat);
  Put(store_, "b");
  ASSERT_OK(follower->CatchUp());
  EXPECT_TRUE(Exists(follower, "b"));
}

// As a kill between the two leaves it.
TEST_F(StoreRegistryTest, TheRecordIsRaisedAfterTheMarker) {
  ASSERT_OK(Acquire(path_, OpenMode::kCreate));
  SetFormat(store_.get(), 1);
  store_.reset();
  registry_->CloseIdle();
  ASSERT_OK(Acquire(path_, OpenMode::kExisting));
  EXPECT_EQ(store_->record().format, kStoreFormat);
  store_.reset();
  registry_->CloseIdle();
  ASSERT_OK(Acquire(path_, OpenMode::kFollow));
  EXPECT_EQ(store_->record().format, kStoreFormat);
}

TEST_F(StoreRegistryTest, CloseIdleSaysHowMany) {
  registry_->CloseIdle();  // what the test before has left
  EXPECT_EQ(registry_->CloseIdle(), 0u);
  ASSERT_OK(Acquire(path_, OpenMode::kCreate));
  ASSERT_OK(Acquire(dir_.File("other"), OpenMode::kCreate));
  EXPECT_EQ(registry_->CloseIdle(), 1u) << "the other one is in use";
  store_.reset();
  EXPECT_EQ(registry_->CloseIdle(), 1u);
  EXPECT_EQ(registry_->CloseIdle(), 0u);
  ASSERT_OK(Acquire(path_, OpenMode::kExisting));
}

TEST_F(StoreRegistryTest, AnotherEngine) {
  registry_->SetEngineFactoryForTesting(
      [](const std::string&, OpenMode, std::unique_ptr<Engine>* engine) {
        *engine = NewMemoryEngine(UnboundedLimits());
        return Status::Ok();
      });
  ASSERT_OK(Acquire(path_, OpenMode::kCreate));
  EXPECT_EQ(store_->engine()->Describe(), "memory");
  registry_->SetEngineFactoryForTesting(
      [](const std::string& directory, OpenMode, std::unique_ptr<Engine>*) {
        return Status::NoSpace("no room in " + directory);
      });
  EXPECT_TRUE(IsError(Acquire(dir_.File("full"), OpenMode::kCreate),
                      Code::kNoSpace, "no room in"));
}

TEST_F(StoreRegistryTest, ManyThreadsOpenOneStore) {
  std::vector<std::thread> threads;
  std::vector<std::shared_ptr<Store>> stores(6);
  threads.reserve(stores.size());
  for (auto& store : stores) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        store.reset();
        EXPECT_OK(registry_->Acquire(path_, OpenMode::kCreate, &store));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& store : stores) EXPECT_EQ(store, stores[0]);
}

}  // namespace
}  // namespace actorkv
