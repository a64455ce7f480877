// Chunks: frozen bytes, and that a damaged or misplaced chunk never becomes a
// page.

#include "kv/format/chunk.h"

#include <gtest/gtest.h>

#include <string>

#include "kv/base/hash.h"
#include "tests/support/bytes.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

const ChunkId kId{{0x0102030405060708}, 0x11121314, {0x2122232425262728}};

std::string TestPage(uint32_t page_size) {
  std::string page(page_size, '\0');
  for (uint32_t i = 0; i < page_size; ++i) {
    page[i] = static_cast<char>(i * 7 + i / 256);
  }
  return page;
}

// Like a leaf of a table with one small row.
std::string PageWithGap(uint32_t page_size) {
  std::string page(page_size, '\0');
  page.replace(0, 4, "\x0d\0\0\1", 4);
  page.replace(page_size - 3, 3, "row");
  return page;
}

std::string Encode(const ChunkId& id, const std::string& page) {
  return EncodeChunk(id, page, PageHash(id.pgno, page));
}

// A page and a delta that makes it of TestPage(1024).
std::string NextPage() {
  std::string page = TestPage(1024);
  page[5] = 'A';
  page[1020] = 'B';
  return page;
}
std::string NextDelta() {
  StoredForm form;
  form.base = TxId{0x2122232425262720};
  form.changed.AddDifferences(TestPage(1024), NextPage());
  return EncodeDeltaChunk(kId, EncodeDelta(form, NextPage()),
                          PageHash(kId.pgno, NextPage()));
}

// DO NOT CHANGE THESE STRINGS: stores hold chunks with these bytes.
TEST(ChunkTest, GoldenBytes) {
  EXPECT_EQ(Hex(Encode(kId, std::string(512, '\0'))),
            "0100000000000000b0e551cc7a6d83710c9d5ce355959f16");
  const std::string page = TestPage(512);
  const std::string value = Encode(kId, page);
  EXPECT_EQ(Hex(value.substr(0, kChunkHeaderBytes)),
            "01010000000200004fb739a02b7999865688e24ed4866c9c");
  EXPECT_EQ(value.substr(kChunkHeaderBytes), page);
  EXPECT_EQ(Hex(NextDelta()),
            "0102000030000000cbaf3c88f50ca22a93af376e52702daa"
            "2027262524232221"
            "0200000000000000000000000000000000000000000000000000000000000080"
            "1c412a31"
            "42eef5fc");
  EXPECT_EQ(Hex(Encode(kId, PageWithGap(512))),
            "010300000f000000090aaae9ab81429139b6f279cdc94f9d04000000f9010000"
            "0d000001726f77");
}

TEST(ChunkTest, ADeltaMakesThePageOfItsBaseOnly) {
  const std::string value = NextDelta();
  DecodedChunk chunk;
  ASSERT_OK(DecodeChunk(kId, value, &chunk));
  EXPECT_EQ(chunk.codec, Codec::kDelta);
  EXPECT_EQ(chunk.delta.page_size, 1024u);
  std::string page = TestPage(1024);
  ASSERT_OK(UnpackPage(kId, chunk, 1024, page.data()));
  EXPECT_TRUE(page == NextPage());
  page = TestPage(1024);
  page[512] = static_cast<char>(page[512] ^ 1);
  EXPECT_TRUE(IsError(UnpackPage(kId, chunk, 1024, page.data()),
                      Code::kCorruption,
                      "the delta and its base, txid=2387509390608836384, do "
                      "not make the page: " +
                          ChunkName(kId)));
  page.assign(2048, 'x');
  EXPECT_TRUE(IsError(UnpackPage(kId, chunk, 2048, page.data()),
                      Code::kCorruption,
                      "delta of 1024 bytes, page size 2048"));
  EXPECT_EQ(page, std::string(2048, 'x'));
}

