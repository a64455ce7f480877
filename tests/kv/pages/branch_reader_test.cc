// BranchReader: the version that a snapshot sees, through a lineage; missing
// and damaged pages; the stamp and the lock page.

#include "kv/pages/branch_reader.h"

#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "kv/cache/page_cache.h"
#include "kv/format/get_record.h"
#include "kv/format/keys.h"
#include "tests/support/read_hook.h"
#include "tests/support/store_harness.h"

namespace actorkv {
namespace {

class BranchReaderTest : public testing::Test {
 protected:
  void PutChunk(BranchId branch, PageNo pgno, TxId txid,
                const std::string& page) {
    PutBytes(branch, pgno, txid,
             EncodeChunk({branch, pgno, txid}, page, PageHash(pgno, page)));
  }
  void PutBytes(BranchId branch, PageNo pgno, TxId txid,
                const std::string& value) {
    Batch batch;
    batch.Put(BranchPartition(branch), ChunkKey(pgno, txid), value);
    ASSERT_TRUE(engine_->Commit(batch, Durability::kBuffered).done());
  }

  static Snapshot At(BranchId branch, uint64_t txid) {
    Snapshot snapshot;
    snapshot.branch = branch;
    snapshot.txid = {txid};
    snapshot.page_count = 100;
    snapshot.page_size = kMinPageSize;
    return snapshot;
  }

  static std::shared_ptr<const Lineage> LineageOf(Lineage points) {
    return std::make_shared<const Lineage>(std::move(points));
  }

  // The page, or the text of the error.
  std::string Read(const Snapshot& snapshot,
                   std::shared_ptr<const Lineage> lineage, PageNo pgno) {
    BranchReader reader(engine_.get());
    reader.SetSnapshot(snapshot, std::move(lineage));
    std::string page(snapshot.page_size, 'x');
    const Status s = reader.ReadPage(pgno, page.data());
    return s.ok() ? page : s.ToString();
  }

