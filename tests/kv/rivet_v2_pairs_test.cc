// The pages of a sqlite.bin as the pairs of layout 1.

#include "kv/rivet_v2_pairs.h"

#include <gtest/gtest.h>

#include "kv/legacy_file.h"
#include "tests/support/map_pairs.h"
#include "tests/support/pair_files.h"
#include "tests/support/rivet_v2_writer.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr uint32_t kPages = 3;

class RivetV2PairsTest : public testing::Test {
 protected:
  void SetUp() override {
    RivetV2Writer writer;
    RivetV2Writer::Head head;
    head.db_size_pages = kPages;
    head.materialized_txid = 1;
    writer.Put(RivetV2Writer::MetaKey(), RivetV2Writer::Encode(head));
    LtxOptions options;
    options.commit_pages = kPages;
    writer.Put(RivetV2Writer::ShardKey(0),
               EncodeLtx(options, {{1, Page('a')}, {3, Page('c')}}));
    const std::string path = temp_.File("sqlite.bin");
    WriteContents(path, writer.Bytes());
    ASSERT_OK(RivetV2Database::Open(path, &database_));
    pairs_ = std::make_unique<RivetV2Pairs>(database_.get());
  }

  static std::string Page(char byte) { return std::string(4096, byte); }
  static std::string Metadata() { return LegacyMetadataKey(LegacyTag::kMain); }
  static std::string Chunk(uint32_t index) {
    return LegacyChunkKey(LegacyTag::kMain, index);
  }
  RivetV2Pairs* pairs() { return pairs_.get(); }

 private:
  TempDir temp_;
  std::unique_ptr<RivetV2Database> database_;
  std::unique_ptr<RivetV2Pairs> pairs_;
};

TEST_F(RivetV2PairsTest, AllOfThemInOrder) {
  const PairMap expected = {
      {Metadata(), LegacyMetadataValue(uint64_t{kPages} * 4096)},
      {Chunk(0), Page('a')},
      {Chunk(1), Page('\0')},  // never written: zeros
      {Chunk(2), Page('c')},
  };
  EXPECT_EQ(AllPairs(pairs()), expected);
}

TEST_F(RivetV2PairsTest, SeekFindsTheFirstAtOrAfter) {
  const std::string zero(1, '\0');
  const struct {
    std::string from, found;
  } cases[] = {
      {"", Metadata()},
      {Metadata(), Metadata()},
      {Metadata() + zero, Chunk(0)},
      {LegacyMetadataKey(LegacyTag::kWal), Chunk(0)},
      {Chunk(0).substr(0, 3), Chunk(0)},
      {Chunk(0).substr(0, 6), Chunk(0)},
      {Chunk(0), Chunk(0)},
      {Chunk(0) + zero, Chunk(1)},
      {Chunk(2), Chunk(2)},
      {Chunk(2) + zero, ""},
      {Chunk(3), ""},
      {Chunk(UINT32_MAX) + zero, ""},
      {LegacyChunkKey(LegacyTag::kJournal, 0), ""},
      {"\x09", ""},
  };
  for (const auto& sample : cases) {
    SCOPED_TRACE(testing::PrintToString(sample.from));
    std::optional<KeyValue> pair = KeyValue{"left", "over"};
    ASSERT_OK(pairs()->Seek(sample.from, &pair));
    EXPECT_EQ(pair.has_value() ? pair->key : "", sample.found);
  }
}

TEST_F(RivetV2PairsTest, GetFindsWhatIsThere) {
  std::optional<std::string> value;
  ASSERT_OK(pairs()->Get(Chunk(2), &value));
  EXPECT_EQ(value, Page('c'));
  ASSERT_OK(pairs()->Get(Metadata(), &value));
  EXPECT_EQ(value, LegacyMetadataValue(uint64_t{kPages} * 4096));
  for (const std::string& key :
       {Chunk(3), LegacyMetadataKey(LegacyTag::kJournal), std::string()}) {
    value = "left over";
    ASSERT_OK(pairs()->Get(key, &value));
    EXPECT_EQ(value, std::nullopt);
  }
}

}  // namespace
}  // namespace actorkv
