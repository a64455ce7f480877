// Objects that are changed in several steps, when an allocation between them
// fails: each is as it was, or has forgotten what it may forget.

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "kv/base/thrown.h"
#include "kv/cache/change_log.h"
#include "kv/cache/page_cache_shard.h"
#include "kv/rivet/json_text.h"
#include "tests/support/failing_memory.h"
#include "tests/support/store_harness.h"

namespace actorkv {
namespace {

// Calls `step`, the nth allocation of which fails, for n = 1, 2, ... until none
// does. `check` is called after each.
template <typename Step, typename Check>
void FailEach(const Step& step, const Check& check) {
  uint64_t failed = 1;
  for (uint64_t n = 1; failed > 0; ++n) {
    FailingMemory::Plan plan;
    plan.nth = n;
    FailingMemory::Begin(plan);
    Status status;
    try {
      step();
    } catch (...) {
      status = ThrownStatus();
    }
    failed = FailingMemory::End();
    check(n, status);
    ASSERT_LT(n, 10000u);
  }
}

TEST(NoMemoryTest, StatusNeedsNone) {
  FailingMemory::Plan plan;
  plan.times = 1000;
  FailingMemory::Begin(plan);
  const Status clean = Status::NoMemory();
  const Status doubt = Status::NoMemoryInDoubt();
  const Status copy = clean;
  EXPECT_EQ(FailingMemory::End(), 0u);
  EXPECT_TRUE(IsError(clean, Code::kNoMemory, "memory ran out"));
  EXPECT_TRUE(IsError(doubt, Code::kIOError, "memory ran out"));
  EXPECT_EQ(copy.ToString(), "out of memory: memory ran out");
}

// A log without the pages of a commit must not call them unchanged.
TEST(NoMemoryTest, ChangeLogForgetsWhatItCannotNote) {
  const BranchId branch{7};
  std::vector<PageNo> pages;
  for (PageNo pgno = 1; pgno < 500; ++pgno) pages.push_back(pgno);
  uint64_t txid = 10;
  ChangeLog log;
  log.Reset(branch, TxId{txid});
  FailEach(
      [&] { log.Add(branch, TxId{++txid}, pages); },
      [&](uint64_t /*n*/, const Status& status) {
        EXPECT_OK(status);
        for (PageNo pgno : pages) {
          ASSERT_FALSE(log.Unchanged(branch, pgno, TxId{txid - 1}, TxId{txid}));
        }
        log.Reset(branch, TxId{txid});
      });
}

// A table that grows has its pages, or stays as it is.
TEST(NoMemoryTest, APageCacheKeepsItsPages) {
  constexpr PageNo kPages = 200;
  const std::string bytes(512, 'p');
  const auto key_of = [](PageNo pgno) { return PageKey{1, BranchId{1}, pgno}; };
  uint64_t most_refused = 0;
  FailEach(
      [&] {
        PageCacheShard shard;
        uint64_t refused = 0;
        for (PageNo pgno = 1; pgno <= kPages; ++pgno) {
          PagePin page = CachedPage::Make({TxId{1}, pgno}, bytes, StoredForm());
          const PageKey key = key_of(pgno);
          const uint64_t hash = HashPageKey(key);
          const bool added = shard.Add(key, hash, std::move(page), false);
          refused += added ? 0 : 1;
          EXPECT_EQ(shard.Find(key, hash) != nullptr, added);
          if (pgno == 1 || refused > 0) continue;
          const PageKey before = key_of(pgno / 2);
          EXPECT_NE(shard.Find(before, HashPageKey(before)), nullptr);
        }
        most_refused = std::max(most_refused, refused);
        shard.DropStore(1);
        for (PageNo pgno = 1; pgno <= kPages; ++pgno) {
          const PageKey key = key_of(pgno);
          EXPECT_EQ(shard.Find(key, HashPageKey(key)), nullptr);
        }
      },
      [](uint64_t /*n*/, const Status& status) {
        EXPECT_TRUE(status.ok() || status.code() == Code::kNoMemory);
      });
  EXPECT_EQ(most_refused, 1u) << "the next one finds memory for the table";
}

// Names that stayed "changing" would be busy for ever.
TEST(NoMemoryTest, AChangeOfNamesIsBegunOrNot) {
  const TestStore store;
  const std::vector<std::string> names = {std::string(100, 'a'),
                                          std::string(100, 'b')};
  FailEach(
      [&] {
        static_cast<void>(
            store->actors()->WhileClosed(names, [] { return Status::Ok(); }));
      },
      [&](uint64_t n, const Status& /*status*/) {
        EXPECT_OK(store->actors()->WhileClosed(names, [] {
          return Status::Ok();
        })) << n;
      });
}

TEST(NoMemoryTest, AChangeThatThrowsIsOver) {
  const TestStore store;
  EXPECT_THROW(static_cast<void>(store->actors()->WhileClosed(
                   {"alice"}, []() -> Status { throw std::bad_alloc(); })),
               std::bad_alloc);
  std::shared_ptr<Actor> actor;
  EXPECT_OK(store->OpenActor("alice", &actor));
}

TEST(NoMemoryTest, JsonIsReadOrRefused) {
  const std::string json = R"({"a":{"b":[1,{"c":"text of some length"}]},)"
                           R"("d":"another text, of some length"})";
  std::vector<JsonMember> members;
  FailEach([&] { EXPECT_OK(ReadJsonObject(json, 9, &members)); },
           [](uint64_t /*n*/, const Status& status) {
             EXPECT_TRUE(status.ok() || status.code() == Code::kNoMemory);
           });
  ASSERT_EQ(members.size(), 2u);
  EXPECT_EQ(members[0].text, R"({"b":[1,{"c":"text of some length"}]})");
}

}  // namespace
}  // namespace actorkv
