// The page cache: which snapshots it answers for, what it keeps, and how much.

#include "kv/cache/page_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "kv/base/page_memory.h"

namespace actorkv {
namespace {

constexpr size_t kPageBytes = 4096;
constexpr BranchId kBranch{7};

PageKey Key(PageNo pgno) { return {1, kBranch, pgno}; }

std::string PageText(PageNo pgno, TxId txid) {
  std::string text =
      std::to_string(pgno) + "@" + std::to_string(txid.value) + " ";
  text.resize(kPageBytes, '.');
  return text;
}

PagePin Page(PageNo pgno, TxId txid) {
  return CachedPage::Make({txid, pgno}, PageText(pgno, txid), {});
}

bool Has(PageCache* cache, PageNo pgno, TxId txid) {
  return cache->Find(Key(pgno), txid, nullptr) != nullptr;
}

TEST(CachedPageTest, KeepsItsBytesAndZerosBehindThem) {
  PagePin pin = Page(3, TxId{5});
  EXPECT_EQ(pin->txid(), TxId{5});
  EXPECT_EQ(pin->page_hash(), 3u);
  EXPECT_EQ(pin->page(), PageText(3, TxId{5}));
  EXPECT_EQ(std::string(pin->page().data() + kPageBytes, 16),
            std::string(16, '\0'));
  const PagePin copy = pin;
  pin.reset();
  EXPECT_TRUE(pin == nullptr);
  EXPECT_EQ(copy->page(), PageText(3, TxId{5}));
}

TEST(PageCacheTest, AnswersForTheRangeThatIsProved) {
  PageCache cache(64 << 20);
  cache.Insert(Key(3), TxId{10}, Page(3, TxId{5}));
  EXPECT_FALSE(Has(&cache, 3, TxId{4}));
  EXPECT_TRUE(Has(&cache, 3, TxId{5}));
  EXPECT_TRUE(Has(&cache, 3, TxId{10}));
  EXPECT_FALSE(Has(&cache, 3, TxId{11}));
  EXPECT_FALSE(cache.Find({2, kBranch, 3}, TxId{10}, nullptr));
  EXPECT_FALSE(cache.Find({1, BranchId{8}, 3}, TxId{10}, nullptr));

  ChangeLog changes;
  changes.Reset(kBranch, TxId{10});
  changes.Add(kBranch, TxId{11}, {4});
  EXPECT_TRUE(cache.Find(Key(3), TxId{11}, &changes));
  changes.Add(kBranch, TxId{12}, {3});
  EXPECT_FALSE(cache.Find(Key(3), TxId{12}, &changes));
  EXPECT_TRUE(cache.Find(Key(3), TxId{11}, &changes));
}

TEST(PageCacheTest, ANewerVersionReplacesAndALateOneLoses) {
  PageCache cache(64 << 20);
  cache.Insert(Key(3), TxId{10}, Page(3, TxId{5}));
  const PagePin old = cache.Find(Key(3), TxId{10}, nullptr);
  cache.Insert(Key(3), TxId{20}, Page(3, TxId{12}));
  EXPECT_FALSE(Has(&cache, 3, TxId{10}));
  for (bool ahead : {false, true}) {
    if (ahead) {
      cache.Insert(Key(3), TxId{11}, Page(3, TxId{5}),
                   PageCache::Source::kAhead);
    } else {
      cache.Insert(Key(3), TxId{11}, Page(3, TxId{5}));
    }
    const PagePin now = cache.Find(Key(3), TxId{20}, nullptr);
    ASSERT_TRUE(now);
    EXPECT_EQ(now->txid(), TxId{12});
  }
  EXPECT_EQ(old->page(), PageText(3, TxId{5}));
}

TEST(PageCacheTest, ReadCopiesAWholePageOnly) {
  PageCache cache(64 << 20);
  cache.Insert(Key(3), TxId{10}, Page(3, TxId{5}));
  std::string page(kPageBytes, '\0');
  ASSERT_EQ(cache.Read(Key(3), TxId{7}, nullptr, {page.data(), page.size()}),
            Found::kHere);
  EXPECT_EQ(page, PageText(3, TxId{5}));
  EXPECT_EQ(cache.Read(Key(3), TxId{7}, nullptr, {page.data(), 512}),
            Found::kMissing);
  EXPECT_EQ(cache.Read(Key(3), TxId{11}, nullptr, {page.data(), page.size()}),
            Found::kMissing);
  EXPECT_EQ(cache.counts().hits, 1u);
  EXPECT_EQ(cache.counts().misses, 0u) << "nobody read it for that";
  cache.Insert(Key(4), TxId{10}, Page(4, TxId{5}), PageCache::Source::kMiss);
  EXPECT_EQ(cache.counts().misses, 1u);
}

// Whatever is asked for, all that the cache says it takes is no more than it
// may, and it is what pages of this size take at least.
TEST(PageCacheTest, StaysWithinItsCapacity) {
  constexpr size_t kCapacity = 8 << 20;
  PageCache cache(kCapacity);
  for (PageNo pgno = 1; pgno <= 10000; ++pgno) {
    cache.Insert(Key(pgno), TxId{10}, Page(pgno, TxId{5}));
    if (pgno % 3 == 0) Has(&cache, pgno / 2, TxId{10});
  }
  EXPECT_LE(cache.size_bytes(), kCapacity);
  EXPECT_GT(cache.size_bytes(), kCapacity * 9 / 10);
  size_t present = 0;
  for (PageNo pgno = 1; pgno <= 10000; ++pgno) {
    present += Has(&cache, pgno, TxId{10}) ? 1 : 0;
  }
  EXPECT_LE(present * PageMemoryBytes(kPageBytes), cache.size_bytes());
  EXPECT_GE(present * (kPageBytes + 400), cache.size_bytes());
  EXPECT_EQ(cache.counts().evicted, 10000 - present);

  cache.SetCapacity(kCapacity / 4);
  EXPECT_EQ(cache.capacity_bytes(), kCapacity / 4);
  EXPECT_LE(cache.size_bytes(), kCapacity / 4);
}

// A process that shares stores of others takes little, as long as nobody says
// how much; one that has had a store of its own, more.
TEST(PageCacheTest, ItsDefaultIsThatOfTheProcess) {
  constexpr size_t kSharing = size_t{64} << 20;
  constexpr size_t kCapacity = 8 << 20;
  PageCache cache;
  EXPECT_EQ(cache.capacity_bytes(), kSharing);
  cache.SetCapacity(kCapacity);
  cache.UseDefaultCapacity();
  EXPECT_EQ(cache.capacity_bytes(), kSharing);
  cache.NoteOwnStore();
  EXPECT_GT(cache.capacity_bytes(), kSharing);
  EXPECT_EQ(cache.capacity_bytes(), cache.DefaultCapacity());
  PageCache set;
  set.SetCapacity(kCapacity);
  set.NoteOwnStore();
  EXPECT_EQ(set.capacity_bytes(), kCapacity);
}

// Half of the cache is in use, then someone reads ten times what it holds.
TEST(PageCacheTest, AScanDoesNotEvictWhatIsInUse) {
  constexpr size_t kCapacity = 16 << 20;
  constexpr PageNo kHot = kCapacity / kPageBytes / 2;
  constexpr PageNo kScanned = kCapacity / kPageBytes * 10;
  for (bool ahead : {false, true}) {
    PageCache cache(kCapacity);
    for (int round = 0; round < 3; ++round) {
      for (PageNo pgno = 1; pgno <= kHot; ++pgno) {
        if (!Has(&cache, pgno, TxId{10})) {
          cache.Insert(Key(pgno), TxId{10}, Page(pgno, TxId{5}));
        }
      }
    }
    for (PageNo pgno = kHot + 1; pgno <= kHot + kScanned; ++pgno) {
      // A page that was read ahead is asked for once, as others are.
      if (ahead) {
        cache.Insert(Key(pgno), TxId{10}, Page(pgno, TxId{5}),
                     PageCache::Source::kAhead);
        EXPECT_TRUE(Has(&cache, pgno, TxId{10}));
      } else if (!Has(&cache, pgno, TxId{10})) {
        cache.Insert(Key(pgno), TxId{10}, Page(pgno, TxId{5}));
      }
    }
    PageNo kept = 0;
    for (PageNo pgno = 1; pgno <= kHot; ++pgno) {
      kept += Has(&cache, pgno, TxId{10}) ? 1 : 0;
    }
    EXPECT_GE(kept, kHot * 98 / 100) << "read ahead: " << ahead;
    EXPECT_LE(cache.size_bytes(), kCapacity);
  }
}

// The set in use moves on: the cache follows, though the new pages come back
// only after they were dropped.
TEST(PageCacheTest, AnotherHotSetTakesOver) {
  constexpr size_t kCapacity = 16 << 20;
  constexpr PageNo kHot = kCapacity / kPageBytes / 2;
  PageCache cache(kCapacity);
  PageNo kept = 0;
  for (PageNo first : {PageNo{1}, PageNo{1000000}}) {
    for (int round = 0; round < 8; ++round) {
      kept = 0;
      for (PageNo pgno = first; pgno < first + kHot; ++pgno) {
        if (Has(&cache, pgno, TxId{10})) {
          ++kept;
        } else {
          cache.Insert(Key(pgno), TxId{10}, Page(pgno, TxId{5}));
        }
      }
    }
    EXPECT_GE(kept, kHot * 95 / 100) << "from page " << first;
  }
}

// Pages that were read ahead wait for their first use, whatever else comes;
// but those that nobody asks for do not fill the cache.
TEST(PageCacheTest, WhatIsReadAheadWaitsForItsUse) {
  constexpr size_t kCapacity = 16 << 20;
  constexpr PageNo kAhead = 200;
  constexpr PageNo kMany = kCapacity / kPageBytes;
  PageCache cache(kCapacity);
  for (PageNo pgno = 1; pgno <= kMany; ++pgno) {
    cache.Insert(Key(pgno), TxId{10}, Page(pgno, TxId{5}));
    Has(&cache, pgno, TxId{10});  // in use
  }
  for (PageNo pgno = 1; pgno <= kAhead; ++pgno) {
    cache.Insert(Key(1000000 + pgno), TxId{10}, Page(1000000 + pgno, TxId{5}),
                 PageCache::Source::kAhead);
  }
  for (PageNo pgno = 1; pgno <= kMany; ++pgno) {
    cache.Insert(Key(2000000 + pgno), TxId{10}, Page(2000000 + pgno, TxId{5}));
  }
  EXPECT_EQ(cache.counts().ahead_wasted, 0u);
  for (PageNo pgno = 1; pgno <= kAhead; ++pgno) {
    EXPECT_TRUE(Has(&cache, 1000000 + pgno, TxId{10})) << pgno;
  }
  EXPECT_EQ(cache.counts().ahead_used, kAhead);

  for (PageNo pgno = 1; pgno <= 3 * kMany; ++pgno) {
    cache.Insert(Key(3000000 + pgno), TxId{10}, Page(3000000 + pgno, TxId{5}),
                 PageCache::Source::kAhead);
  }
  EXPECT_GT(cache.counts().ahead_wasted, 2 * kMany);
  EXPECT_LE(cache.size_bytes(), kCapacity);
}

// A page comes ahead of a reader that has read it meanwhile.
TEST(PageCacheTest, WhatComesAheadTooLateChangesNothing) {
  PageCache cache(64 << 20);
  cache.Insert(Key(3), TxId{10}, Page(3, TxId{5}), PageCache::Source::kMiss);
  cache.Insert(Key(3), TxId{12}, Page(3, TxId{5}), PageCache::Source::kAhead);
  EXPECT_TRUE(Has(&cache, 3, TxId{12}));
  EXPECT_EQ(cache.counts().ahead_used, 0u);
  cache.Insert(Key(4), TxId{10}, Page(4, TxId{5}), PageCache::Source::kAhead);
  cache.Insert(Key(4), TxId{11}, Page(4, TxId{11}));
  EXPECT_TRUE(Has(&cache, 4, TxId{11}));
  EXPECT_EQ(cache.counts().ahead_used, 0u);
  cache.SetCapacity(0);
  EXPECT_EQ(cache.counts().ahead_wasted, 0u);
}

TEST(PageCacheTest, DropsThePagesOfOneStore) {
  constexpr PageNo kPages = 2000;
  PageCache cache(64 << 20);
  for (uint64_t store : {1u, 2u}) {
    for (PageNo pgno = 1; pgno <= kPages; ++pgno) {
      cache.Insert(
          {store, kBranch, pgno}, TxId{10}, Page(pgno, TxId{5}),
          pgno % 2 == 0 ? PageCache::Source::kAhead : PageCache::Source::kMiss);
    }
  }
  const size_t before = cache.size_bytes();
  cache.DropStore(1);
  EXPECT_LT(cache.size_bytes(), before * 6 / 10);
  EXPECT_EQ(cache.counts().evicted, 0u);
  for (PageNo pgno = 1; pgno <= kPages; ++pgno) {
    EXPECT_FALSE(cache.Find({1, kBranch, pgno}, TxId{10}, nullptr));
    EXPECT_TRUE(cache.Find({2, kBranch, pgno}, TxId{10}, nullptr));
  }
  cache.Insert({1, kBranch, 1}, TxId{10}, Page(1, TxId{5}));
  EXPECT_TRUE(cache.Find({1, kBranch, 1}, TxId{10}, nullptr));
}

TEST(PageCacheTest, CountsWhatWasReadAheadForNothing) {
  constexpr size_t kCapacity = 8 << 20;
  PageCache cache(kCapacity);
  cache.Insert(Key(1), TxId{10}, Page(1, TxId{5}), PageCache::Source::kAhead);
  EXPECT_TRUE(Has(&cache, 1, TxId{10}));
  EXPECT_TRUE(Has(&cache, 1, TxId{10}));
  EXPECT_EQ(cache.counts().ahead_used, 1u);
  EXPECT_EQ(cache.counts().ahead_wasted, 0u);
  for (PageNo pgno = 2; pgno <= 101; ++pgno) {
    cache.Insert(Key(pgno), TxId{10}, Page(pgno, TxId{5}),
                 PageCache::Source::kAhead);
  }
  cache.SetCapacity(0);
  const PageCacheCounts counts = cache.counts();
  EXPECT_EQ(counts.ahead_used, 1u);
  EXPECT_GT(counts.ahead_wasted, 0u);
  EXPECT_LE(counts.ahead_wasted, 100u);
}

// A version goes from hand to hand while others replace and evict it: what a
// reader gets is always a whole version that its snapshot may see.
TEST(PageCacheTest, ThreadsSeeWholeVersions) {
  constexpr PageNo kPages = 200;
  constexpr uint64_t kCommits = 300;
  PageCache cache(kPages * kPageBytes / 2);
  std::atomic<uint64_t> head{1};
  std::atomic<bool> failed{false};
  std::vector<std::thread> readers;
  for (unsigned seed = 0; seed < 3; ++seed) {
    readers.emplace_back([&cache, &head, &failed, seed] {
      std::string copy(kPageBytes, '\0');
      uint64_t random = seed + 1;
      for (uint64_t at = head; at < kCommits; at = head) {
        random = random * 6364136223846793005 + 1442695040888963407;
        const PageNo pgno = 1 + static_cast<PageNo>(random >> 33) % kPages;
        const PagePin pin = cache.Find(Key(pgno), TxId{at}, nullptr);
        if (pin != nullptr && (TxId{at} < pin->txid() ||
                               pin->page() != PageText(pgno, pin->txid()))) {
          failed = true;
        }
        if (cache.Read(Key(pgno), TxId{at}, nullptr,
                       {copy.data(), copy.size()}) != Found::kMissing &&
            copy.find('@') == std::string::npos) {
          failed = true;
        }
        if (pin == nullptr && pgno % 7 != 1) {  // never committed again
          cache.Insert(Key(pgno), TxId{at}, Page(pgno, TxId{1}));
        }
      }
    });
  }
  for (uint64_t commit = 2; commit <= kCommits; ++commit) {
    for (PageNo pgno = 1; pgno <= kPages; pgno += 7) {
      cache.Insert(Key(pgno), TxId{commit}, Page(pgno, TxId{commit}));
    }
    head = commit;
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_FALSE(failed);
}

}  // namespace
}  // namespace actorkv
