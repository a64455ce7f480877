// What goes into the record of a commit that stays, and what leaves a hole.

#include "kv/reclaim/commit_fold.h"

#include <gtest/gtest.h>

#include "kv/format/keys.h"
#include "kv/format/page_list.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr BranchId kBranch{7};

using Pages = std::vector<PageNo>;

CommitRecord Commit(uint64_t txid, const Pages& pages,
                    PageNo page_count = 100) {
  CommitRecord record;
  record.snapshot = {kBranch, TxId{txid}, page_count, kMinPageSize, 0};
  record.base_txid = TxId{txid - 1};
  record.page_list = EncodePageList(pages);
  record.changed_page_count = static_cast<uint32_t>(pages.size());
  return record;
}

std::string KeyOf(const CommitRecord& record) {
  return CommitKey(kBranch, record.snapshot.txid);
}

class CommitFoldTest : public testing::Test {
 protected:
  void Begin(const CommitRecord& stays) {
    stays_ = stays;
    fold_.Begin(KeyOf(stays), EncodeRecord(KeyOf(stays), stays));
  }

  // All but base and list is as it was.
  void ExpectTaken(uint64_t base, const Pages& pages) {
    const auto update = fold_.Take();
    ASSERT_TRUE(update.has_value());
    EXPECT_EQ(update->key, KeyOf(stays_));
    CommitRecord expected = stays_;
    expected.base_txid = TxId{base};
    expected.page_list = EncodePageList(pages);
    EXPECT_EQ(update->value, EncodeRecord(update->key, expected));
  }

  void ExpectNothing() { EXPECT_FALSE(fold_.Take().has_value()); }

  CommitFold fold_;
  CommitRecord stays_;
};

TEST_F(CommitFoldTest, ARunGoesIntoTheOneThatStays) {
  Begin(Commit(10, {1, 5}));
  ExpectNothing();
  fold_.Add(Commit(9, {5, 6}));
  fold_.Add(Commit(8, {1, 99}));
  ExpectTaken(7, {1, 5, 6, 99});
  ExpectNothing();
  fold_.Add(Commit(7, {3}));
  ExpectTaken(6, {1, 3, 5, 6, 99});
  Begin(Commit(6, {50}));
  ExpectNothing();
  fold_.Add(Commit(5, {51}));
  ExpectTaken(4, {50, 51});
  fold_.End();
  fold_.Add(Commit(4, {52}));
  ExpectNothing();
}

// Its pages were written by a record that is not there.
TEST_F(CommitFoldTest, AMissingRecordLeavesAHole) {
  Begin(Commit(10, {1}));
  fold_.Add(Commit(9, {2}));
  fold_.Add(Commit(7, {3}));
  fold_.Add(Commit(6, {4}));
  ExpectNothing();
  Begin(Commit(10, {1}));
  fold_.Add(Commit(8, {3}));
  ExpectNothing();
}

TEST_F(CommitFoldTest, ARecordWithoutAListLeavesAHole) {
  CommitRecord unknown = Commit(9, {2});
  unknown.page_list.reset();
  Begin(Commit(10, {1}));
  fold_.Add(unknown);
  fold_.Add(Commit(8, {3}));
  ExpectNothing();
  unknown = Commit(10, {});
  unknown.page_list.reset();
  Begin(unknown);
  fold_.Add(Commit(9, {3}));
  ExpectNothing();
  fold_.Begin("no record", "at all");
  fold_.Add(Commit(9, {3}));
  ExpectNothing();
}

// They are no pages of the one that stays, and come back with a list.
TEST_F(CommitFoldTest, PagesPastItsEndAreLeftOut) {
  Begin(Commit(10, {1}, /*page_count=*/20));
  fold_.Add(Commit(9, {2, 20, 21, 80}, /*page_count=*/80));
  ExpectTaken(8, {1, 2, 20});
}

TEST_F(CommitFoldTest, ALongListLeavesAHole) {
  Pages odd;
  Pages even;
  for (PageNo pgno = 1; pgno < 2 * kMaxPageListBytes; ++pgno) {
    if (pgno % 4 == 1) odd.push_back(pgno);
    if (pgno % 4 == 3) even.push_back(pgno);
  }
  ASSERT_LE(EncodePageList(odd).size(), kMaxPageListBytes);
  Begin(Commit(10, odd, 200'000));
  fold_.Add(Commit(9, even, 200'000));
  ExpectNothing();
  Begin(Commit(10, {1}, kMaxFoldPages + 1));
  fold_.Add(Commit(9, {2}));
  ExpectNothing();
}

}  // namespace
}  // namespace actorkv
