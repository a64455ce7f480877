// Pages that are read before they are asked for: the same versions as those
// that are asked for, whatever came meanwhile.

#include "kv/pages/read_ahead.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <new>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "kv/format/keys.h"
#include "kv/pages/branch_reader.h"
#include "kv/rocksdb/rocksdb_engine.h"
#include "tests/support/no_threads.h"
#include "tests/support/read_hook.h"
#include "tests/support/store_harness.h"

namespace actorkv {
namespace {

constexpr uint64_t kCacheId = uint64_t{1} << 61;  // of no store
constexpr PageNo kPages = 60;

class CacheRangeTest : public testing::Test {
 protected:
  void PutBytes(BranchId branch, PageNo pgno, TxId txid,
                const std::string& value) {
    Batch batch;
    batch.Put(BranchPartition(branch), ChunkKey(pgno, txid), value);
    ASSERT_TRUE(engine_->Commit(batch, Durability::kBuffered).done());
  }

  void PutChunk(BranchId branch, PageNo pgno, TxId txid,
                const std::string& page) {
    PutBytes(branch, pgno, txid,
             EncodeChunk({branch, pgno, txid}, page, PageHash(pgno, page)));
  }

  static Snapshot At(BranchId branch, uint64_t txid) {
    Snapshot snapshot;
    snapshot.branch = branch;
    snapshot.txid = {txid};
    snapshot.page_count = kPages;
    snapshot.page_size = kMinPageSize;
    return snapshot;
  }

  // Each has a cache of its own.
  std::unique_ptr<BranchReader> NewReader(const Snapshot& snapshot,
                                          bool cached) {
    auto reader = std::make_unique<BranchReader>(engine_.get());
    if (cached) reader->UseCache(++cache_id_, nullptr);
    reader->SetSnapshot(snapshot, lineage_);
    return reader;
  }

  static std::string Read(BranchReader* reader, PageNo pgno) {
    std::string page(kMinPageSize, 'x');
    const Status s = reader->ReadPage(pgno, page.data());
    return s.ok() ? page : s.ToString();
  }

