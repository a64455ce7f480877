// Restore points, restores, forks and settings as bytes.

#include "kv/format/history_records.h"

#include <gtest/gtest.h>

#include <string>

#include "kv/format/keys.h"
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
  RestoreRecord restore = TestRestore();
  restore.undo_name = "undo-51";
  ExpectSound(restore, RestoreKey({51}));
  ExpectSound(TestFork(), ForkKey({1}, {2}));
  ExpectSound(TestSetting());
}

template <typename Record>
void ExpectForgedIsRefused(const std::string& key, const Record& record,
                           const std::string& text) {
  Record out;
  EXPECT_TRUE(IsError(DecodeRecord(key, EncodeRecord(key, record), &out),
                      Code::kCorruption, text));
}

// Whole records that do not belong under their key.
TEST(HistoryRecordsTest, ARestoreIsThatOfItsKey) {
  ExpectForgedIsRefused(RestoreKey({52}), TestRestore(),
                        "restore record damaged: its key names txid=52, the "
                        "record from=33 to=35 undo=undo-33");
  for (const TxId txid : {TxId{51}, TxId{99}}) {
    RestoreRecord record = TestRestore();
    record.undo_name = "undo-51";
    ExpectRoundTripUnder(RestoreKey({51}), record);
    record.from_txid = txid;
    ExpectForgedIsRefused(RestoreKey({51}), record, "its key names txid=51");
    record = TestRestore();
    record.undo_name = "undo-51";
    record.source_txid = txid;
    ExpectForgedIsRefused(RestoreKey({51}), record, "its key names txid=51");
  }
}

TEST(HistoryRecordsTest, AForkIsYoungerThanWhereItBegins) {
  ExpectForgedIsRefused(ForkKey({2}, {2}), TestFork(),
                        "fork record damaged: its key names branch=2, the "
                        "record a child that is not younger, branch=2");
  ExpectForgedIsRefused(ForkKey({2}, {1}), TestFork(), "not younger");
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
