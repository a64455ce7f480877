// SQLite files in legacy pairs: sizes, holes, short and superfluous chunks,
// metadata that cannot be.

#include "kv/rivet/legacy_file.h"

#include <gtest/gtest.h>

#include "tests/support/bytes.h"
#include "tests/support/legacy_pairs.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr LegacyTag kMain = LegacyTag::kMain;
constexpr uint64_t kTebibyte = uint64_t{1} << 40;

std::string ReadAll(LegacyFile* file, uint64_t offset, size_t size) {
  std::string bytes(size, '?');
  size_t copied = 0;
  EXPECT_OK(file->Read(offset, size, bytes.data(), &copied));
  bytes.resize(copied);
  return bytes;
}

TEST(LegacyFileTest, GoldenKeys) {
  EXPECT_EQ(Hex(LegacyMetadataKey(LegacyTag::kMain)), "08010000");
  EXPECT_EQ(Hex(LegacyMetadataKey(LegacyTag::kWal)), "08010002");
  EXPECT_EQ(Hex(LegacyChunkKey(LegacyTag::kJournal, 0x01020304)),
            "0801010101020304");
}

TEST(LegacyFileTest, ReadsWhatWasStored) {
  MemoryPairs pairs;
  std::string bytes;
  for (int i = 0; i < 9000; ++i) bytes += static_cast<char>(i * 7 % 251);
  pairs.AddFile(kMain, bytes);
  LegacyFile file(&pairs, kMain);
  ASSERT_OK(file.Open());
  EXPECT_TRUE(file.exists());
  EXPECT_EQ(file.size_bytes(), 9000u);
  for (size_t offset :
       {0U, 1U, 4095U, 4096U, 5000U, 8191U, 8999U, 9000U, 20000U}) {
    for (size_t size : {0U, 1U, 100U, 4096U, 9000U}) {
      const std::string expected =
          offset < bytes.size() ? bytes.substr(offset, size) : "";
      EXPECT_EQ(ReadAll(&file, offset, size) == expected, true)
          << offset << " " << size;
    }
  }
}

TEST(LegacyFileTest, HolesAndShortChunksAreZeros) {
  MemoryPairs pairs;
  pairs.SetSize(kMain, uint64_t{4} * 4096);
  pairs.PutChunk(kMain, 1, "short");
  pairs.PutChunk(kMain, 3, std::string(5000, 'x'));  // longer than a chunk
  pairs.PutChunk(kMain, 4, "behind the end");
  LegacyFile file(&pairs, kMain);
  ASSERT_OK(file.Open());
  const std::string expected = std::string(4096, '\0') + "short" +
                               std::string(4091 + 4096, '\0') +
                               std::string(4096, 'x');
  EXPECT_EQ(ReadAll(&file, 0, 30000) == expected, true);
  // Backwards, so that what the last seek said is of no use.
  for (size_t offset : {12288U, 8192U, 4096U, 0U}) {
    EXPECT_EQ(ReadAll(&file, offset, 4096) == expected.substr(offset, 4096),
              true)
        << offset;
  }
}

TEST(LegacyFileTest, NextChunkGivesWhatCounts) {
  MemoryPairs pairs;
  pairs.SetSize(kMain, 4 * 4096 + 10);
  pairs.PutChunk(kMain, 1, "short");
  pairs.PutChunk(kMain, 4, std::string(100, 'x'));
  pairs.PutChunk(kMain, 5, "behind the end");
  LegacyFile file(&pairs, kMain);
  ASSERT_OK(file.Open());
  std::optional<LegacyFile::Chunk> chunk;
  ASSERT_OK(file.NextChunk(0, &chunk));
  EXPECT_EQ(chunk->index, 1u);
  EXPECT_EQ(chunk->size_bytes, 5u);
  ASSERT_OK(file.NextChunk(2, &chunk));
  EXPECT_EQ(chunk->index, 4u);
  EXPECT_EQ(chunk->size_bytes, 10u);
  ASSERT_OK(file.NextChunk(5, &chunk));
  EXPECT_FALSE(chunk.has_value());
}