  static uint64_t cache_id_;
  const BranchId old_{7};
  const BranchId middle_{8};
  const BranchId new_{9};
  std::shared_ptr<const Lineage> lineage_ =
      std::make_shared<const Lineage>(Lineage{{{1}, new_, {~uint64_t{0}}},
                                              {{1}, middle_, {40}},
                                              {{1}, old_, {20}}});
  std::unique_ptr<Engine> engine_ = NewMemoryEngine(UnboundedLimits());
};

uint64_t CacheRangeTest::cache_id_ = kCacheId;

// Random versions on three branches: what the range brought into the cache is,
// page by page, what a reader without one finds.
TEST_F(CacheRangeTest, IsWhatSingleReadsFind) {
  std::mt19937 next(11);
  const auto pick = [&next](uint32_t below) {
    return static_cast<uint32_t>(next() % below);
  };
  for (PageNo pgno = 1; pgno <= kPages; ++pgno) {
    PutChunk(old_, pgno, {1}, TestPage(kMinPageSize, pgno, 1));
    for (uint32_t i = pick(4); i > 0; --i) {
      const uint32_t txid = 2 + pick(58);
      const BranchId branch = txid > 45 ? new_ : txid > 22 ? middle_ : old_;
      PutChunk(branch, pgno, {txid}, TestPage(kMinPageSize, pgno, txid));
    }
  }
  for (uint32_t txid : {46u, 50u, 60u}) {
    for (int i = 0; i < 20; ++i) {
      const PageNo first = 1 + pick(kPages);
      const PageNo end = std::min(first + pick(20), kPages + 1);
      const auto plain = NewReader(At(new_, txid), false);
      const auto cached = NewReader(At(new_, txid), true);
      ASSERT_OK(cached->CacheRange(first, end));
      for (PageNo pgno = 1; pgno <= kPages; ++pgno) {
        std::string page(kMinPageSize, 'x');
        const Found found = cached->ReadCached(pgno, page.data());
        const bool wanted = pgno >= first && pgno < end;
        ASSERT_EQ(found, wanted ? Found::kAhead : Found::kMissing)
            << pgno << " at " << txid;
        if (wanted) {
          ASSERT_EQ(page, Read(plain.get(), pgno)) << pgno;
        }
      }
    }
  }
}

// Deltas whose bases are met behind them, and such as have none.
TEST_F(CacheRangeTest, MakesPagesOfDeltas) {
  constexpr uint32_t kSize = 1024;
  const auto page_of = [](PageNo pgno, uint64_t txid) {
    std::string page = TestPage(kSize, pgno, 1);
    if (txid > 10) page[pgno] = static_cast<char>(txid);
    return page;
  };
  const auto put_delta = [&](PageNo pgno, TxId txid, TxId base) {
    StoredForm form;
    form.base = base;
    form.changed.AddDifferences(page_of(pgno, 10), page_of(pgno, txid.value));
    const std::string page = page_of(pgno, txid.value);
    PutBytes(new_, pgno, txid,
             EncodeDeltaChunk({new_, pgno, txid}, EncodeDelta(form, page),
                              PageHash(pgno, page)));
  };
  for (PageNo pgno = 1; pgno <= 5; ++pgno) {
    if (pgno != 3) PutChunk(new_, pgno, {50}, page_of(pgno, 10));
    put_delta(pgno, {51}, {50});
    put_delta(pgno, {52}, {50});
  }
  put_delta(4, {53}, {49});  // of no base
  PutChunk(new_, 6, {50}, page_of(6, 10));
  Snapshot snapshot = At(new_, 60);
  snapshot.page_size = kSize;
  const auto reader = NewReader(snapshot, true);
  ASSERT_OK(reader->CacheRange(1, 7));
  std::string page(kSize, 'x');
  for (PageNo pgno : {1u, 2u, 5u}) {
    EXPECT_EQ(reader->ReadCached(pgno, page.data()), Found::kAhead) << pgno;
    EXPECT_EQ(page, page_of(pgno, 52));
    PagePin pin;
    ASSERT_OK(reader->PinPage(pgno, &pin));
    EXPECT_EQ(pin->form().base, TxId{50}) << "the next one can be a delta, too";
    EXPECT_EQ(pin->form().changed.count(), 1u);
  }
  EXPECT_EQ(reader->ReadCached(3, page.data()), Found::kMissing);
  EXPECT_EQ(reader->ReadCached(4, page.data()), Found::kMissing);
  EXPECT_EQ(reader->ReadCached(6, page.data()), Found::kAhead);
  EXPECT_EQ(page, page_of(6, 10));
}

TEST_F(CacheRangeTest, LeavesOutWhatIsDamagedOrMissing) {
  for (PageNo pgno = 1; pgno <= kPages; ++pgno) {
    if (pgno == 12) continue;
    PutChunk(old_, pgno, {1}, TestPage(kMinPageSize, pgno, 1));
  }
  const ChunkId id{old_, 10, {3}};
  const std::string text = TestPage(kMinPageSize, 10, 3);
  std::string value = EncodeChunk(id, text, PageHash(10, text));
  value[100] ^= 4;
  PutBytes(old_, 10, {3}, value);
  const auto reader = NewReader(At(new_, 50), true);
  ASSERT_OK(reader->CacheRange(8, 14));
  std::string page(kMinPageSize, 'x');
  EXPECT_EQ(reader->ReadCached(9, page.data()), Found::kAhead);
  EXPECT_EQ(reader->ReadCached(10, page.data()), Found::kMissing);
  EXPECT_EQ(reader->ReadCached(11, page.data()), Found::kAhead);
  EXPECT_EQ(reader->ReadCached(12, page.data()), Found::kMissing);
  EXPECT_NE(Read(reader.get(), 10).find("checksum mismatch"),
            std::string::npos);
  EXPECT_NE(Read(reader.get(), 12).find("page missing"), std::string::npos);
}

// A page with thousands of versions ends the range, not the patience.
TEST_F(CacheRangeTest, GivesUpWherePagesHaveManyVersions) {
  PutChunk(old_, 1, {1}, TestPage(kMinPageSize, 1, 1));
  PutChunk(old_, 3, {1}, TestPage(kMinPageSize, 3, 1));
  for (uint32_t txid = 2; txid < 200; ++txid) {
    PutChunk(new_, 2, {100 + txid}, TestPage(kMinPageSize, 2, txid));
  }
  PutChunk(new_, 1, {50}, TestPage(kMinPageSize, 1, 50));
  PutChunk(new_, 2, {50}, TestPage(kMinPageSize, 2, 50));
  PutChunk(new_, 3, {50}, TestPage(kMinPageSize, 3, 50));
  const auto reader = NewReader(At(new_, 60), true);
  ASSERT_OK(reader->CacheRange(1, 4));
  for (PageNo pgno : {1u, 2u, 3u}) {
    EXPECT_EQ(Read(reader.get(), pgno), TestPage(kMinPageSize, pgno, 50))
        << pgno;
  }
}

class ReadAheadJobTest : public CacheRangeTest {
 protected:
  // Commits pages 1 to kPages of an actor.
  static void Commit(const TestStore& store, uint32_t version) {
    TestTransaction transaction(store, "a");
    for (PageNo pgno = 1; pgno <= kPages; ++pgno) {
      transaction.Write(pgno, TestPage(kMinPageSize, pgno, version));
    }
    ASSERT_OK(transaction.Commit(version));
  }

