// Legacy records and stored pairs: frozen bytes, round trips, and that nothing
// damaged is returned.

#include "kv/format/legacy_record.h"

#include <gtest/gtest.h>

#include "kv/format/keys.h"
#include "tests/support/bytes.h"
#include "tests/support/dump_loader.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

LegacyRecord TestRecord() {
  LegacyRecord record;
  record.state = LegacyState::kFailed;
  record.legacy = {0x0102030405060708};
  record.form = LegacyForm::kArchive;
  record.layouts = kHasLayoutZero | kHasLayoutOne;
  record.pair_count = 0x11;
  record.bytes = 0x12;
  record.sqlite_bytes = 0x13;
  record.imported_at_us = 0x14;
  record.limit_key_bytes = 0x41;
  record.limit_value_bytes = 0x42;
  record.oversized_count = 0x43;
  record.attempts = 0x15;
  record.phase = LegacyPhase::kCheck;
  for (size_t i = 0; i < kLegacyPhaseCount; ++i) record.phase_us[i] = 0x20 + i;
  for (size_t i = 0; i < record.lease.owner.size(); ++i) {
    record.lease.owner[i] = static_cast<uint8_t>(0xa0 + i);
  }
  record.lease.taken_at_us = 0x31;
  record.lease.heartbeat_us = 0x32;
  record.migrated_txid = {0x33};
  record.migrated_at_us = 0x34;
  record.dropped_at_us = 0x35;
  record.last_txid = {0x36};
  record.last_generation = {0x37};
  record.repairs = {"r1", ""};
  record.warnings = {"w"};
  record.error = "err";
  record.metadata_json = "{}";
  return record;
}

// DO NOT CHANGE THESE STRINGS: stores hold these bytes.
TEST(LegacyRecordTest, GoldenBytes) {
  EXPECT_EQ(Hex(EncodeRecord("key", TestRecord())),
            "0204080706050403020103031100000000000000120000000000000013000000"
            "0000000014000000000000001500000005a0a1a2a3a4a5a6a7a8a9aaabacadae"
            "af31000000000000003200000000000000330000000000000034000000000000"
            "0035000000000000003600000000000000370000000000000008000000200000"
            "0000000000210000000000000022000000000000002300000000000000240000"
            "0000000000250000000000000026000000000000002700000000000000020000"
            "000200000072310000000001000000010000007703000000657272020000007b"
            "7d410000004200000043000000000000002c333a1e3f0ca162");
  EXPECT_EQ(Hex(EncodePair({0x0102030405060708}, "key", "value")),
            "0176616c7565bc57e95fc85d0d7d");
  EXPECT_EQ(Hex(EncodePair({1}, "", "")), "01de16cd9fc0345d9c");
}

// Without limits, as earlier modules wrote it.
constexpr char kVersion1[] =
    "0104080706050403020103031100000000000000120000000000000013000000"
    "0000000014000000000000001500000005a0a1a2a3a4a5a6a7a8a9aaabacadae"
    "af31000000000000003200000000000000330000000000000034000000000000"
    "0035000000000000003600000000000000370000000000000008000000200000"
    "0000000000210000000000000022000000000000002300000000000000240000"
    "0000000000250000000000000026000000000000002700000000000000020000"
    "000200000072310000000001000000010000007703000000657272020000007b"
    "7d8b247f8bfe2289df";

TEST(LegacyRecordTest, Version1IsRead) {
  LegacyRecord decoded;
  ASSERT_OK(DecodeRecord("key", Unhex(kVersion1), &decoded));
  EXPECT_EQ(decoded.limit_key_bytes, 0U);
  EXPECT_EQ(decoded.oversized_count, 0U);
  EXPECT_FALSE(decoded.opaque());
  LegacyRecord record = TestRecord();
  record.limit_key_bytes = record.limit_value_bytes = 0;
  record.oversized_count = 0;
  EXPECT_EQ(Hex(EncodeRecord("key", decoded)),
            Hex(EncodeRecord("key", record)));
}

