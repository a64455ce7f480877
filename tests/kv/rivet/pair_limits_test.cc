// Limits of pairs.

#include "kv/rivet/pair_limits.h"

#include <gtest/gtest.h>

#include "tests/support/testing.h"

namespace actorkv {
namespace {

TEST(PairLimitsTest, NamesLimitAndSize) {
  EXPECT_OK(CheckPairKeySize(2048));
  EXPECT_OK(CheckPairValueSize(131072));
  EXPECT_TRUE(IsError(CheckPairKeySize(2049), Code::kInvalidArgument,
                      "a key of 2049 bytes is larger than the limit of 2048"));
  EXPECT_TRUE(
      IsError(CheckPairValueSize(131073), Code::kInvalidArgument,
              "a value of 131073 bytes is larger than the limit of 131072"));
}

TEST(PairLimitsTest, OtherLimits) {
  const PairLimits limits = {2, 3};
  EXPECT_OK(CheckPairSize("kk", "vvv", limits));
  EXPECT_TRUE(IsError(CheckPairSize("kkk", "vvvv", limits),
                      Code::kInvalidArgument,
                      "a key of 3 bytes is larger than the limit of 2"));
  EXPECT_TRUE(IsError(CheckPairSize("kk", "vvvv", limits),
                      Code::kInvalidArgument,
                      "a value of 4 bytes is larger than the limit of 3"));
}

TEST(PairLimitsTest, AnActorThatIsTooLargeForRivetIsTold) {
  EXPECT_EQ(RivetSizeWarning(0), "");
  EXPECT_EQ(RivetSizeWarning(10'737'418'240), "");
  EXPECT_EQ(RivetSizeWarning(10'737'418'241),
            "the export has 10737418241 bytes, and Rivet takes an actor of at "
            "most 10737418240");
}

}  // namespace
}  // namespace actorkv