TEST(LegacyFileTest, FindsTheFirstHole) {
  MemoryPairs pairs;
  pairs.SetSize(kMain, 5 * 4096 + 10);
  for (uint32_t i : {0U, 1U, 3U, 4U, 5U}) {
    pairs.PutChunk(kMain, i, std::string(4096, 'x'));
  }
  pairs.PutChunk(kMain, 4, std::string(100, 'x'));
  LegacyFile file(&pairs, kMain);
  ASSERT_OK(file.Open());
  const struct {
    uint64_t begin, end, hole;
  } cases[] = {
      {0, 8192, 8192},       {0, 8193, 8192},       {100, 4096, 4096},
      {8192, 12288, 8192},   {9000, 9001, 9000},    {12288, 16484, 16484},
      {12288, 16485, 16484}, {16400, 20480, 16484}, {20480, 20490, 20490},
      {20480, 20491, 20490}, {30000, 30001, 30000}, {7, 7, 7},
      {30000, 30000, 30000},
  };
  for (const auto& sample : cases) {
    uint64_t hole = 0;
    ASSERT_OK(file.FindHole(sample.begin, sample.end, &hole));
    EXPECT_EQ(hole, sample.hole) << sample.begin << ".." << sample.end;
  }
}

TEST(LegacyFileTest, ASizeCostsNothing) {
  MemoryPairs pairs;
  pairs.SetSize(kMain, 17 * kTebibyte);
  for (uint32_t i = 0; i < 4; ++i) pairs.PutChunk(kMain, i, "chunk");
  LegacyFile file(&pairs, kMain);
  ASSERT_OK(file.Open());
  EXPECT_EQ(file.size_bytes(), 17 * kTebibyte);
  EXPECT_EQ(ReadAll(&file, 17 * kTebibyte - 3, 10), std::string(3, '\0'));
  EXPECT_EQ(ReadAll(&file, 3 * kTebibyte, 2), std::string(2, '\0'));
  uint64_t hole = 0;
  ASSERT_OK(file.FindHole(0, 17 * kTebibyte, &hole));
  EXPECT_EQ(hole, 5u);
  EXPECT_LT(pairs.read_count(), 10u);
}

TEST(LegacyFileTest, FrontToBackIsOneSeekForAChunk) {
  MemoryPairs pairs;
  pairs.AddFile(kMain, std::string(size_t{100} * 4096, 'x'));
  LegacyFile file(&pairs, kMain);
  ASSERT_OK(file.Open());
  for (uint64_t at = 0; at < uint64_t{100} * 4096; at += 512)
    ReadAll(&file, at, 512);
  EXPECT_LE(pairs.read_count(), 101u);
}

TEST(LegacyFileTest, WithoutMetadataThereIsNoFile) {
  MemoryPairs pairs;
  for (LegacyTag tag : {LegacyTag::kMain, LegacyTag::kJournal}) {
    LegacyFile file(&pairs, tag);
    ASSERT_OK(file.Open());
    EXPECT_FALSE(file.exists());
    EXPECT_EQ(file.size_bytes(), 0u);
  }
  pairs.PutChunk(LegacyTag::kJournal, 0, "left behind");
  LegacyFile journal(&pairs, LegacyTag::kJournal);
  ASSERT_OK(journal.Open());
  EXPECT_FALSE(journal.exists());
  // But a database must not become an empty one.
  pairs.PutChunk(kMain, 7, "a chunk");
  LegacyFile main(&pairs, kMain);
  EXPECT_TRUE(IsError(main.Open(), Code::kCorruption,
                      "chunks but no metadata, which have its size: "
                      "key=08010000"));
}

TEST(LegacyFileTest, BadMetadataAreNamed) {
  const struct {
    std::string value;
    Code code;
    const char* text;
  } cases[] = {
      {"", Code::kCorruption, "metadata of 0 bytes, not 10"},
      {std::string(9, '\1'), Code::kCorruption,
       "metadata of 9 bytes, not 10 of the SQLite file 'wal': key=08010002 "
       "value=010101010101010101"},
      {std::string(11, '\0'), Code::kCorruption, "metadata of 11 bytes"},
      {std::string(200, '\0'), Code::kCorruption, "0000..."},
      {std::string("\2\0\0\0\0\0\0\0\0\0", 10), Code::kNotSupported,
       "metadata of version 2, not 1"},
      {std::string("\0\1\0\0\0\0\0\0\0\0", 10), Code::kNotSupported,
       "metadata of version 256, not 1"},
  };
  for (const auto& bad : cases) {
    MemoryPairs pairs;
    pairs.Put(LegacyMetadataKey(LegacyTag::kWal), bad.value);
    LegacyFile file(&pairs, LegacyTag::kWal);
    EXPECT_TRUE(IsError(file.Open(), bad.code, bad.text));
    EXPECT_FALSE(file.exists());
  }
}