// Of a migration that is under way: at the end, and nothing without one.
TEST(LegacyRecordTest, GoldenBytesOfProgress) {
  const std::string without = Hex(EncodeRecord("key", TestRecord()));
  LegacyRecord record = TestRecord();
  record.progress = {{0x61}, {0x62}, 4096, 0x64, 0x63, 0x65, 0x66};
  const std::string bytes = EncodeRecord("key", record);
  constexpr size_t kCheckDigits = 16;
  const size_t same = without.size() - kCheckDigits;
  EXPECT_EQ(Hex(bytes).substr(0, same), without.substr(0, same));
  EXPECT_EQ(Hex(bytes).substr(same, 88),
            "6100000000000000620000000000000000100000640000006300000065000000"
            "000000006600000000000000");
  EXPECT_EQ(Hex(bytes).size(), same + 88 + kCheckDigits);
  LegacyRecord decoded;
  ASSERT_OK(DecodeRecord("key", bytes, &decoded));
  EXPECT_EQ(decoded.progress.stage, BranchId{0x61});
  EXPECT_EQ(decoded.progress.txid, TxId{0x62});
  EXPECT_EQ(decoded.progress.page_size, 4096U);
  EXPECT_EQ(decoded.progress.page_count, 0x64U);
  EXPECT_EQ(decoded.progress.last_page, 0x63U);
  EXPECT_EQ(decoded.progress.digest, 0x65U);
  EXPECT_EQ(decoded.progress.written_bytes, 0x66U);
  EXPECT_EQ(EncodeRecord("key", decoded), bytes);
}

TEST(LegacyRecordTest, NumbersInBytesAreFrozen) {
  EXPECT_EQ(static_cast<int>(LegacyState::kLegacy), 1);
  EXPECT_EQ(static_cast<int>(LegacyState::kImporting), 2);
  EXPECT_EQ(static_cast<int>(LegacyState::kLive), 3);
  EXPECT_EQ(static_cast<int>(LegacyState::kFailed), 4);
  EXPECT_EQ(static_cast<int>(LegacyForm::kJsonLines), 1);
  EXPECT_EQ(static_cast<int>(LegacyForm::kKvBin), 2);
  EXPECT_EQ(static_cast<int>(LegacyForm::kArchive), 3);
  EXPECT_EQ(static_cast<int>(LegacyForm::kRivetDatabase), 4);
  EXPECT_EQ(static_cast<int>(LegacyForm::kRows), 5);
  EXPECT_EQ(static_cast<int>(LegacyForm::kDriverFile), 6);
  EXPECT_EQ(static_cast<int>(LegacyForm::kOwnTables), 7);
  EXPECT_EQ(kOpaqueKeys, 4);
  EXPECT_EQ(static_cast<int>(LegacyPhase::kImport), 1);
  EXPECT_EQ(static_cast<int>(LegacyPhase::kTables), 7);
}

TEST(LegacyRecordTest, RoundTrip) {
  for (const LegacyRecord& record : {TestRecord(), LegacyRecord()}) {
    const std::string bytes = EncodeRecord("key", record);
    LegacyRecord decoded;
    ASSERT_OK(DecodeRecord("key", bytes, &decoded));
    EXPECT_EQ(Hex(EncodeRecord("key", decoded)), Hex(bytes));
  }
  LegacyRecord decoded;
  ASSERT_OK(DecodeRecord("k", EncodeRecord("k", TestRecord()), &decoded));
  EXPECT_EQ(decoded.repairs, (std::vector<std::string>{"r1", ""}));
  EXPECT_EQ(decoded.error, "err");
  EXPECT_EQ(decoded.metadata_json, "{}");
  EXPECT_EQ(decoded.phase_us[5], 0x25u);
  EXPECT_TRUE(decoded.lease.taken());
  EXPECT_FALSE(LegacyRecord().lease.taken());
}

TEST(LegacyRecordTest, EachDamageIsReported) {
  const std::string key = LegacyRecordKey();
  const std::string value = EncodeRecord(key, TestRecord());
  LegacyRecord out;
  for (size_t size = 0; size < value.size(); ++size) {
    EXPECT_TRUE(IsError(DecodeRecord(key, value.substr(0, size), &out),
                        Code::kCorruption, "legacy record damaged"));
  }
  EXPECT_TRUE(IsError(DecodeRecord("other", value, &out), Code::kCorruption,
                      "checksum mismatch"));
  ForEachBitFlip(value, [&](const std::string& damaged) {
    const Code code =
        damaged[0] == value[0] ? Code::kCorruption : Code::kNotSupported;
    EXPECT_TRUE(IsError(DecodeRecord(key, damaged, &out), code, "legacy"));
  });
  EXPECT_EQ(out.pair_count, 0u);
}

