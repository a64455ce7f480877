// Copy-on-write views: against a string that has the same done to it, in
// memory and in a temporary file.

#include "vfs/legacy/legacy_view.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/support/legacy_pairs.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

std::string ReadAll(LegacyView* view) {
  std::string bytes(view->size_bytes() + 1, '?');
  size_t copied = 0;
  EXPECT_OK(view->Read(0, bytes.size(), bytes.data(), &copied));
  bytes.resize(copied);
  return bytes;
}

TEST(BlockSetTest, NextAndRemove) {
  BlockSet set;
  EXPECT_EQ(set.Next(0), std::nullopt);
  for (uint32_t block : {3u, 63u, 64u, 32767u, 32768u, 0xfffffffeu}) {
    set.Add(block);
  }
  const struct {
    uint32_t from, next;
  } cases[] = {{0, 3},
               {3, 3},
               {4, 63},
               {64, 64},
               {65, 32767},
               {32768, 32768},
               {32769, 0xfffffffe}};
  for (const auto& sample : cases) {
    EXPECT_EQ(set.Next(sample.from), sample.next) << sample.from;
    EXPECT_EQ(set.Has(sample.from), sample.from == sample.next);
  }
  EXPECT_EQ(set.Next(0xffffffff), std::nullopt);
  set.RemoveFrom(64);
  EXPECT_TRUE(set.Has(63));
  EXPECT_FALSE(set.Has(64));
  EXPECT_EQ(set.Next(64), std::nullopt);
  set.RemoveFrom(0);
  EXPECT_EQ(set.Next(0), std::nullopt);
}

TEST(OverlayTest, MovesToDiskPastItsMemory) {
  Overlay overlay(3 * kOverlayBlockBytes);
  for (uint32_t block = 0; block < 6; ++block) {
    EXPECT_EQ(overlay.on_disk(), block > 3) << block;
    const std::string bytes(kOverlayBlockBytes, static_cast<char>('a' + block));
    ASSERT_OK(overlay.Write(block * 1000, bytes.data()));
  }
  EXPECT_TRUE(overlay.on_disk());
  for (uint32_t block = 0; block < 6; ++block) {
    std::string bytes(kOverlayBlockBytes, '?');
    ASSERT_TRUE(overlay.Has(block * 1000));
    ASSERT_OK(overlay.Read(block * 1000, bytes.data()));
    EXPECT_EQ(bytes,
              std::string(kOverlayBlockBytes, static_cast<char>('a' + block)));
  }
}

class LegacyViewTest : public testing::TestWithParam<size_t> {};

TEST_P(LegacyViewTest, DoesWhatAFileDoes) {
  std::mt19937_64 next(TestSeed());
  MemoryPairs pairs;
  std::string model;
  for (int i = 0; i < 50000; ++i) model += static_cast<char>(next());
  pairs.AddFile(LegacyTag::kMain, model);
  // Some holes below.
  for (uint32_t hole : {2U, 7U, 8U}) {
    pairs.DropChunk(LegacyTag::kMain, hole);
    model.replace(size_t{hole} * 4096, 4096, std::string(4096, '\0'));
  }
  const auto before = *pairs.pairs();
  LegacyView view(&pairs, LegacyTag::kMain, GetParam());
  ASSERT_OK(view.Open());
  for (int step = 0; step < 2000; ++step) {
    const uint64_t offset = next() % 80000;
    const size_t size = next() % (next() % 4 == 0 ? 20000 : 600);
    if (next() % 20 == 0) {
      ASSERT_OK(view.Truncate(offset));
      if (offset < model.size()) model.resize(offset);
    } else if (size > 0) {
      const std::string bytes(size, static_cast<char>(next()));
      ASSERT_OK(view.Write(offset, bytes.data(), size));
      if (offset + size > model.size()) model.resize(offset + size);
      model.replace(offset, size, bytes);
    }
    ASSERT_EQ(view.size_bytes(), model.size());
    if (step % 20 == 0) {
      ASSERT_EQ(ReadAll(&view) == model, true) << step;
    }
  }
  EXPECT_EQ(ReadAll(&view) == model, true);
  EXPECT_EQ(*pairs.pairs() == before, true);
}

INSTANTIATE_TEST_SUITE_P(Memory, LegacyViewTest,
                         testing::Values(size_t{0}, size_t{20000},
                                         kOverlayMemoryBytes));

TEST(LegacyViewTest, WhatATruncationCutDoesNotComeBack) {
  MemoryPairs pairs;
  pairs.AddFile(LegacyTag::kMain, std::string(size_t{3} * 4096, 'x'));
  LegacyView view(&pairs, LegacyTag::kMain, kOverlayMemoryBytes);
  ASSERT_OK(view.Open());
  ASSERT_OK(view.Truncate(100));
  ASSERT_OK(view.Write(9000, "y", 1));
  EXPECT_EQ(
      ReadAll(&view) == std::string(100, 'x') + std::string(8900, '\0') + "y",
      true);
  std::optional<LegacyFile::Chunk> stored;
  ASSERT_OK(view.NextStored(0, &stored));
  EXPECT_EQ(stored->index, 0u);
  EXPECT_EQ(stored->size_bytes, 100u);
  ASSERT_OK(view.NextStored(1, &stored));
  EXPECT_EQ(stored->index, 2u);
  ASSERT_OK(view.NextStored(3, &stored));
  EXPECT_FALSE(stored.has_value());
  ASSERT_OK(view.Delete());
  EXPECT_FALSE(view.exists());
  EXPECT_EQ(view.size_bytes(), 0u);
}

TEST(LegacyViewTest, SizesHaveALimit) {
  MemoryPairs pairs;
  pairs.SetSize(LegacyTag::kMain, ~uint64_t{0});
  LegacyView view(&pairs, LegacyTag::kMain, kOverlayMemoryBytes);
  ASSERT_OK(view.Open());
  EXPECT_EQ(view.size_bytes(), kMaxLegacyFileBytes);
  EXPECT_TRUE(IsError(view.Write(kMaxLegacyFileBytes, "x", 1),
                      Code::kNotSupported, "cannot have more than"));
  ASSERT_OK(view.Write(kMaxLegacyFileBytes - 1, "x", 1));
}

}  // namespace
}  // namespace actorkv
