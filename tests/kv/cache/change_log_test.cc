// ChangeLog: what is known to be unchanged is, in whatever order it was
// learned.

#include "kv/cache/change_log.h"

#include <gtest/gtest.h>

#include <vector>

namespace actorkv {
namespace {

constexpr BranchId kBranch{3};

TEST(ChangeLogTest, KnowsWhatCommitsChanged) {
  ChangeLog log;
  log.Reset(kBranch, TxId{5});
  log.Add(kBranch, TxId{6}, {1, 2});
  log.Add(kBranch, TxId{7}, {1});
  EXPECT_TRUE(log.Unchanged(kBranch, 3, TxId{5}, TxId{7}));
  EXPECT_TRUE(log.Unchanged(kBranch, 2, TxId{6}, TxId{7}));
  EXPECT_FALSE(log.Unchanged(kBranch, 2, TxId{5}, TxId{7}));
  EXPECT_FALSE(log.Unchanged(kBranch, 3, TxId{4}, TxId{7})) << "not known";
  EXPECT_FALSE(log.Unchanged(kBranch, 3, TxId{5}, TxId{8})) << "not known";
  EXPECT_FALSE(log.Unchanged(BranchId{4}, 3, TxId{5}, TxId{7}));
}

TEST(ChangeLogTest, ACommitMayBeToldLateAndAgain) {
  ChangeLog log;
  log.Reset(kBranch, TxId{5});
  log.Add(kBranch, TxId{7}, {1, 2});  // of two commits, as the owner told it
  log.Add(kBranch, TxId{6}, {1});     // by the thread that made the first
  EXPECT_FALSE(log.Unchanged(kBranch, 1, TxId{6}, TxId{7}));
  EXPECT_TRUE(log.Unchanged(kBranch, 3, TxId{5}, TxId{7})) << "known still";
  std::vector<PageNo> pages;
  EXPECT_TRUE(log.AddChanged(kBranch, TxId{6}, TxId{7}, &pages));
  EXPECT_EQ(pages.size(), 2u);
}

TEST(ChangeLogTest, AnotherBranchBeginsAnew) {
  ChangeLog log;
  log.Reset(kBranch, TxId{5});
  log.Add(BranchId{4}, TxId{9}, {1});
  EXPECT_FALSE(log.Unchanged(BranchId{4}, 2, TxId{8}, TxId{9}));
  log.Add(BranchId{4}, TxId{10}, {1});
  EXPECT_TRUE(log.Unchanged(BranchId{4}, 2, TxId{9}, TxId{10}));
}

}  // namespace
}  // namespace actorkv