TEST(ChunkTest, APageIsStoredWithoutTheZerosInItsMiddle) {
  for (uint32_t size = kMinPageSize; size <= kMaxPageSize; size *= 2) {
    SCOPED_TRACE(size);
    const std::string page = PageWithGap(size);
    const std::string value = Encode(kId, page);
    EXPECT_LT(value.size(), kChunkHeaderBytes + 24);
    DecodedChunk chunk;
    ASSERT_OK(DecodeChunk(kId, value, &chunk));
    EXPECT_EQ(chunk.codec, Codec::kGap);
    EXPECT_EQ(chunk.page_hash, PageHash(kId.pgno, page));
    std::string read(size, 'x');
    ASSERT_OK(UnpackPage(kId, chunk, size, read.data()));
    EXPECT_EQ(read, page);
  }
}

TEST(ChunkTest, RoundTripOfEachPageSize) {
  for (uint32_t size = kMinPageSize; size <= kMaxPageSize; size *= 2) {
    SCOPED_TRACE(size);
    const std::string page = TestPage(size);
    const std::string value = Encode(kId, page);
    DecodedChunk chunk;
    ASSERT_OK(DecodeChunk(kId, value, &chunk));
    EXPECT_EQ(chunk.codec, Codec::kRaw);
    EXPECT_EQ(chunk.page_hash, PageHash(kId.pgno, page));
    std::string read(size, 'x');
    ASSERT_OK(UnpackPage(kId, chunk, size, read.data()));
    EXPECT_EQ(read, page);
  }
}

TEST(ChunkTest, APageOfZerosHasNoPayload) {
  for (uint32_t size = kMinPageSize; size <= kMaxPageSize; size *= 2) {
    SCOPED_TRACE(size);
    const std::string page(size, '\0');
    const std::string value = Encode(kId, page);
    EXPECT_EQ(value.size(), kChunkHeaderBytes);
    DecodedChunk chunk;
    ASSERT_OK(DecodeChunk(kId, value, &chunk));
    EXPECT_EQ(chunk.codec, Codec::kEmpty);
    EXPECT_EQ(chunk.page_hash, PageHash(kId.pgno, page));
    std::string read(size, 'x');
    ASSERT_OK(UnpackPage(kId, chunk, size, read.data()));
    EXPECT_EQ(read, page);
  }
}

TEST(ChunkTest, OneByteThatIsNotZeroIsKept) {
  for (size_t at : {size_t{0}, size_t{1}, size_t{255}, size_t{511}}) {
    std::string page(512, '\0');
    page[at] = 1;
    const std::string value = Encode(kId, page);
    DecodedChunk chunk;
    ASSERT_OK(DecodeChunk(kId, value, &chunk));
    std::string read(512, 'x');
    ASSERT_OK(UnpackPage(kId, chunk, 512, read.data()));
    EXPECT_EQ(read, page) << at;
  }
}

TEST(ChunkTest, EachBitFlipIsReported) {
  for (const std::string& value :
       {Encode(kId, TestPage(512)), Encode(kId, std::string(512, '\0')),
        NextDelta(), Encode(kId, PageWithGap(512))}) {
    DecodedChunk chunk;
    ForEachBitFlip(value, [&](const std::string& damaged) {
      const Status s = DecodeChunk(kId, damaged, &chunk);
      const bool is_version = damaged[0] != value[0];
      EXPECT_EQ(s.code(), is_version ? Code::kNotSupported : Code::kCorruption);
      EXPECT_NE(s.message().find(ChunkName(kId)), std::string::npos);
    });
    EXPECT_EQ(chunk.payload, "") << "the output of a failed call";
  }
}

TEST(ChunkTest, EachOtherLengthIsReported) {
  const std::string value = Encode(kId, TestPage(512));
  DecodedChunk chunk;
  for (size_t size = 0; size < value.size(); ++size) {
    EXPECT_TRUE(IsError(DecodeChunk(kId, value.substr(0, size), &chunk),
                        Code::kCorruption, "page chunk damaged"));
  }
  EXPECT_TRUE(IsError(DecodeChunk(kId, value + "x", &chunk), Code::kCorruption,
                      "checksum mismatch"));
}

