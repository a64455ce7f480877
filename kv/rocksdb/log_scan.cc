#include "kv/rocksdb/log_scan.h"

#include <fcntl.h>
#include <isa-l/crc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>
#include <vector>

#include "kv/base/coding.h"
#include "kv/base/descriptor.h"
#include "kv/base/system_error.h"
#include "kv/files/directory.h"
#include "kv/files/file_access.h"
#include "kv/rocksdb/database_names.h"

namespace actorkv {
namespace {

// RocksDB's sizes (7.8, db/log_format.h); the header has the format.
constexpr size_t kBlockBytes = 32768;
constexpr size_t kHeaderBytes = 7;
constexpr size_t kTypeOffset = 6;
constexpr size_t kLogNumberBytes = 4;

// DO NOT CHANGE THESE ENUM VALUES: they are RocksDB's.
enum RecordType : uint8_t {
  kNone = 0,
  kFull = 1,
  kFirst = 2,
  kMiddle = 3,
  kLast = 4,
  kRecyclableFull = 5,
  kRecyclableLast = 8,
};

uint32_t Crc32c(std::string_view bytes) {
  // The function only reads, but takes a pointer that is not const.
  auto* const data =
      reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data()));
  return ~crc32_iscsi(data, static_cast<int>(bytes.size()), ~0U);
}

// Masks a checksum as RocksDB's util/crc32c.h does, because records may hold
// checksums themselves.
uint32_t Masked(uint32_t crc) {
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}

struct PhysicalRecord {
  size_t size_bytes = 0;  // with its header; 0: no telling
  bool verifies = false;
  bool begins = false;  // a record
  bool ends = false;
};

// Reads the record at the beginning of `bytes`, the rest of a block.
PhysicalRecord ParseRecord(std::string_view bytes) {
  PhysicalRecord record;
  const uint32_t length_and_type = LoadLittle32(bytes.data() + 3) >> 8;
  const size_t length = length_and_type & 0xffff;
  const uint32_t type = length_and_type >> 16;
  // Zeros that were written ahead of the end of the log begin here, or damage
  // does: nothing tells where a next record begins.
  if (type == kNone) return record;
  const bool numbered = type >= kRecyclableFull && type <= kRecyclableLast;
  const size_t checked = 1 + (numbered ? kLogNumberBytes : 0) + length;
  if (kTypeOffset + checked > bytes.size()) return record;
  record.size_bytes = kTypeOffset + checked;
  record.verifies = LoadLittle32(bytes.data()) ==
                    Masked(Crc32c(bytes.substr(kTypeOffset, checked)));
  const uint32_t part = numbered ? type - kRecyclableFull + kFull : type;
  const bool metadata = part > kLast;
  // A record of metadata is never split over blocks.
  record.begins = part == kFull || part == kFirst || metadata;
  record.ends = part == kFull || part == kLast || metadata;
  return record;
}

size_t UsedBytes(std::string_view bytes) {
  return bytes.find_last_not_of('\0') + 1;  // npos + 1 is 0
}

// Scanner: goes over the blocks of one log.
class Scanner {
 public:
  void Take(uint64_t offset, std::string_view block) {
    const size_t used = UsedBytes(block);
    if (used > 0) scan_.used_bytes = offset + used;
    size_t at = 0;
    while (at + kHeaderBytes <= block.size()) {
      const PhysicalRecord record = ParseRecord(block.substr(at));
      at += record.size_bytes;
      TakeRecord(record, offset + at);
      // The next record begins with the next block, if not here.
      if (record.size_bytes == 0) return;
    }
    // The end of a block that no header fits in is zeros (db/log_writer.cc).
    if (UsedBytes(block.substr(at)) != 0) sound_ = false;
  }

  const LogScan& scan() const { return scan_; }

 private:
  void TakeRecord(const PhysicalRecord& record, uint64_t end) {
    // A part without what comes before it is as bad as one that is damaged.
    sound_ = sound_ && record.verifies && record.begins != inside_;
    if (!sound_) {
      // Only a beginning counts: parts that lost theirs are no record that
      // could be brought back.
      if (record.verifies && record.begins) ++scan_.stranded_count;
      return;
    }
    inside_ = !record.ends;
    if (record.ends) scan_.end_bytes = end;
  }

  LogScan scan_;
  bool sound_ = true;    // no bad record so far
  bool inside_ = false;  // between the first and the last part of a record
};