  const BranchId old_{7};
  const BranchId new_{8};
  std::unique_ptr<Engine> engine_ = NewMemoryEngine(UnboundedLimits());
};

std::string PageOf(uint32_t version) {
  return TestPage(kMinPageSize, 5, version);
}

TEST_F(BranchReaderTest, SeesTheNewestVersionAtOrBelowItsTxid) {
  for (uint32_t txid : {2u, 4u, 6u}) {
    PutChunk(old_, 5, {txid}, PageOf(txid));
    PutChunk(old_, 4, {txid}, PageOf(90 + txid));
    PutChunk(old_, 6, {txid}, PageOf(80 + txid));
  }
  const auto lineage = LineageOf({{{1}, old_, {~uint64_t{0}}}});
  for (uint32_t txid = 2; txid < 9; ++txid) {
    const uint32_t seen = std::min(txid / 2 * 2, 6u);
    EXPECT_EQ(Read(At(old_, txid), lineage, 5), PageOf(seen)) << txid;
  }
  EXPECT_EQ(Read(At(old_, 1), lineage, 5),
            "corruption: page missing: branch=7 pgno=5 txid=1");
}

TEST_F(BranchReaderTest, AnAncestorShowsThroughUpToItsPoint) {
  PutChunk(old_, 5, {2}, PageOf(2));
  PutChunk(old_, 5, {4}, PageOf(4));
  PutChunk(old_, 6, {2}, PageOf(62));
  PutChunk(new_, 6, {3}, PageOf(63));
  const auto lineage =
      LineageOf({{{1}, new_, {~uint64_t{0}}}, {{1}, old_, {3}}});
  EXPECT_EQ(Read(At(new_, 9), lineage, 5), PageOf(2));
  EXPECT_EQ(Read(At(new_, 9), lineage, 6), PageOf(63));
  EXPECT_EQ(Read(At(new_, 2), lineage, 6), PageOf(62));
}

// From the store and from the page cache alike.
TEST_F(BranchReaderTest, IdentifiesVersions) {
  constexpr uint64_t kCacheId = uint64_t{1} << 60;  // of no store
  for (uint32_t txid : {2u, 4u}) PutChunk(old_, 5, {txid}, PageOf(txid));
  const auto lineage = LineageOf({{{1}, old_, {~uint64_t{0}}}});
  for (const bool cached : {false, true}) {
    for (uint32_t txid : {5u, 3u, 2u}) {
      SCOPED_TRACE(testing::Message() << cached << " at " << txid);
      BranchReader reader(engine_.get());
      reader.UseCache(kCacheId, nullptr);
      reader.SetSnapshot(At(old_, txid), lineage);
      PagePin pin;
      if (cached) {
        ASSERT_OK(reader.PinPage(5, &pin));
      }
      PageIdentity identity;
      ASSERT_OK(reader.IdentifyPage(5, &identity));
      EXPECT_EQ(identity.txid, TxId{uint64_t{txid} / 2 * 2});
      EXPECT_EQ(identity.page_hash, PageHash(5, PageOf(txid / 2 * 2)));
      EXPECT_TRUE(IsError(reader.IdentifyPage(6, &identity), Code::kCorruption,
                          "page missing"));
    }
  }
}

TEST_F(BranchReaderTest, AMissingPageIsNeverZeros) {
  PutChunk(old_, 4, {1}, PageOf(1));
  PutChunk(old_, 6, {1}, PageOf(1));
  const auto lineage = LineageOf({{{1}, old_, {~uint64_t{0}}}});
  EXPECT_EQ(Read(At(old_, 3), lineage, 5),
            "corruption: page missing: branch=7 pgno=5 txid=3");
  EXPECT_EQ(Read(At(old_, 3), lineage, 7),
            "corruption: page missing: branch=7 pgno=7 txid=3");
}

TEST_F(BranchReaderTest, ADamagedPageIsNotRead) {
  const auto lineage = LineageOf({{{1}, old_, {~uint64_t{0}}}});
  const ChunkId id{old_, 5, {3}};
  std::string value = EncodeChunk(id, PageOf(1), PageHash(5, PageOf(1)));
  value[100] ^= 4;
  PutBytes(old_, 5, {3}, value);
  EXPECT_EQ(Read(At(old_, 3), lineage, 5),
            "corruption: page chunk damaged: checksum mismatch: branch=7 "
            "pgno=5 txid=3");
  PutChunk(old_, 5, {3}, std::string(1024, 'a'));
  EXPECT_EQ(Read(At(old_, 3), lineage, 5),
            "corruption: page chunk damaged: payload of 1024 bytes, page size "
            "512: branch=7 pgno=5 txid=3");
}

// ---- Deltas -----------------------------------------------------------------

constexpr uint32_t kDeltaPage = 1024;

class DeltaReaderTest : public BranchReaderTest {
 protected:
  // The page at txid `version`; each differs from the one before in one place.
  static std::string Version(uint32_t version) {
    std::string page = TestPage(kDeltaPage, 5, 0);
    for (uint32_t i = 1; i <= version; ++i) page[size_t{i} * 50] = 'v';
    return page;
  }

  void PutDelta(TxId txid, TxId base, const std::string& base_page,
                const std::string& page) {
    StoredForm form;
    form.base = base;
    form.changed.AddDifferences(base_page, page);
    PutBytes(old_, 5, txid,
             EncodeDeltaChunk({old_, 5, txid}, EncodeDelta(form, page),
                              PageHash(5, page)));
  }

  std::string ReadAt(uint64_t txid) {
    Snapshot snapshot = At(old_, txid);
    snapshot.page_size = kDeltaPage;
    const auto lineage = LineageOf({{{1}, old_, {~uint64_t{0}}}});
    std::string plain = Read(snapshot, lineage, 5);
    // The page cache gives the same, when it fills and when it is full.
    BranchReader reader(engine_.get());
    reader.UseCache((uint64_t{1} << 60) + ++cache_id_, nullptr);
    reader.SetSnapshot(snapshot, lineage);
    for (int i = 0; i < 2; ++i) {
      std::string page(kDeltaPage, 'x');
      const Status s = reader.ReadPage(5, page.data());
      EXPECT_EQ(s.ok() ? page : s.ToString(), plain);
    }
    ExpectPreloaded(snapshot, lineage, plain);
    return plain;
  }

