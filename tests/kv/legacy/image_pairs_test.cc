// The pages of a database as the pairs of layout 1.

#include "kv/legacy/image_pairs.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "kv/rivet/legacy_file.h"
#include "tests/support/map_pairs.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

std::string Metadata() { return LegacyMetadataKey(LegacyTag::kMain); }
std::string Chunk(uint32_t index) {
  return LegacyChunkKey(LegacyTag::kMain, index);
}

// Bytes of a database that are all different from page to page.
std::string MakeBytes(uint32_t page_size, uint32_t page_count) {
  std::string bytes;
  for (uint32_t i = 0; i < page_count; ++i) {
    bytes += std::string(page_size - 1, static_cast<char>('a' + i));
    bytes += static_cast<char>(i);
  }
  return bytes;
}

ImagePages Pages(const std::string& bytes, uint32_t page_size) {
  return {page_size, static_cast<uint32_t>(bytes.size() / page_size),
          [&bytes, page_size](PageNo pgno, char* page) {
            std::copy_n(bytes.data() + size_t{pgno - 1} * page_size, page_size,
                        page);
            return Status::Ok();
          }};
}

TEST(ImagePairsTest, AllOfThemInOrder) {
  for (uint32_t page_size = 512; page_size <= 65536; page_size *= 2) {
    for (const uint32_t page_count : {1u, 2u, 3u, 8u, 9u}) {
      SCOPED_TRACE(std::to_string(page_size) + " " +
                   std::to_string(page_count));
      const std::string bytes = MakeBytes(page_size, page_count);
      PairMap expected = {{Metadata(), LegacyMetadataValue(bytes.size())}};
      for (uint32_t i = 0; i * kLegacyChunkBytes < bytes.size(); ++i) {
        expected[Chunk(i)] =
            bytes.substr(i * kLegacyChunkBytes, kLegacyChunkBytes);
      }
      ImagePairs pairs(Pages(bytes, page_size));
      EXPECT_EQ(AllPairs(&pairs) == expected, true);
    }
  }
  const std::string none;
  ImagePairs pairs({0, 0, nullptr});
  EXPECT_EQ(AllPairs(&pairs), (PairMap{{Metadata(), LegacyMetadataValue(0)}}));
}

TEST(ImagePairsTest, SeekFindsTheFirstAtOrAfter) {
  const std::string bytes = MakeBytes(4096, 3);
  ImagePairs pairs(Pages(bytes, 4096));
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
    ASSERT_OK(pairs.Seek(sample.from, &pair));
    EXPECT_EQ(pair.has_value() ? pair->key : "", sample.found);
  }
}

TEST(ImagePairsTest, GetFindsWhatIsThere) {
  const std::string bytes = MakeBytes(8192, 2);
  ImagePairs pairs(Pages(bytes, 8192));
  std::optional<std::string> value;
  for (const uint32_t index : {3u, 0u, 2u, 1u}) {
    ASSERT_OK(pairs.Get(Chunk(index), &value));
    EXPECT_EQ(value, bytes.substr(size_t{index} * 4096, 4096));
  }
  ASSERT_OK(pairs.Get(Metadata(), &value));
  EXPECT_EQ(value, LegacyMetadataValue(bytes.size()));
  for (const std::string& key :
       {Chunk(4), LegacyMetadataKey(LegacyTag::kJournal), std::string()}) {
    value = "left over";
    ASSERT_OK(pairs.Get(key, &value));
    EXPECT_EQ(value, std::nullopt);
  }
}

TEST(ImagePairsTest, ErrorsOfThePagesComeThrough) {
  for (const uint32_t page_size : {512u, 4096u, 16384u}) {
    int calls = 0;
    ImagePairs pairs({page_size, 9, [&](PageNo, char*) {
                        return ++calls == 2 ? Status::IOError("bad day")
                                            : Status::Ok();
                      }});
    std::optional<KeyValue> pair;
    Status s;
    for (std::string from; s.ok(); from = pair->key + '\0') {
      s = pairs.Seek(from, &pair);
      ASSERT_TRUE(!s.ok() || pair.has_value());
    }
    EXPECT_TRUE(IsError(s, Code::kIOError, "bad day"));
    EXPECT_OK(pairs.Seek(Chunk(0), &pair));  // it was no lasting error
  }
}

}  // namespace
}  // namespace actorkv