TEST(ChunkTest, AChunkInAnotherPlaceIsReported) {
  const ChunkId places[] = {{{kId.branch.value + 1}, kId.pgno, kId.txid},
                            {kId.branch, kId.pgno + 1, kId.txid},
                            {kId.branch, kId.pgno, {kId.txid.value + 1}},
                            {{kId.txid.value}, kId.pgno, {kId.branch.value}}};
  for (const std::string& page :
       {TestPage(512), std::string(512, '\0'), PageWithGap(512)}) {
    for (const ChunkId& place : places) {
      DecodedChunk chunk;
      EXPECT_TRUE(IsError(DecodeChunk(place, Encode(kId, page), &chunk),
                          Code::kCorruption,
                          "checksum mismatch: " + ChunkName(place)));
    }
  }
}

// Seals a header again, as a later version of this module would.
std::string Reseal(const std::string& value) { return CopyOfChunk(kId, value); }

TEST(ChunkTest, UnknownVersionAndCodecAreNamed) {
  DecodedChunk chunk;
  std::string value = Encode(kId, TestPage(512));
  value[0] = 2;
  EXPECT_TRUE(IsError(DecodeChunk(kId, Reseal(value), &chunk),
                      Code::kNotSupported, "chunk version 2 is not known"));
  value[0] = 1;
  value[1] = 4;
  EXPECT_TRUE(IsError(DecodeChunk(kId, Reseal(value), &chunk),
                      Code::kNotSupported, "chunk codec 4 is not known"));
  value[1] = 2;
  value[kChunkHeaderBytes + 8] = 0;
  EXPECT_TRUE(IsError(DecodeChunk(kId, Reseal(value), &chunk),
                      Code::kCorruption, "no delta of a page"));
  value[1] = 1;
  value[4] = 1;
  EXPECT_TRUE(IsError(DecodeChunk(kId, Reseal(value), &chunk),
                      Code::kCorruption, "payload size mismatch"));
}

TEST(ChunkTest, APayloadOfAnotherPageSizeIsReported) {
  const std::string value = Encode(kId, TestPage(512));
  DecodedChunk chunk;
  ASSERT_OK(DecodeChunk(kId, value, &chunk));
  std::string page(1024, 'x');
  EXPECT_TRUE(IsError(UnpackPage(kId, chunk, 1024, page.data()),
                      Code::kCorruption,
                      "payload of 512 bytes, page size 1024"));
  EXPECT_EQ(page, std::string(1024, 'x'));
  // A gap says where the page ends only together with the size of the page.
  const std::string with_gap = Encode(kId, PageWithGap(65536));
  std::string full = with_gap.substr(0, kChunkHeaderBytes) +
                     std::string("\xff\xff\0\0\1\0\0\0", 8) + "short";
  full[4] = 13;
  full = CopyOfChunk(kId, full);  // the chunk points into it
  ASSERT_OK(DecodeChunk(kId, full, &chunk));
  EXPECT_TRUE(IsError(UnpackPage(kId, chunk, 1024, page.data()),
                      Code::kCorruption,
                      "payload of 13 bytes, page size 1024"));
  EXPECT_EQ(page, std::string(1024, 'x'));
}

TEST(ChunkTest, ACopyIsValidInItsPlaceOnly) {
  const std::string page = TestPage(512);
  const ChunkId place{{9}, kId.pgno, {8}};
  const std::string copy = CopyOfChunk(place, Encode(kId, page));
  EXPECT_EQ(copy, Encode(place, page));
  DecodedChunk chunk;
  EXPECT_OK(DecodeChunk(place, copy, &chunk));
  EXPECT_TRUE(IsError(DecodeChunk(kId, copy, &chunk), Code::kCorruption,
                      "checksum mismatch"));
}

TEST(ChunkTest, ThePageHashKnowsThePageNumberOnly) {
  const std::string page = TestPage(512);
  EXPECT_EQ(PageHash(3, page), Hash64(page, 3));
  EXPECT_NE(PageHash(3, page), PageHash(4, page));
}

TEST(ChunkTest, TheLockPageIsThatOfByte2To30) {
  EXPECT_EQ(LockPage(512), 2097153u);
  EXPECT_EQ(LockPage(4096), 262145u);
  EXPECT_EQ(LockPage(65536), 16385u);
}

}  // namespace
}  // namespace actorkv