  // Page 5 comes into the cache as it is read by itself, or not at all.
  void ExpectPreloaded(const Snapshot& snapshot,
                       const std::shared_ptr<const Lineage>& lineage,
                       const std::string& plain) {
    BranchReader reader(engine_.get());
    reader.UseCache((uint64_t{1} << 60) + ++cache_id_, nullptr);
    reader.SetSnapshot(snapshot, lineage);
    size_t cached = 0;
    ASSERT_OK(reader.PreloadPages({4, 5}, &cached));
    std::string page(kDeltaPage, 'x');
    const bool is_there = reader.ReadCached(5, page.data()) != Found::kMissing;
    EXPECT_EQ(is_there, plain.size() == kDeltaPage) << plain;
    EXPECT_EQ(cached, is_there ? 1U : 0U);
    EXPECT_TRUE(!is_there || page == plain);
  }

  static uint64_t cache_id_;
};
uint64_t DeltaReaderTest::cache_id_ = 0;

TEST_F(DeltaReaderTest, VersionsAreMadeOfTheirBases) {
  PutChunk(old_, 5, {2}, Version(2));
  PutDelta({3}, {2}, Version(2), Version(3));
  PutDelta({4}, {2}, Version(2), Version(4));
  PutChunk(old_, 5, {5}, std::string(kDeltaPage, '\0'));
  PutDelta({6}, {5}, std::string(kDeltaPage, '\0'), Version(6));
  for (uint32_t txid : {2u, 3u, 4u, 6u}) {
    EXPECT_TRUE(ReadAt(txid) == Version(txid)) << txid;
  }
  EXPECT_EQ(ReadAt(5), std::string(kDeltaPage, '\0'));
}

TEST_F(DeltaReaderTest, AnAncestorsDeltaShowsThrough) {
  PutChunk(old_, 5, {2}, Version(2));
  PutDelta({3}, {2}, Version(2), Version(3));
  Snapshot snapshot = At(new_, 9);
  snapshot.page_size = kDeltaPage;
  EXPECT_TRUE(Read(snapshot,
                   LineageOf({{{1}, new_, {~uint64_t{0}}}, {{1}, old_, {3}}}),
                   5) == Version(3));
}

TEST_F(DeltaReaderTest, AMissingBaseIsAnErrorThatNamesIt) {
  PutChunk(old_, 5, {2}, Version(2));
  PutDelta({4}, {3}, Version(3), Version(4));
  EXPECT_EQ(ReadAt(4),
            "corruption: page chunk damaged: its base, txid=3, is missing: "
            "branch=7 pgno=5 txid=4");
}

TEST_F(DeltaReaderTest, ADeltaIsNoBase) {
  PutChunk(old_, 5, {2}, Version(2));
  PutDelta({3}, {2}, Version(2), Version(3));
  PutDelta({4}, {3}, Version(3), Version(4));
  EXPECT_EQ(ReadAt(4),
            "corruption: page chunk damaged: its base, txid=3, is a delta: "
            "branch=7 pgno=5 txid=4");
}

TEST_F(DeltaReaderTest, ADamagedBaseIsNeverRead) {
  PutDelta({4}, {2}, Version(2), Version(4));
  const ChunkId id{old_, 5, {2}};
  const std::string sound = EncodeChunk(id, Version(2), 0);
  std::string damaged = sound;
  damaged[500] ^= 1;
  PutBytes(old_, 5, {2}, damaged);
  EXPECT_EQ(ReadAt(4),
            "corruption: base of txid=4: page chunk damaged: checksum "
            "mismatch: branch=7 pgno=5 txid=2");
  // One that verifies, and is not what the delta was made of.
  PutChunk(old_, 5, {2}, Version(1));
  EXPECT_EQ(ReadAt(4),
            "corruption: page chunk damaged: the delta and its base, txid=2, "
            "do not make the page: branch=7 pgno=5 txid=4");
  PutChunk(old_, 5, {2}, std::string(2048, 'a'));
  EXPECT_EQ(ReadAt(4),
            "corruption: page chunk damaged: payload of 2048 bytes, page size "
            "1024: branch=7 pgno=5 txid=2");
}

TEST_F(DeltaReaderTest, ADamagedDeltaIsNeverRead) {
  PutChunk(old_, 5, {2}, Version(2));
  PutDelta({4}, {2}, Version(2), Version(4));
  std::string damaged;
  {
    std::optional<std::string> value;
    ASSERT_OK(GetValue(engine_->NewReader().get(), BranchPartition(old_),
                       ChunkKey(5, {4}), &value));
    damaged = *value;
  }
  damaged[50] ^= 1;
  PutBytes(old_, 5, {4}, damaged);
  EXPECT_EQ(ReadAt(4),
            "corruption: page chunk damaged: checksum mismatch: branch=7 "
            "pgno=5 txid=4");
  EXPECT_TRUE(ReadAt(3) == Version(2));
}

// However many pages are wanted: one request for each branch, and one for the
// bases of its deltas.
TEST_F(DeltaReaderTest, ManyPagesAreReadByFewRequests) {
  for (PageNo pgno = 1; pgno <= 40; ++pgno) {
    if (pgno != 5) PutChunk(pgno % 2 == 0 ? old_ : new_, pgno, {2}, Version(1));
  }
  PutChunk(old_, 2, {4}, Version(4));  // behind the bound
  PutChunk(old_, 5, {2}, Version(2));
  PutDelta({3}, {2}, Version(2), Version(3));
  const auto hook = std::make_shared<ReadHook>();
  ReadHookEngine engine(std::move(engine_), hook);
  BranchReader reader(&engine);
  reader.UseCache((uint64_t{1} << 60) + ++cache_id_, nullptr);
  Snapshot snapshot = At(new_, 9);
  snapshot.page_size = kDeltaPage;
  reader.SetSnapshot(
      snapshot, LineageOf({{{1}, new_, {~uint64_t{0}}}, {{1}, old_, {3}}}));
  std::vector<PageNo> pages(41);
  std::iota(pages.begin(), pages.end(), 1);  // and one that there is not
  hook->Set(4, [] {});
  size_t cached = 0;
  ASSERT_OK(reader.PreloadPages(pages, &cached));
  EXPECT_FALSE(hook->ran()) << "more than three requests";
  EXPECT_EQ(cached, 40U);
  for (PageNo pgno = 1; pgno <= 40; ++pgno) {
    std::string page(kDeltaPage, 'x');
    ASSERT_NE(reader.ReadCached(pgno, page.data()), Found::kMissing) << pgno;
    EXPECT_TRUE(page == (pgno == 5 ? Version(3) : Version(1))) << pgno;
  }
}

TEST_F(BranchReaderTest, TheLockPageIsZerosAndHasNoChunk) {
  Snapshot snapshot = At(old_, 3);
  snapshot.page_count = LockPage(kMinPageSize) + 1;
  EXPECT_EQ(Read(snapshot, LineageOf({{{1}, old_, {9}}}), LockPage(512)),
            std::string(512, '\0'));
}

TEST_F(BranchReaderTest, TheStampOfTheHeadIsInPageOne) {
  PutChunk(old_, 1, {2}, PageOf(1));
  const auto lineage = LineageOf({{{1}, old_, {9}}});
  Snapshot snapshot = At(old_, 3);
  EXPECT_EQ(Read(snapshot, lineage, 1), PageOf(1));
  snapshot.stamp = 0x01020304;
  std::string stamped = PageOf(1);
  stamped.replace(24, 4, "\x01\x02\x03\x04");
  stamped.replace(92, 4, "\x01\x02\x03\x04");
  EXPECT_EQ(Read(snapshot, lineage, 1), stamped);

  BranchReader reader(engine_.get());
  reader.SetSnapshot(snapshot, lineage);
  uint64_t hash = 0;
  ASSERT_OK(reader.HashPage(1, &hash));
  EXPECT_EQ(hash, PageHash(1, stamped));
  snapshot.stamp.reset();
  reader.SetSnapshot(snapshot, lineage);
  ASSERT_OK(reader.HashPage(1, &hash));
  EXPECT_EQ(hash, PageHash(1, PageOf(1)));
}

// The whole way of a read, and each of its two parts.
TEST_F(BranchReaderTest, APageIsLookedForOnce) {
  constexpr uint64_t kCacheId = (uint64_t{1} << 60) - 1;  // of no store
  PageCache* const cache = PageCache::Instance();
  for (const PageNo pgno : {1u, 5u}) PutChunk(old_, pgno, {2}, PageOf(pgno));
  Snapshot snapshot = At(old_, 3);
  snapshot.stamp = 0x01020304;
  std::string stamped = PageOf(1);
  ApplyStamp(*snapshot.stamp, stamped.data());
  BranchReader reader(engine_.get());
  reader.UseCache(kCacheId, nullptr);
  reader.SetSnapshot(snapshot, LineageOf({{{1}, old_, {9}}}));
  std::string page(kMinPageSize, 'x');
  uint64_t looks = cache->counts().looks;
  for (const Found expected : {Found::kMissing, Found::kHere}) {
    Found found = Found::kAhead;
    ASSERT_OK(reader.ReadPage(1, page.data(), &found));
    EXPECT_EQ(found, expected);
    EXPECT_EQ(page, stamped);
    EXPECT_EQ(cache->counts().looks, ++looks);
  }
  EXPECT_EQ(reader.ReadCached(1, page.data()), Found::kHere);
  EXPECT_EQ(page, stamped) << "as SQLite sees it";
  EXPECT_EQ(reader.ReadCached(5, page.data()), Found::kMissing);
  Found found = Found::kHere;
  EXPECT_EQ(reader.PinCached(5, &found), nullptr);
  EXPECT_EQ(found, Found::kMissing);
  looks = cache->counts().looks;
  ASSERT_OK(reader.ReadMissing(5, page.data()));
  EXPECT_EQ(page, PageOf(5));
  PagePin pin;
  ASSERT_OK(reader.PinMissing(1, &pin));
  EXPECT_EQ(pin->page(), PageOf(1)) << "as stored";
  EXPECT_EQ(cache->counts().looks, looks);
  pin = reader.PinCached(5, &found);
  ASSERT_NE(pin, nullptr);
  EXPECT_EQ(pin->page(), PageOf(5)) << "what was missing is there now";
}

TEST_F(BranchReaderTest, AReadErrorIsPassedOn) {
  auto plan = std::make_shared<HostilePlan>();
  auto hostile = NewHostileEngine(std::move(engine_), plan);
  BranchReader reader(hostile.get());
  reader.SetSnapshot(At(old_, 3), LineageOf({{{1}, old_, {9}}}));
  plan->FailRead(1, Status::IOError("the disk is on fire"));
  std::string page(kMinPageSize, 'x');
  EXPECT_TRUE(IsError(reader.ReadPage(5, page.data()), Code::kIOError,
                      "pgno=5 txid=3: the disk is on fire"));
  EXPECT_EQ(page, std::string(kMinPageSize, 'x'));
}

// A reader that holds a view from before a flattening is given the shorter
// lineage with the same snapshot: the old view does not have the copies.
TEST_F(BranchReaderTest, AnotherLineageIsReadWithAFreshView) {
  const TempDir dir;
  engine_ = RocksDbSource(dir.File("store"))();
  PutChunk(old_, 5, {1}, PageOf(1));
  const BranchId middle{9};
  PutChunk(middle, 5, {2}, PageOf(2));
  const BranchPoint front{{1}, new_, {~uint64_t{0}}};
  BranchReader reader(engine_.get());
  reader.SetSnapshot(At(new_, 4),
                     LineageOf({front, {{1}, middle, {2}}, {{1}, old_, {1}}}));
  std::string page(kMinPageSize, 'x');
  ASSERT_OK(reader.ReadPage(5, page.data()));
  EXPECT_EQ(page, PageOf(2));
  PutChunk(new_, 5, {2}, PageOf(2));
  reader.SetSnapshot(At(new_, 4), LineageOf({front, {{1}, old_, {1}}}));
  ASSERT_OK(reader.ReadPage(5, page.data()));
  EXPECT_EQ(page, PageOf(2));
  reader.Release();
  ASSERT_OK(reader.ReadPage(5, page.data()));
  EXPECT_EQ(page, PageOf(2));
}

}  // namespace
}  // namespace actorkv
