// Restore points, restores, forks and settings as bytes.

#include "kv/history_records.h"

#include <gtest/gtest.h>

#include <string>

#include "kv/keys.h"
#include "tests/support/bytes.h"
#include "tests/support/record_checks.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

RestorePointRecord TestRestorePoint() {
  return {{0x0102030405060708}, {0x11}, 0x12, 0x13};
}
RestoreRecord TestRestore() {
  return {{0x0102030405060708}, {0x21}, {0x22}, {0x23}, 0x24, "undo-33"};
}
ForkRecord TestFork() { return {{0x0102030405060708}, {0x31}, 0x32}; }
SettingRecord TestSetting() { return {0x0102030405060708}; }

// DO NOT CHANGE THESE STRINGS: stores hold records with these bytes. A new
// version of a record gets a line of its own.
TEST(HistoryRecordsTest, GoldenBytes) {
  EXPECT_EQ(Hex(EncodeRecord("key", TestRestorePoint())),
            "010807060504030201110000000000000012000000000000001300000000"
            "00000020af9c8b7a6d5a97");
  EXPECT_EQ(Hex(EncodeRecord("key", TestRestore())),
            "010807060504030201210000000000000022000000000000002300000000"
            "000000240000000000000007000000756e646f2d333394bc5c7ce43d145e");
  EXPECT_EQ(Hex(EncodeRecord("key", TestFork())),
            "0108070605040302013100000000000000320000000000000093fbffd2f0"
            "1843a0");
  EXPECT_EQ(Hex(EncodeRecord("key", TestSetting())),
            "010807060504030201211345ca378daaf7");
}

TEST(HistoryRecordsTest, OnlyWholeRecordsDecode) {
  ExpectSound(TestRestorePoint());
  ExpectSound(TestRestore());
  ExpectSound(RestoreRecord());
  ExpectSound(TestFork());
  ExpectSound(TestSetting());
}

TEST(HistoryRecordsTest, Keys) {
  EXPECT_EQ(Hex(RestorePointKey("a")), "5261");
  EXPECT_EQ(Hex(RestoreKey({1})), "55fffffffffffffffe");
  EXPECT_EQ(Hex(ForkKey({1}, {2})), "4600000000000000010000000000000002");
  EXPECT_EQ(Hex(SettingKey("a")), "5661");
  EXPECT_LT(RestoreKey({2}), RestoreKey({1})) << "newest first";

  std::string name;
  TxId txid;
  BranchId branch;
  BranchId child;
  ASSERT_OK(ParseRestorePointKey(RestorePointKey("p"), &name));
  EXPECT_EQ(name, "p");
  ASSERT_OK(ParseRestoreKey(RestoreKey({77}), &txid));
  EXPECT_EQ(txid.value, 77U);
  ASSERT_OK(ParseForkKey(ForkKey({5}, {6}), &branch, &child));
  EXPECT_EQ(branch.value, 5U);
  EXPECT_EQ(child.value, 6U);
  ASSERT_OK(ParseSettingKey(SettingKey("s"), &name));
  EXPECT_EQ(name, "s");
  for (const std::string& bad :
       {std::string(), std::string("R"), std::string("Q1"),
        std::string("U1234567"), std::string("F123456789")}) {
    EXPECT_FALSE(ParseRestorePointKey(bad, &name).ok());
    EXPECT_FALSE(ParseRestoreKey(bad, &txid).ok());
    EXPECT_FALSE(ParseForkKey(bad, &branch, &child).ok());
    EXPECT_FALSE(ParseSettingKey(bad, &name).ok());
  }
}

}  // namespace
}  // namespace actorkv