  // Of all pages but the first.
  static std::unique_ptr<ReadAheadJob> NewJob(const TestStore& store) {
    auto job = std::make_unique<ReadAheadJob>();
    const auto state = store.State("a");
    job->store = store->shared_from_this();
    job->changes = store.Open("a")->changes();
    job->snapshot = state->head.snapshot;
    job->lineage = state->lineage;
    job->pages =
        std::make_shared<PieceQueue>(PageSpan{2, kPages + 1}, ScanProgress());
    store->pins()->Add(job->snapshot, job->lineage, &job->pin);
    return job;
  }
};

// The snapshot of a job is old by the time it is read: newer pages stay.
TEST_F(ReadAheadJobTest, ComesLateWithoutHarm) {
  const TestStore store;
  Commit(store, 1);
  const std::shared_ptr<Actor> actor = store.Open("a");
  auto job = NewJob(store);
  Commit(store, 2);
  ReadAhead::Instance()->Start(std::move(job));
  ReadAhead::Instance()->Wait();
  BranchReader reader(store->engine());
  reader.UseCache(store->cache_id(), actor->changes());
  reader.SetSnapshot(store.State("a")->head.snapshot,
                     store.State("a")->lineage);
  for (PageNo pgno = 2; pgno <= kPages; ++pgno) {
    EXPECT_EQ(Read(&reader, pgno), TestPage(kMinPageSize, pgno, 2)) << pgno;
  }
  EXPECT_TRUE(store->pins()->Snapshots().empty());
}

// The piece of who threw is done with, the others are there to be taken, and
// the next job is read.
TEST_F(ReadAheadJobTest, AJobThatThrowsHoldsNobodyUp) {
  const std::shared_ptr<Engine> kept = NewMemoryEngine(UnboundedLimits());
  const auto hook = std::make_shared<ReadHook>();
  TestStore store([&]() -> std::unique_ptr<Engine> {
    return std::make_unique<ReadHookEngine>(kept, hook);
  });
  Commit(store, 1);
  store.Reopen();  // nothing of it is in the cache
  const std::shared_ptr<Actor> actor = store.Open("a");
  const long uses = store.shared().use_count();
  auto job = NewJob(store);
  auto next = NewJob(store);
  const std::shared_ptr<PieceQueue> failed = job->pages;
  const std::shared_ptr<PieceQueue> read = next->pages;
  hook->Set(1, [] { throw std::bad_alloc(); });
  ReadAhead::Instance()->Start(std::move(job));
  ReadAhead::Instance()->Wait();
  EXPECT_TRUE(hook->ran());
  EXPECT_FALSE(failed->IsAwaited(2));
  EXPECT_TRUE(failed->IsAwaited(kPages));
  PageSpan piece;
  EXPECT_TRUE(failed->Take(&piece));
  ReadAhead::Instance()->Start(std::move(next));
  ReadAhead::Instance()->Wait();
  EXPECT_FALSE(read->IsAwaited(kPages));
  EXPECT_EQ(store.shared().use_count(), uses);
  EXPECT_TRUE(store->pins()->Snapshots().empty());
}

// Nothing is queued for a thread that will not come.
TEST_F(ReadAheadJobTest, WithoutAThreadNoJobIsKept) {
  const TestStore store;
  Commit(store, 1);
  const long uses = store.shared().use_count();
  auto job = NewJob(store);
  const std::shared_ptr<PieceQueue> pages = job->pages;
  {
    const NoThreads none;
    ReadAhead::Instance()->Start(std::move(job));
    ReadAhead::Instance()->Wait();
  }
  EXPECT_EQ(store.shared().use_count(), uses);
  EXPECT_TRUE(store->pins()->Snapshots().empty());
  EXPECT_TRUE(pages->IsAwaited(2));
  PageSpan piece;
  EXPECT_TRUE(pages->Take(&piece)) << "who needs it reads it";
}

// More pairs than an engine gives at once, beside another partition.
TEST(VisitTest, GoesInOrderUntilItIsEnough) {
  const TempDir directory;
  const Partition actor{PartitionKind::kActor, 7};
  std::unique_ptr<Engine> rocksdb;
  ASSERT_OK(
      OpenRocksDbEngine(directory.File("store"), OpenMode::kCreate, &rocksdb));
  const std::unique_ptr<Engine> memory = NewMemoryEngine(UnboundedLimits());
  for (Engine* engine : {memory.get(), rocksdb.get()}) {
    std::vector<std::string> keys;
    Batch batch;
    for (int i = 100; i < 300; ++i) {
      keys.push_back("k" + std::to_string(i));
      batch.Put(actor, keys.back(), "v" + std::to_string(i));
    }
    batch.Put({PartitionKind::kActor, 8}, "k150x", "of another partition");
    ASSERT_TRUE(engine->Commit(batch, Durability::kBuffered).done());
    const auto reader = engine->NewReader();
    for (size_t limit : {size_t{0}, size_t{1}, size_t{64}, size_t{1000}}) {
      std::vector<std::string> seen;
      ASSERT_OK(reader->Visit(
          actor, "k110", [&](std::string_view key, std::string_view value) {
            if (seen.size() == limit) return false;
            EXPECT_EQ(value.substr(1), key.substr(1));
            seen.emplace_back(key);
            return true;
          }));
      ASSERT_EQ(seen.size(), std::min(limit, keys.size() - 10));
      EXPECT_TRUE(std::equal(seen.begin(), seen.end(), keys.begin() + 10));
    }
    ASSERT_OK(reader->Visit(actor, "z", [](std::string_view, std::string_view) {
      ADD_FAILURE();
      return true;
    }));
  }
}

}  // namespace
}  // namespace actorkv