Status CopyTail(const Descriptor& from, uint64_t begin, uint64_t end,
                const std::string& path) {
  int fd = -1;
  if (Status s = OpenStoreFile(path, O_WRONLY | O_TRUNC, &fd); !s.ok()) {
    return s;
  }
  const Descriptor to(fd);
  std::vector<char> buffer(kBlockBytes);
  while (begin < end) {
    const auto wanted =
        static_cast<size_t>(std::min<uint64_t>(buffer.size(), end - begin));
    const ssize_t got =
        pread(from.get(), buffer.data(), wanted, static_cast<off_t>(begin));
    if (got <= 0) return SystemError("read", path, got < 0 ? errno : EIO);
    if (write(to.get(), buffer.data(), static_cast<size_t>(got)) != got) {
      return SystemError("write", path, errno);
    }
    begin += static_cast<uint64_t>(got);
  }
  if (fsync(to.get()) != 0) return SystemError("sync", path, errno);
  return Status::Ok();
}

Status MendLog(const std::string& directory, const FoundLog& found) {
  const LogScan& scan = found.scan;
  if (scan.used_bytes <= scan.end_bytes) return Status::Ok();
  const std::string path = directory + "/" + found.name;
  const Descriptor log(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (log.get() < 0) return SystemError("open", path, errno);
  if (scan.stranded_count > 0) {
    const std::string kept = directory + "/" + kStrandedPrefix + found.name +
                             "-" + std::to_string(scan.end_bytes);
    if (Status s = CopyTail(log, scan.end_bytes, scan.used_bytes, kept);
        !s.ok()) {
      return s;
    }
    // The copy is durable before the log is cut.
    if (Status s = SyncDirectory(directory); !s.ok()) return s;
  }
  if (ftruncate(log.get(), static_cast<off_t>(scan.end_bytes)) != 0) {
    return SystemError("cut", path, errno);
  }
  // Else a power loss could bring the tail back.
  if (fsync(log.get()) != 0) return SystemError("sync", path, errno);
  return Status::Ok();
}

// Removes all empty logs but the newest.
Status RemoveEmptyLogs(const std::string& directory,
                       std::vector<FoundLog> logs) {
  // The numbers have six digits at least, so a longer name is a higher number.
  std::sort(logs.begin(), logs.end(), [](const auto& a, const auto& b) {
    return a.name.size() != b.name.size() ? a.name.size() < b.name.size()
                                          : a.name < b.name;
  });
  if (!logs.empty()) logs.pop_back();
  for (const FoundLog& log : logs) {
    // The size was found before the log was cut.
    const bool cut = log.scan.used_bytes > log.scan.end_bytes;
    const uint64_t size_bytes = cut ? log.scan.end_bytes : log.size_bytes;
    const std::string path = directory + "/" + log.name;
    if (size_bytes == 0 && unlink(path.c_str()) != 0) {
      return SystemError("remove", path, errno);
    }
  }
  return Status::Ok();
}

}  // namespace

Status ScanLog(const std::string& path, LogScan* scan) {
  const Descriptor log(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (log.get() < 0) return SystemError("open", path, errno);
  std::vector<char> block(kBlockBytes);
  Scanner scanner;
  for (uint64_t offset = 0;; offset += kBlockBytes) {
    const ssize_t got = pread(log.get(), block.data(), block.size(),
                              static_cast<off_t>(offset));
    if (got < 0) return SystemError("read", path, errno);
    scanner.Take(offset, {block.data(), static_cast<size_t>(got)});
    // A short read is the end of the file: regular files give all that is
    // there.
    if (got < static_cast<ssize_t>(kBlockBytes)) break;
  }
  *scan = scanner.scan();
  return Status::Ok();
}

Status ScanLogs(const std::string& directory, std::vector<FoundLog>* logs) {
  std::vector<std::string> names;
  if (Status s = ListLogs(directory, &names); !s.ok()) return s;
  std::vector<FoundLog> found;
  for (const std::string& name : names) {
    const std::string path = directory + "/" + name;
    FoundLog log;
    log.name = name;
    struct stat info = {};
    if (stat(path.c_str(), &info) != 0) {
      return SystemError("look at", path, errno);
    }
    log.size_bytes = static_cast<uint64_t>(info.st_size);
    if (Status s = ScanLog(path, &log.scan); !s.ok()) return s;
    found.push_back(std::move(log));
  }
  *logs = std::move(found);
  return Status::Ok();
}

Status MendLogs(const std::string& directory,
                const std::vector<FoundLog>& logs) {
  for (const FoundLog& log : logs) {
    if (Status s = MendLog(directory, log); !s.ok()) return s;
  }
  return RemoveEmptyLogs(directory, logs);
}

}  // namespace actorkv