TEST(LegacyRecordTest, UnknownStateIsNamed) {
  for (const int state : {0, 5}) {
    LegacyRecord record = TestRecord();
    record.state = static_cast<LegacyState>(state);
    LegacyRecord out;
    EXPECT_TRUE(IsError(DecodeRecord("k", EncodeRecord("k", record), &out),
                        Code::kNotSupported,
                        "legacy state " + std::to_string(state)));
  }
}

TEST(LegacyRecordTest, UnknownSortOfKeysIsNamed) {
  LegacyRecord out;
  LegacyRecord record = TestRecord();
  record.layouts = kOpaqueKeys;
  ASSERT_OK(DecodeRecord("k", EncodeRecord("k", record), &out));
  EXPECT_TRUE(out.opaque());
  record.layouts = kOpaqueKeys | kHasLayoutOne;
  EXPECT_TRUE(IsError(DecodeRecord("k", EncodeRecord("k", record), &out),
                      Code::kNotSupported, "legacy keys of sort 6"));
}

// A pair is above the limits only where the import counted one.
TEST(LegacyRecordTest, OversizedPairs) {
  LegacyRecord record;
  record.limit_key_bytes = 2;
  record.limit_value_bytes = 3;
  EXPECT_FALSE(record.IsOversized("long", "too long"));
  record.oversized_count = 1;
  EXPECT_FALSE(record.IsOversized("kk", "vvv"));
  EXPECT_TRUE(record.IsOversized("kkk", ""));
  EXPECT_TRUE(record.IsOversized("", "vvvv"));
}

TEST(LegacyRecordTest, NotesAreBounded) {
  std::vector<std::string> notes;
  for (int i = 0; i < 100; ++i) {
    AddLegacyNote(std::string(5000, 'x'), &notes);
  }
  EXPECT_EQ(notes.size(), kMaxLegacyNotes);
  EXPECT_EQ(notes[0].size(), kMaxLegacyNoteBytes);
  EXPECT_EQ(notes.back(), "and more, which are not listed");
  // Not in the middle of a character.
  LegacyRecord record;
  for (int i = 0; i < 2000; ++i) record.error += "\xc3\xbc";
  record.error.insert(0, 1, 'x');
  LegacyRecord decoded;
  ASSERT_OK(DecodeRecord("k", EncodeRecord("k", record), &decoded));
  EXPECT_EQ(decoded.error.size(), kMaxLegacyNoteBytes - 1);
  EXPECT_EQ(decoded.error.substr(decoded.error.size() - 2), "\xc3\xbc");
}

TEST(LegacyPairTest, RoundTripOfAnyBytes) {
  for (const std::string& value :
       {std::string(), std::string(1, '\0'), std::string(131072, '\xff')}) {
    for (const std::string& key : {std::string(), std::string("\4\0x", 3)}) {
      const std::string stored = EncodePair({7}, key, value);
      EXPECT_EQ(stored.size(), value.size() + kPairFrameBytes);
      std::string_view read;
      ASSERT_OK(DecodePair({7}, key, stored, &read));
      EXPECT_EQ(read, value);
    }
  }
}

// A pair is one only where it was put.
TEST(LegacyPairTest, DamageAndOtherPlacesAreReported) {
  const std::string stored = EncodePair({7}, "\4a", "value");
  std::string_view out = "kept";
  ForEachBitFlip(stored, [&](const std::string& damaged) {
    const Code code =
        damaged[0] == stored[0] ? Code::kCorruption : Code::kNotSupported;
    EXPECT_TRUE(IsError(DecodePair({7}, "\4a", damaged, &out), code,
                        "key=0461: legacy pair record"));
  });
  for (size_t size = 0; size < stored.size(); ++size) {
    EXPECT_TRUE(IsError(DecodePair({7}, "\4a", stored.substr(0, size), &out),
                        Code::kCorruption, "key=0461"));
  }
  EXPECT_TRUE(IsError(DecodePair({8}, "\4a", stored, &out), Code::kCorruption,
                      "checksum mismatch"));
  EXPECT_TRUE(IsError(DecodePair({7}, "\4b", stored, &out), Code::kCorruption,
                      "checksum mismatch"));
  EXPECT_EQ(out, "kept");
}

}  // namespace
}  // namespace actorkv
