// kv.bin: frozen bytes, and every way to break an entry.
#include "kv/rivet/kv_bin.h"

#include <gtest/gtest.h>

#include "kv/files/open_bytes.h"
#include "kv/rivet/json_lines.h"
#include "tests/support/bytes.h"
#include "tests/support/memory_bytes.h"
#include "tests/support/pair_files.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

using std::string_literals::operator""s;

TEST(KvBinTest, BytesAreFrozen) {
  EXPECT_EQ(Hex(EncodeKvBinEntry("\x04"
                                 "color",
                                 "blue")),
            "0000000c0604636f6c6f7204626c7565");
  EXPECT_EQ(Hex(EncodeKvBinEntry("", "")), "000000020000");
}

TEST(KvBinTest, WritesWhatItReads) {
  const TempDir directory;
  const std::string path = directory.File("kv.bin");
  const std::vector<Pair> written = {
      {"", ""}, {"k", std::string(kMaxStoredValueBytes, 'v')}, {"l", "w"}};
  std::unique_ptr<PairSink> sink;
  ASSERT_OK(WriteKvBin(path, /*overwrite=*/false, &sink));
  for (const auto& [key, value] : written) ASSERT_OK(sink->Add(key, value));
  EXPECT_TRUE(IsError(sink->Add(std::string(4001, 'k'), ""),
                      Code::kInvalidArgument, "limit of 4000"));
  ASSERT_OK(sink->Finish());
  std::unique_ptr<ByteSource> source;
  ASSERT_OK(OpenFileBytes(path, &source));
  std::vector<Pair> pairs;
  ASSERT_OK(ReadAllPairs(ReadKvBin(std::move(source)).get(), &pairs));
  EXPECT_EQ(pairs, written);
}

TEST(KvBinTest, BadEntriesAreNamedByTheirPlace) {
  const std::string good = EncodeKvBinEntry("k", "v");  // 8 bytes
  const std::string long_key = EncodeKvBinEntry(std::string(4001, 'k'), "");
  const struct {
    std::string bytes;
    Code code;
    const char* error;
  } kCases[] = {
      {"\0"s, Code::kCorruption, "at byte 8: the length of an entry is cut"},
      {"\0\0\0"s, Code::kCorruption, "at byte 8: the length of an entry is"},
      {"\0\0\0\4\1k\1"s, Code::kCorruption,
       "at byte 8: an entry of 4 bytes is cut short"},
      {"\xff\xff\xff\xff"s, Code::kInvalidArgument,
       "at byte 8: an entry of 4294967295 bytes is larger than the limit of "
       "8004008"},
      {"\0\0\0\5\1k\1vx"s, Code::kCorruption,
       "at byte 16: bytes are left over"},
      {"\0\0\0\4\1k\2v"s, Code::kCorruption,
       "at byte 14: a length is larger than what is left"},
      {"\0\0\0\5\x81\0k\1v"s, Code::kCorruption,
       "at byte 12: a number is written longer than it is"},
      {"\0\0\0\2\1k"s, Code::kCorruption, "at byte 14: a number is cut short"},
      {"\0\0\0\0"s, Code::kCorruption, "at byte 12: a number is cut short"},
      {long_key, Code::kInvalidArgument,
       "at byte 8: a key of 4001 bytes is larger than the limit of 4000"},
  };
  for (const auto& c : kCases) {
    const std::string bytes = good + c.bytes;
    std::vector<Pair> pairs;
    EXPECT_TRUE(
        IsError(ReadAllPairs(ReadKvBin(MemoryBytes(bytes)).get(), &pairs),
                c.code, c.error))
        << Hex(bytes.substr(0, 40));
    EXPECT_EQ(pairs.size(), 1U);
  }
}

// The actors of the sample archive exist as dumps too.
TEST(KvBinTest, SamplesEqualTheirDumps) {
  const std::pair<const char*, const char*> kSamples[] = {
      {"a1plain", "a-rk213-plain.jsonl.gz"},
      {"a2workflow", "a-rk221-workflow-running.jsonl.gz"},
      {"a3crashed", "v213-crash-update-m50.jsonl.gz"},
  };
  for (const auto& [actor, dump] : kSamples) {
    std::unique_ptr<ByteSource> source;
    bool gzip = false;
    std::vector<Pair> from_bin;
    std::vector<Pair> from_lines;
    ASSERT_OK(OpenBytes(Sample("archive/actors/"s + actor + "/kv.bin"), &source,
                        &gzip));
    ASSERT_OK(ReadAllPairs(ReadKvBin(std::move(source)).get(), &from_bin));
    ASSERT_OK(OpenBytes(Sample(dump), &source, &gzip));
    EXPECT_TRUE(gzip);
    ASSERT_OK(
        ReadAllPairs(ReadJsonLines(std::move(source)).get(), &from_lines));
    EXPECT_FALSE(from_bin.empty());
    EXPECT_TRUE(from_bin == from_lines) << actor;
  }
}

}  // namespace
}  // namespace actorkv
