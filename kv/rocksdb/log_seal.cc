#include "kv/rocksdb/log_seal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <sstream>
#include <string_view>

#include "kv/base/descriptor.h"
#include "kv/base/hash.h"
#include "kv/base/system_error.h"
#include "kv/files/file_access.h"
#include "kv/rocksdb/database_names.h"

namespace actorkv {
namespace {

// The header of a record, and a batch of no operations: sequence and count.
constexpr uint64_t kEmptyBatchRecordBytes = 7 + 12;

constexpr std::string_view kTitle = "actorkv closed, format 1";
// The end of a log that is hashed, in bytes; a log grows to kMaxLogBytes.
constexpr size_t kTailBytes = size_t{32} << 10;
// A store has a handful of logs; whoever finds more in the file made it.
constexpr size_t kMaxSealBytes = size_t{64} << 10;
// CURRENT has one name of a manifest and a newline.
constexpr size_t kMaxCurrentBytes = 256;

struct Manifest {
  std::string name;
  uint64_t size_bytes = 0;

  friend bool operator==(const Manifest& a, const Manifest& b) {
    return a.name == b.name && a.size_bytes == b.size_bytes;
  }
};

struct SealedLog {
  std::string name;
  uint64_t size_bytes = 0;
  uint64_t tail_hash = 0;
};

struct Seal {
  Manifest manifest;
  std::vector<SealedLog> logs;
};

// Reads at most `limit` bytes of the file from `offset` on.
Status ReadSome(const std::string& path, uint64_t offset, size_t limit,
                std::string* bytes) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (file.get() < 0) return SystemError("open", path, errno);
  std::string read(limit, '\0');
  const ssize_t got =
      pread(file.get(), read.data(), read.size(), static_cast<off_t>(offset));
  if (got < 0) return SystemError("read", path, errno);
  read.resize(static_cast<size_t>(got));
  *bytes = std::move(read);
  return Status::Ok();
}

Status ReadManifest(const std::string& directory, Manifest* manifest) {
  std::string current;
  if (Status s =
          ReadSome(directory + "/CURRENT", 0, kMaxCurrentBytes, &current);
      !s.ok()) {
    return s;
  }
  manifest->name = current.substr(0, current.find('\n'));
  const std::string path = directory + "/" + manifest->name;
  struct stat info = {};
  if (stat(path.c_str(), &info) != 0) {
    return SystemError("look at", path, errno);
  }
  manifest->size_bytes = static_cast<uint64_t>(info.st_size);
  return Status::Ok();
}

Status TailHash(const std::string& path, uint64_t size_bytes, uint64_t* hash) {
  const uint64_t tail = std::min<uint64_t>(size_bytes, kTailBytes);
  std::string bytes;
  if (Status s =
          ReadSome(path, size_bytes - tail, static_cast<size_t>(tail), &bytes);
      !s.ok()) {
    return s;
  }
  *hash = Hash64(bytes, /*seed=*/0);
  return Status::Ok();
}

std::string Hex(uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx",
                static_cast<unsigned long long>(value));
  return text;
}

std::string Encode(const Seal& seal) {
  std::ostringstream text;
  text << kTitle << "\nmanifest " << seal.manifest.name << ' '
       << seal.manifest.size_bytes << '\n';
  for (const SealedLog& log : seal.logs) {
    text << "log " << log.name << ' ' << log.size_bytes << ' '
         << Hex(log.tail_hash) << '\n';
  }
  const std::string body = text.str();
  return body + "check " + Hex(Hash64(body, /*seed=*/0)) + "\n";
}

// Returns false for what is not a whole seal.
bool Decode(const std::string& text, Seal* seal) {
  const size_t check = text.rfind("check ");
  if (check == std::string::npos) return false;
  const std::string body = text.substr(0, check);
  if (text.substr(check) != "check " + Hex(Hash64(body, 0)) + "\n") {
    return false;
  }
  std::istringstream lines(body);
  std::string line;
  if (!std::getline(lines, line) || line != kTitle) return false;
  std::string kind;
  if (!(lines >> kind >> seal->manifest.name >> seal->manifest.size_bytes)) {
    return false;
  }
  SealedLog log;
  while (lines >> kind >> log.name >> log.size_bytes >> std::hex >>
         log.tail_hash >> std::dec) {
    seal->logs.push_back(log);
  }
  return true;
}

