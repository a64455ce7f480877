// The end on a breach, and that checks are made where they are wanted alone.

#include "kv/base/invariant.h"

#include <gtest/gtest.h>

namespace actorkv {
namespace {

TEST(InvariantTest, ChecksAreMadeWhereTheyAreWanted) {
  int count = 0;
  CheckInvariant([&count] {
    ++count;
    return "";
  });
  EXPECT_EQ(count, kChecksInvariants ? 1 : 0);
}

TEST(InvariantDeathTest, ABreachIsToldAndEndsTheProcess) {
  EXPECT_DEATH(EndOnBreach("actor=alice pgno=2"),
               "an invariant is broken: actor=alice pgno=2");
}

TEST(InvariantDeathTest, ACheckThatFindsOneEndsTheProcess) {
  const auto check = [] { CheckInvariant([] { return "branch=7 txid=3"; }); };
  if (!kChecksInvariants) return check();
  EXPECT_DEATH(check(), "branch=7 txid=3");
}

}  // namespace
}  // namespace actorkv
