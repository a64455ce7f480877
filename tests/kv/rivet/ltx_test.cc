// LTX: every byte of a blob is checked against the others.
#include "kv/rivet/ltx.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "tests/support/bytes.h"
#include "tests/support/rivet_v2_writer.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

class Blob : public LtxInput {
 public:
  explicit Blob(std::string bytes) : bytes_(std::move(bytes)) {}
  uint64_t size_bytes() const override { return bytes_.size(); }
  Status Read(uint64_t offset, size_t size, char* buffer) override {
    EXPECT_LE(offset + size, bytes_.size());
    std::memcpy(buffer, &bytes_[offset], size);
    return Status::Ok();
  }
  const std::string& bytes() const { return bytes_; }

 private:
  const std::string bytes_;
};

std::string Page(size_t size, char fill) {
  std::string page(size, fill);
  for (size_t i = 0; i < size; i += 3) page[i] = static_cast<char>(i);
  return page;
}

// Does not compress, so that each byte of a blob has one meaning.
std::string Noise(size_t size, uint32_t seed) {
  std::mt19937 noise(seed);
  std::string page(size, '\0');
  for (char& c : page) c = static_cast<char>(noise());
  return page;
}

// Reads all pages of a blob.
Status Decode(Blob* blob, std::map<uint32_t, std::string>* pages) {
  LtxHeader header;
  std::vector<LtxFrame> frames;
  if (Status s = ScanLtx(blob, &header,
                         [&](const LtxFrame& frame) {
                           frames.push_back(frame);
                           return Status::Ok();
                         });
      !s.ok()) {
    return s;
  }
  for (const LtxFrame& frame : frames) {
    if (Status s =
            DecodeLtxFrame(blob->bytes().substr(frame.offset, frame.size_bytes),
                           frame.pgno, header.page_size, &(*pages)[frame.pgno]);
        !s.ok()) {
      return s;
    }
  }
  return Status::Ok();
}

TEST(LtxTest, PagesComeBack) {
  for (const uint32_t page_size : {512U, 4096U, 65536U}) {
    std::map<uint32_t, std::string> written;
    for (uint32_t pgno = 1; pgno < 400; pgno += 7) {
      written[pgno] = Page(page_size, static_cast<char>(pgno));
    }
    Blob blob(EncodeLtx({3, 5, 400, page_size}, written));
    std::map<uint32_t, std::string> read;
    ASSERT_OK(Decode(&blob, &read));
    EXPECT_TRUE(read == written);
    LtxHeader header;
    ASSERT_OK(
        ScanLtx(&blob, &header, [](const LtxFrame&) { return Status::Ok(); }));
    EXPECT_EQ(header.min_txid, 3U);
    EXPECT_EQ(header.max_txid, 5U);
    EXPECT_EQ(header.commit_pages, 400U);
  }
}

TEST(LtxTest, ABlobMayHaveNoPages) {
  Blob blob(EncodeLtx({}, {}));
  std::map<uint32_t, std::string> read;
  ASSERT_OK(Decode(&blob, &read));
  EXPECT_TRUE(read.empty());
}

TEST(LtxTest, CutBlobsAreErrors) {
  const std::string whole = EncodeLtx({}, {{1, Page(4096, 'a')}});
  for (size_t size = 0; size < whole.size(); ++size) {
    Blob blob(whole.substr(0, size));
    std::map<uint32_t, std::string> read;
    EXPECT_TRUE(IsError(Decode(&blob, &read), Code::kCorruption, "LTX, byte"))
        << size;
  }
}

// Only fields of the header that say nothing of the pages may change unseen;
// who reads the blob compares the page count and the transactions.
TEST(LtxTest, FlippedBitsAreErrorsOrOtherPages) {
  const std::map<uint32_t, std::string> written = {{2, Noise(512, 1)},
                                                   {3, Noise(512, 2)}};
  const std::string whole = EncodeLtx({1, 1, 3, 512}, written);
  size_t errors = 0;
  ForEachBitFlip(whole, [&](const std::string& damaged) {
    Blob blob(damaged);
    std::map<uint32_t, std::string> read;
    if (!Decode(&blob, &read).ok()) ++errors;
    if (read != written) return;
    size_t offset = 0;
    while (damaged[offset] == whole[offset]) ++offset;
    const bool is_header = offset >= 12 && offset < 100;
    const bool is_checksum = offset >= 40 && offset < 48;
    // LZ4: half of the token of literals that no match follows.
    const bool is_token = whole[offset] == '\xf0';
    EXPECT_TRUE((is_header && !is_checksum) || is_token) << offset;
  });
  EXPECT_GT(errors, 8U * 12);
}

TEST(LtxTest, WhatIsWrongIsNamed) {
  const std::string whole =
      EncodeLtx({1, 1, 2, 512}, {{1, Page(512, 'a')}, {2, Page(512, 'b')}});
  const size_t second = 100 + 10 + PackPage(Page(512, 'a')).size();
  const struct {
    size_t offset;
    std::string bytes;
    Code code;
    const char* error;
  } kCases[] = {
      {0, "LTX2", Code::kCorruption, "byte 0: it does not begin with LTX1"},
      {7, std::string(1, '\0'), Code::kNotSupported, "LTX with flags 0"},
      {11, "\1", Code::kCorruption, "byte 8: a page size of 513"},
      {23, "\2", Code::kCorruption, "its first transaction is later"},
      {47, "\1", Code::kCorruption, "byte 40: a checksum"},
      {103, "\3", Code::kCorruption, "the index is wrong for page 3"},
      {105, "\2", Code::kCorruption, "byte 100: a page with flags 2"},
      {106, "\x10", Code::kCorruption, "packed bytes does not fit"},
      {second + 3, "\1", Code::kCorruption, "pages are not in order"},
      {whole.size() - 1, "\1", Code::kCorruption,
       "the last 16 bytes are not zero"},
      {whole.size() - 24, "\x7f", Code::kCorruption, "does not fit"},
  };
  for (const auto& c : kCases) {
    std::string damaged = whole;
    damaged.replace(c.offset, c.bytes.size(), c.bytes);
    Blob blob(damaged);
    std::map<uint32_t, std::string> read;
    EXPECT_TRUE(IsError(Decode(&blob, &read), c.code, c.error)) << c.offset;
  }
}

TEST(LtxTest, PagesMustUnpackToTheirSize) {
  const std::string frame =
      std::string("\0\0\0\1\0\1", 6) + std::string("\0\0\0", 3);
  const std::string block = PackPage(Page(1024, 'a'));
  std::string bytes = std::string("\0\0\0\1\0\1", 6);
  AppendBig32(&bytes, static_cast<uint32_t>(block.size()));
  bytes += block;
  std::string page;
  EXPECT_OK(DecodeLtxFrame(bytes, 1, 1024, &page));
  EXPECT_TRUE(IsError(DecodeLtxFrame(bytes, 1, 512, &page), Code::kCorruption,
                      "page 1 does not unpack to 512 bytes"));
  EXPECT_TRUE(IsError(DecodeLtxFrame(bytes, 1, 2048, &page), Code::kCorruption,
                      "page 1 does not unpack to 2048 bytes"));
  EXPECT_TRUE(IsError(DecodeLtxFrame(bytes, 2, 1024, &page), Code::kCorruption,
                      "not the bytes of page 2"));
  EXPECT_TRUE(IsError(DecodeLtxFrame(frame, 1, 512, &page), Code::kCorruption,
                      "not the bytes of page 1"));
}

}  // namespace
}  // namespace actorkv