std::string Bytes(uint64_t count) { return std::to_string(count) + " bytes"; }

// Says how a log changed; *change is empty where it is as it was sealed.
Status DescribeChange(const std::string& directory, const SealedLog& sealed,
                      const FoundLog& found, std::string* change) {
  change->clear();
  const std::string had =
      "it had " + Bytes(sealed.size_bytes) + " when the store was closed";
  if (found.size_bytes != sealed.size_bytes) {
    *change = "has " + Bytes(found.size_bytes) + "; " + had;
    return Status::Ok();
  }
  if (found.scan.used_bytes > found.scan.end_bytes) {
    *change = "is damaged after " + Bytes(found.scan.end_bytes) + "; " + had;
    return Status::Ok();
  }
  uint64_t hash = 0;
  if (Status s =
          TailHash(directory + "/" + found.name, found.size_bytes, &hash);
      !s.ok()) {
    return s;
  }
  if (hash != sealed.tail_hash) {
    *change = "is another one than when the store was closed";
  }
  return Status::Ok();
}

// Whether no operation fits into what was written of the log. RocksDB begins
// the log of each open with an empty batch, and names another manifest after
// it: whoever dies in between leaves that beside the seal.
bool HoldsNothing(const FoundLog& log) {
  return log.scan.stranded_count == 0 &&
         log.scan.used_bytes <= kEmptyBatchRecordBytes;
}

}  // namespace

Status SealLogs(const std::string& directory) {
  Seal seal;
  if (Status s = ReadManifest(directory, &seal.manifest); !s.ok()) return s;
  std::vector<std::string> names;
  if (Status s = ListLogs(directory, &names); !s.ok()) return s;
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    const std::string path = directory + "/" + name;
    struct stat info = {};
    if (stat(path.c_str(), &info) != 0) {
      return SystemError("look at", path, errno);
    }
    SealedLog log = {name, static_cast<uint64_t>(info.st_size), 0};
    // Empty logs hold nothing to lose, and MendLogs() removes them.
    if (log.size_bytes == 0) continue;
    if (Status s = TailHash(path, log.size_bytes, &log.tail_hash); !s.ok()) {
      return s;
    }
    seal.logs.push_back(log);
  }
  return WriteStoreFile(directory + "/" + kLogSealFileName, Encode(seal));
}

Status FindSealBreaches(const std::string& directory,
                        const std::vector<FoundLog>& logs, bool* sealed,
                        std::vector<LogBreach>* breaches) {
  *sealed = false;
  std::string text;
  Status read =
      ReadSome(directory + "/" + kLogSealFileName, 0, kMaxSealBytes, &text);
  if (read.code() == Code::kNotFound) return Status::Ok();
  if (!read.ok()) return read;
  Seal seal;
  Manifest manifest;
  // A seal that was not written to its end counts as none: invariant 2.
  if (!Decode(text, &seal)) return Status::Ok();
  if (Status s = ReadManifest(directory, &manifest); !s.ok()) return s;
  // The database was opened since: invariant 1.
  if (!(manifest == seal.manifest)) return Status::Ok();
  *sealed = true;
  for (const SealedLog& log : seal.logs) {
    const auto found = std::find_if(
        logs.begin(), logs.end(),
        [&log](const FoundLog& other) { return other.name == log.name; });
    std::string change = "is missing; it had " + Bytes(log.size_bytes) +
                         " when the store was closed";
    if (found != logs.end()) {
      Status s = DescribeChange(directory, log, *found, &change);
      if (!s.ok()) return s;
    }
    if (!change.empty()) breaches->push_back({log.name, change});
  }
  for (const FoundLog& log : logs) {
    const bool known =
        std::any_of(seal.logs.begin(), seal.logs.end(),
                    [&log](const SealedLog& s) { return s.name == log.name; });
    // A log that came since holds records that no close knew of.
    if (known || HoldsNothing(log)) continue;
    breaches->push_back({log.name, "was not there when the store was closed"});
  }
  return Status::Ok();
}

}  // namespace actorkv
