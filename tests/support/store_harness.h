// What tests of transactions share: engines that outlive a store, a store that
// can be opened again and whose engine has bad days, a transaction in a few
// words, and digests computed from nothing but the pages.

#ifndef ACTORKV_TESTS_SUPPORT_STORE_HARNESS_H_
#define ACTORKV_TESTS_SUPPORT_STORE_HARNESS_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kv/pages/branch_writer.h"
#include "kv/pages/commit.h"
#include "kv/process/upkeep.h"
#include "kv/rocksdb/rocksdb_engine.h"
#include "kv/store/actor.h"
#include "kv/store/store.h"
#include "kv/store/writer_queue.h"
#include "tests/support/forwarding_engine.h"
#include "tests/support/hostile_engine.h"
#include "tests/support/memory_engine.h"
#include "tests/support/testing.h"

namespace actorkv {

// For DeleteActor().
inline std::function<uint32_t(const HeadState&)> SchemaCookie(uint32_t cookie) {
  return [cookie](const HeadState&) { return cookie; };
}

// Keeps a copy of each batch where a log is given.
class LoggingEngine : public ForwardingEngine {
 public:
  LoggingEngine(std::shared_ptr<Engine> base, std::vector<Batch>* log)
      : ForwardingEngine(std::move(base)), log_(log) {}

  CommitResult Commit(const Batch& batch, Durability durability) override {
    if (log_ != nullptr) log_->push_back(batch);
    return ForwardingEngine::Commit(batch, durability);
  }

 private:
  std::vector<Batch>* const log_;
};

// Opens the engine of a store, each time with what is stored in it.
using EngineSource = std::function<std::unique_ptr<Engine>()>;

inline EngineSource MemorySource() {
  std::shared_ptr<Engine> kept = NewMemoryEngine(UnboundedLimits());
  return [kept] { return std::make_unique<ReopenedEngine>(kept); };
}

inline EngineSource RocksDbSource(const std::string& directory) {
  return [directory] {
    std::unique_ptr<Engine> engine;
    EXPECT_OK(OpenRocksDbEngine(directory, OpenMode::kCreate, &engine));
    return engine;
  };
}

// The limits of an engine that commits partition by partition.
inline EngineLimits SinglePartition() {
  EngineLimits limits = UnboundedLimits();
  limits.multi_partition_commit = false;
  return limits;
}

inline EngineLimits SmallBatches(size_t max_batch_bytes) {
  EngineLimits limits = UnboundedLimits();
  limits.max_batch_bytes = max_batch_bytes;
  return limits;
}

class TestStore {
 public:
  explicit TestStore(EngineSource source = MemorySource(),
                     std::optional<EngineLimits> limits = std::nullopt)
      : source_(std::move(source)), limits_(limits) {
    Reopen();
  }

  // As after a restart of the process that did not say goodbye.
  void Reopen() {
    plan_->Reset();
    upkeep_.reset();
    store_.reset();
    std::shared_ptr<Engine> hostile =
        NewHostileEngine(source_(), plan_, limits_);
    EXPECT_OK(Store::Open("test",
                          std::make_unique<LoggingEngine>(hostile, log_), false,
                          &store_));
    upkeep_ = std::make_unique<Upkeep>(store_.get());
    EXPECT_OK(upkeep_->Load());
  }

  // From the next Reopen() on.
  void LogBatches(std::vector<Batch>* log) { log_ = log; }

  Store* operator->() const { return store_.get(); }
  Store* get() const { return store_.get(); }
  const std::shared_ptr<Store>& shared() const { return store_; }
  Upkeep* upkeep() const { return upkeep_.get(); }
  HostilePlan* plan() const { return plan_.get(); }

  std::shared_ptr<Actor> Open(const std::string& name) const {
    std::shared_ptr<Actor> actor;
    EXPECT_OK(store_->OpenActor(name, &actor));
    return actor;
  }

  std::shared_ptr<const HeadState> State(const std::string& name) const {
    std::shared_ptr<const HeadState> state;
    EXPECT_OK(Open(name)->Current(&state));
    return state;
  }

  void Maintain() const {
    for (bool more = true; more;) ASSERT_OK(upkeep_->Maintain(&more));
  }

  // As the process does before it ends, or lets go of the store.
  void Close() const { upkeep_->Close(); }

  std::vector<KeyValue> Scan(Partition partition) const {
    std::vector<KeyValue> pairs;
    EXPECT_OK(
        store_->engine()->NewReader()->Scan(partition, "", 1 << 20, &pairs));
    return pairs;
  }

