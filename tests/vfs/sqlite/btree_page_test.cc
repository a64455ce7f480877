// Pages of b-trees: what SQLite writes, and what it would never write.

#include "vfs/sqlite/btree_page.h"

#include <cstring>
#include <vector>

#include "tests/support/testing.h"

namespace actorkv {
namespace {

// A page of 512 bytes with this header and these cells.
std::string MakePage(uint8_t kind, const std::vector<std::string>& cells,
                     size_t at = 0) {
  std::string page(512, '\0');
  const size_t header = kind >= 10 ? 8 : 12;
  page[at] = static_cast<char>(kind);
  page[at + 4] = static_cast<char>(cells.size());
  if (header == 12) page[at + 11] = 9;  // the rightmost child
  size_t end = page.size();
  for (size_t i = 0; i < cells.size(); ++i) {
    end -= cells[i].size();
    std::memcpy(&page[end], cells[i].data(), cells[i].size());
    page[at + header + 2 * i] = static_cast<char>(end >> 8);
    page[at + header + 2 * i + 1] = static_cast<char>(end & 0xff);
  }
  return page;
}

TEST(BtreePage, LeafOfATable) {
  const std::string bytes =
      MakePage(13, {std::string("\x03\x81\x00row", 6), "\x02\x05no"}, 100);
  BtreePage page;
  BtreeCell cell;
  ASSERT_OK(BtreePage::Parse(1, bytes, 512, &page));
  EXPECT_TRUE(page.is_leaf());
  EXPECT_TRUE(page.is_table());
  ASSERT_EQ(page.cell_count(), 2U);
  ASSERT_OK(page.Cell(0, &cell));
  EXPECT_EQ(cell.rowid, 128);
  EXPECT_EQ(cell.local, "row");
  EXPECT_EQ(cell.overflow, 0U);
  ASSERT_OK(page.Cell(1, &cell));
  EXPECT_EQ(cell.rowid, 5);
  EXPECT_EQ(cell.local, "no");
}

TEST(BtreePage, InteriorPages) {
  BtreePage page;
  BtreeCell cell;
  const std::string table = MakePage(5, {std::string("\0\0\0\x07\x2a", 5)});
  ASSERT_OK(BtreePage::Parse(3, table, 512, &page));
  EXPECT_FALSE(page.is_leaf());
  EXPECT_EQ(page.right_child(), 9U);
  ASSERT_OK(page.Cell(0, &cell));
  EXPECT_EQ(cell.child, 7U);
  EXPECT_EQ(cell.rowid, 42);
  EXPECT_EQ(cell.payload_bytes, 0U);
  const std::string index = MakePage(2, {std::string("\0\0\0\x07\x03key", 8)});
  ASSERT_OK(BtreePage::Parse(3, index, 512, &page));
  EXPECT_FALSE(page.is_table());
  ASSERT_OK(page.Cell(0, &cell));
  EXPECT_EQ(cell.child, 7U);
  EXPECT_EQ(cell.local, "key");
}

// The sizes of section 1.6 for a usable size of 512: a table leaf keeps up to
// 477 bytes, an index page 102; what overflows leaves at least 39.
TEST(BtreePage, Overflow) {
  const struct {
    uint8_t kind;
    uint32_t payload;
    size_t local;
  } kCases[] = {{13, 477, 477}, {13, 478, 39},  {13, 547, 39},
                {13, 647, 139}, {10, 102, 102}, {10, 103, 39}};
  for (const auto& test : kCases) {
    SCOPED_TRACE(testing::Message() << int{test.kind} << " " << test.payload);
    std::string cell_bytes;
    if (test.payload >= 128) {
      cell_bytes += static_cast<char>(0x80 | (test.payload >> 7));
    }
    cell_bytes += static_cast<char>(test.payload & 0x7f);
    if (test.kind == 13) cell_bytes += '\x01';
    cell_bytes.append(test.local, 'x');
    if (test.local < test.payload) cell_bytes += std::string("\0\0\0\x4d", 4);
    const std::string bytes = MakePage(test.kind, {cell_bytes});
    BtreePage page;
    BtreeCell cell;
    ASSERT_OK(BtreePage::Parse(2, bytes, 512, &page));
    ASSERT_OK(page.Cell(0, &cell));
    EXPECT_EQ(cell.payload_bytes, test.payload);
    EXPECT_EQ(cell.local.size(), test.local);
    EXPECT_EQ(cell.overflow, test.local < test.payload ? 0x4dU : 0U);
  }
}

TEST(BtreePage, Damaged) {
  const std::string good = MakePage(13, {"\x03\x01row"});
  const struct {
    size_t at;
    char value;
    const char* text;
  } kCases[] = {{0, 0, "no such kind of page"}, {0, 6, "no such kind of page"},
                {3, 1, "cell count"},           {8, 2, "offset of a cell"},
                {9, '\xff', "payload size"},    {507, 0x7f, "payload"}};
  for (const auto& test : kCases) {
    SCOPED_TRACE(test.text);
    std::string bytes = good;
    bytes[test.at] = test.value;
    if (test.at == 9) bytes[511] = '\x80';
    BtreePage page;
    BtreeCell cell;
    Status s = BtreePage::Parse(7, bytes, 512, &page);
    if (s.ok()) s = page.Cell(0, &cell);
    EXPECT_TRUE(IsError(s, Code::kCorruption, test.text));
    EXPECT_TRUE(IsError(s, Code::kCorruption, "pgno=7"));
  }
  BtreePage page;
  EXPECT_TRUE(IsError(BtreePage::Parse(7, good, 400, &page), Code::kCorruption,
                      "usable size"));
}

TEST(TakeVarint, OfEveryLength) {
  const struct {
    std::string bytes;
    uint64_t value;
  } kCases[] = {{"\x7f", 127},
                {"\x81\x01", 129},
                {std::string("\x81\x80\x00", 3), 16384},
                {std::string(9, '\xff'), ~uint64_t{0}},
                {std::string(8, '\x80') + '\x05', 5}};
  for (const auto& test : kCases) {
    std::string_view rest = test.bytes;
    uint64_t value = 0;
    ASSERT_TRUE(TakeVarint(&rest, &value));
    EXPECT_EQ(value, test.value);
    EXPECT_TRUE(rest.empty());
    rest = std::string_view{test.bytes}.substr(0, test.bytes.size() - 1);
    EXPECT_FALSE(TakeVarint(&rest, &value));
  }
}

}  // namespace
}  // namespace actorkv