TEST(LegacyFileTest, OtherKeysDoNotDisturb) {
  MemoryPairs pairs;
  pairs.AddFile(kMain, std::string(size_t{2} * 4096, 'x'));
  const std::string between = LegacyChunkKey(kMain, 0) + "!";
  const std::string other_layout("\x08\x02\x00\x00", 4);
  const std::string other_tag("\x08\x01\x00\x04", 4);
  for (const std::string& key : {between, other_layout, other_tag}) {
    pairs.Put(key, "y");
  }
  pairs.Put("\x07", "not of a SQLite file");
  pairs.Put("\x09", "not of a SQLite file");
  LegacyFile file(&pairs, kMain);
  ASSERT_OK(file.Open());
  EXPECT_EQ(ReadAll(&file, 0, 9000) == std::string(size_t{2} * 4096, 'x'),
            true);
}

// A database in a version that is not known is never passed over.
TEST(LegacyFileTest, OtherVersionsAreRefused) {
  for (const bool has_main : {false, true}) {
    for (int version = 0; version < 256; ++version) {
      MemoryPairs pairs;
      if (has_main) pairs.AddFile(kMain, std::string(9000, 'x'));
      pairs.Put("\x08", "alone");
      const std::string prefix =
          std::string("\x08") + static_cast<char>(version);
      pairs.Put(prefix, "v");
      pairs.Put(prefix + "more", "v");
      pairs.Put("\x09", "behind");
      const Status s = CheckDatabaseKeys(&pairs, has_main);
      if (version == 0x15 || (version == 1 && has_main)) {
        EXPECT_OK(s) << version;  // what looks like traces of layout 0
      } else if (version == 1) {
        EXPECT_TRUE(IsError(s, Code::kCorruption, "key=0801"));
      } else {
        EXPECT_TRUE(IsError(
            s, Code::kNotSupported,
            "in version " + std::to_string(version) + " of its namespace"));
      }
    }
  }
}

TEST(LegacyFileTest, WhatLooksLikeADatabaseIsNotNone) {
  const struct {
    std::string key;
    bool refused;
  } cases[] = {
      {std::string("\x08\x01\x00\x04", 4), true},
      {std::string("\x08\x01\x02\x00", 4), true},
      {std::string("\x08\x01\x01\x00\x00\x00\x00", 7), true},
      {std::string("\x09\x00\x04", 3), true},
      {std::string("\x09\x01\x00\x00\x00\x00", 6), true},
      {LegacyMetadataKey(LegacyTag::kJournal), false},
      {LegacyChunkKey(LegacyTag::kJournal, 7), false},
      {LegacyMetadataKey(LegacyTag::kShm), false},
      {"\x09\x02", false},
      {"\x09", false},
      {"\x0a", false},
      {"\x07\x01\x15\x01", false},
  };
  for (const auto& one : cases) {
    MemoryPairs pairs;
    pairs.Put(one.key, "v");
    const Status s = CheckDatabaseKeys(&pairs, false);
    EXPECT_EQ(s.ok(), !one.refused) << testing::PrintToString(one.key);
    EXPECT_OK(CheckDatabaseKeys(&pairs, true));
  }
}

TEST(LegacyFileTest, ErrorsOfThePairsComeThrough) {
  MemoryPairs pairs;
  pairs.AddFile(kMain, std::string(size_t{3} * 4096, 'x'));
  for (uint64_t call = 1; call <= 3; ++call) {
    LegacyFile file(&pairs, kMain);
    pairs.FailAt(call);
    std::string bytes(size_t{2} * 4096, '?');
    size_t copied = 99;
    Status s = file.Open();
    if (s.ok()) s = file.Read(0, bytes.size(), bytes.data(), &copied);
    EXPECT_TRUE(IsError(s, Code::kIOError, "bad day")) << call;
    EXPECT_EQ(copied, 99u);
  }
}

}  // namespace
}  // namespace actorkv
