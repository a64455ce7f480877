#include "kv/format/database_header.h"

#include "kv/base/coding.h"
#include "kv/base/types.h"

namespace actorkv {

namespace {

// The string is 16 bytes with its zero (SQLite database file format, section
// 1.3.1 "Magic Header String").
constexpr std::string_view kMagic("SQLite format 3\0", 16);

}  // namespace

// The fields are those that SQLite refuses to do without (SQLite database file
// format, section 1.3 "The Database Header"); the rest may be zero in a
// database that has no table yet.
std::string BlankFirstPage(uint32_t page_size) {
  constexpr char kLeafOfATable = 0x0d;
  constexpr size_t kTreeOffset =
      kHeaderBytes;  // the schema's page begins there
  std::string page(page_size, '\0');
  kMagic.copy(page.data(), kMagic.size());
  page[16] = static_cast<char>(page_size >> 8);
  page[17] = static_cast<char>(page_size >> 16);
  // 1 is a rollback journal; 2 would be WAL, for which there are no files.
  page[kWriteVersionOffset] = 1;
  page[kReadVersionOffset] = 1;
  // These are fractions of a page, which are always the same.
  page[21] = 64;
  page[22] = 32;
  page[23] = 32;
  page[31] = 1;  // page count
  page[kTreeOffset] = kLeafOfATable;
  // The content of cells begins at the end of the page: there is none.
  page[kTreeOffset + 5] = static_cast<char>(page_size >> 8);
  page[kTreeOffset + 6] = static_cast<char>(page_size);
  return page;
}

DatabaseHeader ParseHeader(std::string_view bytes) {
  DatabaseHeader header;
  if (bytes.size() < kHeaderBytes || bytes.substr(0, 16) != kMagic) {
    return header;
  }
  const auto byte = [&](size_t offset) {
    return static_cast<uint8_t>(bytes[offset]);
  };
  // The low byte of the 16-bit field stands for 2^16, so that 65536 fits.
  header.page_size = uint32_t{byte(16)} << 8 | uint32_t{byte(17)} << 16;
  header.valid = IsLegalPageSize(header.page_size);
  header.write_version = byte(kWriteVersionOffset);
  header.read_version = byte(kReadVersionOffset);
  header.change_counter = LoadBig32(bytes.data() + 24);
  header.counters_agree = header.change_counter == LoadBig32(bytes.data() + 92);
  // A writer that does not know the field leaves it as it was (section 1.3,
  // "In-header database size"): the two counters tell.
  if (header.counters_agree) header.page_count = LoadBig32(bytes.data() + 28);
  header.cookie = LoadBig32(bytes.data() + kCookieOffset);
  return header;
}

}  // namespace actorkv
