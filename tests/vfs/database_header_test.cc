// The fields of a database's header.

#include "vfs/database_header.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "kv/coding.h"

namespace actorkv {
namespace {

std::string Header() {
  std::string bytes(kHeaderBytes, '\0');
  std::memcpy(bytes.data(), "SQLite format 3", 16);
  bytes[16] = 0x10;  // 4096
  bytes[18] = 1;
  bytes[19] = 2;
  StoreBig32(bytes.data() + 24, 0x01020304);
  StoreBig32(bytes.data() + 28, 77);
  StoreBig32(bytes.data() + 40, 5);
  StoreBig32(bytes.data() + 92, 0x01020304);
  return bytes;
}

TEST(DatabaseHeaderTest, EveryField) {
  const DatabaseHeader header = ParseHeader(Header());
  EXPECT_TRUE(header.valid);
  EXPECT_EQ(header.page_size, 4096u);
  EXPECT_EQ(header.write_version, 1);
  EXPECT_EQ(header.read_version, 2);
  EXPECT_EQ(header.change_counter, 0x01020304u);
  EXPECT_TRUE(header.counters_agree);
  EXPECT_EQ(header.page_count, 77u);
  EXPECT_EQ(header.cookie, 5u);
}

TEST(DatabaseHeaderTest, PageCountNeedsCountersThatAgree) {
  std::string bytes = Header();
  bytes[95] = 9;
  const DatabaseHeader header = ParseHeader(bytes);
  EXPECT_TRUE(header.valid);
  EXPECT_FALSE(header.counters_agree);
  EXPECT_EQ(header.page_count, 0u);
}

TEST(DatabaseHeaderTest, PageSizes) {
  struct Case {
    unsigned char high;
    unsigned char low;
    uint32_t page_size;
    bool valid;
  };
  const Case cases[] = {
      {0x02, 0, 512, true},    {0x80, 0, 32768, true}, {0, 1, 65536, true},
      {0x01, 0, 256, false},   {0x10, 1, 0, false},    {0, 0, 0, false},
      {0x30, 0, 12288, false}, {0, 2, 131072, false},
  };
  for (const Case& c : cases) {
    std::string bytes = Header();
    bytes[16] = static_cast<char>(c.high);
    bytes[17] = static_cast<char>(c.low);
    const DatabaseHeader header = ParseHeader(bytes);
    EXPECT_EQ(header.valid, c.valid) << c.page_size;
    if (c.valid) {
      EXPECT_EQ(header.page_size, c.page_size);
    }
  }
}

TEST(DatabaseHeaderTest, WhatIsNoDatabase) {
  EXPECT_FALSE(ParseHeader("").valid);
  EXPECT_FALSE(ParseHeader(std::string(4096, '\0')).valid);
  EXPECT_FALSE(ParseHeader(Header().substr(0, kHeaderBytes - 1)).valid);
  std::string bytes = Header();
  bytes[15] = 'x';  // the NUL belongs to the magic
  EXPECT_FALSE(ParseHeader(bytes).valid);
}

}  // namespace
}  // namespace actorkv