 private:
  const EngineSource source_;
  const std::optional<EngineLimits> limits_;
  const std::shared_ptr<HostilePlan> plan_ = std::make_shared<HostilePlan>();
  std::vector<Batch>* log_ = nullptr;
  std::shared_ptr<Store> store_;
  std::unique_ptr<Upkeep> upkeep_;  // of the store
};

// A writing transaction on one actor, from its reservation to its end. (The
// class has a name of its own: vfs/actor/transaction.h has a Transaction too,
// and a test may link both.)
class TestTransaction {
 public:
  TestTransaction(const TestStore& store, const std::string& name,
                  uint32_t page_size = kMinPageSize)
      : store_(store.shared()),
        actor_(store.Open(name)),
        reservation_(actor_->writers()) {
    std::shared_ptr<const HeadState> base;
    EXPECT_OK(actor_->Current(&base));
    EXPECT_OK(actor_->Reserve(&reservation_, base->head.snapshot,
                              base->head.generation));
    writer_ = std::make_unique<BranchWriter>(store_, actor_, std::move(base),
                                             page_size);
  }
  ~TestTransaction() {
    writer_.reset();
    actor_->Release(&reservation_);
  }
  TestTransaction(const TestTransaction&) = delete;
  TestTransaction& operator=(const TestTransaction&) = delete;

  BranchWriter* operator->() const { return writer_.get(); }
  BranchWriter* writer() const { return writer_.get(); }
  // The one that has the actor reserved.
  Writer* reservation() { return &reservation_; }

  TestTransaction& Write(PageNo pgno, const std::string& page) {
    EXPECT_OK(writer_->WritePage(pgno, page.data()));
    return *this;
  }

  // What Commit() says about this actor.
  PendingCommit Pending(std::optional<uint32_t> stamp = std::nullopt) const {
    PendingCommit pending;
    pending.writer = writer_.get();
    pending.spec.page_count = writer_->page_count();
    pending.spec.stamp = stamp;
    return pending;
  }

  Status Commit(std::optional<uint32_t> stamp = std::nullopt) {
    std::vector<PendingCommit> commits = {Pending(stamp)};
    return CommitAll(store_.get(), Durability::kBuffered, &commits);
  }

 private:
  const std::shared_ptr<Store> store_;
  const std::shared_ptr<Actor> actor_;
  Writer reservation_;
  std::unique_ptr<BranchWriter> writer_;
};
using Transaction = TestTransaction;

// A page that no other (number, version) has.
inline std::string TestPage(uint32_t page_size, PageNo pgno, uint32_t version) {
  std::string page(page_size, '\0');
  std::mt19937 bits(pgno * 1000003 + version);
  for (size_t i = 0; i < page.size(); i += 16) {
    page[i] = static_cast<char>(bits() | 1);
  }
  return page;
}

// TestPage()s 1 to `count`.
inline std::vector<std::string> TestPages(uint32_t page_size, PageNo count,
                                          uint32_t version) {
  std::vector<std::string> pages;
  for (PageNo pgno = 1; pgno <= count; ++pgno) {
    pages.push_back(TestPage(page_size, pgno, version));
  }
  return pages;
}

// Every page of a snapshot, as SQLite sees it; nullopt after an error.
inline std::optional<std::vector<std::string>> ReadAll(
    Engine* engine, const Snapshot& snapshot,
    const std::shared_ptr<const Lineage>& lineage) {
  BranchReader reader(engine);
  reader.SetSnapshot(snapshot, lineage);
  std::vector<std::string> pages;
  for (PageNo pgno = 1; pgno <= snapshot.page_count; ++pgno) {
    pages.emplace_back(snapshot.page_size, 'x');
    const Status s = reader.ReadPage(pgno, pages.back().data());
    EXPECT_OK(s);
    if (!s.ok()) return std::nullopt;
  }
  return pages;
}

inline std::vector<std::string> ReadAll(const TestStore& store,
                                        const std::string& name) {
  const auto state = store.State(name);
  return ReadAll(store->engine(), state->head.snapshot, state->lineage)
      .value_or(std::vector<std::string>());
}

// The digest from scratch: of the pages as SQLite sees them, but not of the
// lock page.
inline uint64_t DigestOf(const std::vector<std::string>& pages) {
  uint64_t digest = 0;
  for (size_t i = 0; i < pages.size(); ++i) {
    const auto pgno = static_cast<PageNo>(i + 1);
    if (pgno == LockPage(static_cast<uint32_t>(pages[i].size()))) continue;
    digest += PageHash(pgno, pages[i]);
  }
  return digest;
}

// The actor has these pages, and its head the digest of them.
inline void ExpectPages(const TestStore& store, const std::string& name,
                        const std::vector<std::string>& pages) {
  const std::vector<std::string> stored = ReadAll(store, name);
  ASSERT_EQ(stored.size(), pages.size());
  for (size_t i = 0; i < pages.size(); ++i) {
    ASSERT_TRUE(stored[i] == pages[i]) << "page " << i + 1 << " differs";
  }
  EXPECT_EQ(store.State(name)->head.digest, DigestOf(pages));
}

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_STORE_HARNESS_H_
