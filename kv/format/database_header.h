// DatabaseHeader: the fields of a database's header that must be understood
// here (SQLite database file format, section 1.3 "The Database Header";
// big-endian):
//
//   offset  bytes  field
//        0     16  "SQLite format 3\0"
//       16      2  page size; 1 means 65536
//       18      1  write version: 1 rollback journal, 2 WAL
//       19      1  read version, likewise
//       20      1  bytes at the end of each page that SQLite leaves alone
//       24      4  change counter
//       28      4  page count, valid when 24..27 equal 92..95
//       40      4  schema cookie
//       92      4  version-valid-for: the change counter that 28 belongs to

#ifndef ACTORKV_KV_FORMAT_DATABASE_HEADER_H_
#define ACTORKV_KV_FORMAT_DATABASE_HEADER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace actorkv {

constexpr size_t kHeaderBytes = 100;
constexpr size_t kWriteVersionOffset = 18;
constexpr size_t kReadVersionOffset = 19;
constexpr size_t kReservedOffset = 20;
constexpr size_t kPageCountOffset = 28;
constexpr size_t kCookieOffset = 40;

// Counters: they tell versions of page 1 apart, see kv/format/counters.h.
struct Counters {
  uint32_t change = 0;
  uint32_t cookie = 0;
};

struct DatabaseHeader {
  bool valid = false;      // the magic and a legal page size are there
  uint32_t page_size = 0;  // bytes
  uint8_t write_version = 0;
  uint8_t read_version = 0;
  uint32_t change_counter = 0;
  bool counters_agree = false;
  uint32_t page_count = 0;  // 0 unless counters_agree
  uint32_t cookie = 0;
};

// Makes page 1 of a database in which nothing is, as SQLite makes it when it
// copies one of no bytes (btree.c newDatabase, 3.40.1). REQUIRES: a legal page
// size.
std::string BlankFirstPage(uint32_t page_size);

// Parses `bytes`, the beginning of page 1; fewer than kHeaderBytes are not
// valid.
DatabaseHeader ParseHeader(std::string_view bytes);

}  // namespace actorkv

#endif  // ACTORKV_KV_FORMAT_DATABASE_HEADER_H_
