#include "kv/rocksdb/database_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

#include "kv/base/affix.h"
#include "kv/base/descriptor.h"
#include "kv/base/system_error.h"
#include "kv/files/directory.h"
#include "kv/files/file_access.h"
#include "kv/files/store_names.h"
#include "kv/rocksdb/database_names.h"
#include "kv/rocksdb/log_scan.h"
#include "kv/rocksdb/log_seal.h"

namespace actorkv {
namespace {

constexpr std::string_view kOurPrefix = "actorkv.";

// Files that exist only where a database was. MANIFEST-000001 is not one of
// them: a crash in the middle of the first creation leaves it without
// CURRENT, and there cannot be data behind it.
bool IsDatabaseFile(std::string_view name) {
  return IsNumbered(name, ".sst") || IsNumbered(name, ".blob") || IsLog(name) ||
         (IsManifest(name) && name != "MANIFEST-000001");
}

// Returns true for files of ours, and for those of RocksDB that a creation
// which did not finish may leave.
bool IsLeftover(std::string_view name) {
  return BeginsWith(name, kOurPrefix) || name == "LOCK" || name == "IDENTITY" ||
         name == "LOG" || BeginsWith(name, "LOG.old.") || IsOptions(name) ||
         IsNumbered(name, ".dbtmp") || name == "MANIFEST-000001";
}

// Returns true for leftovers beside a file of ours, and for what mkfs puts into
// the root of a file system.
bool IsHarmless(std::string_view name, bool beside_ours) {
  return (beside_ours && IsLeftover(name)) || name == "lost+found";
}

bool IsStamped(std::string_view name) {
  return name == kCurrent || IsManifest(name) || IsLog(name);
}

Status RewriteFile(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (file.get() < 0) return SystemError("open", path, errno);
  std::vector<char> buffer(size_t{1} << 20);
  off_t offset = 0;
  for (;;) {
    const ssize_t got = pread(file.get(), buffer.data(), buffer.size(), offset);
    if (got < 0) return SystemError("read", path, errno);
    if (got == 0) break;
    const auto wanted = static_cast<size_t>(got);
    const ssize_t put = pwrite(file.get(), buffer.data(), wanted, offset);
    // What a short write leaves out is read and written in the next round.
    if (put < 0) return SystemError("write", path, errno);
    if (put == 0) return SystemError("write", path, EIO);
    offset += put;
  }
  if (fsync(file.get()) != 0) return SystemError("sync", path, errno);
  return Status::Ok();
}

}  // namespace

Status ClassifyDirectory(const std::string& directory, DirectoryKind* kind) {
  std::vector<std::string> names;
  Status listed = ListNames(directory, "", &names);
  if (listed.code() == Code::kNotFound) {
    *kind = DirectoryKind::kMissing;
    return Status::Ok();
  }
  if (!listed.ok()) return listed;
  if (std::find(names.begin(), names.end(), kCurrent) != names.end()) {
    *kind = DirectoryKind::kDatabase;
    return Status::Ok();
  }
  for (const std::string& name : names) {
    if (IsDatabaseFile(name) || name == kLogSealFileName) {
      return Status::Corruption("CURRENT is missing beside " + name + ": " +
                                directory);
    }
  }
  // Files of ours are made first, so what RocksDB left lies beside some:
  // without them it is somebody else's.
  const bool is_ours = std::any_of(
      names.begin(), names.end(),
      [](const std::string& name) { return BeginsWith(name, kOurPrefix); });
  for (const std::string& name : names) {
    if (!IsHarmless(name, is_ours)) {
      return Status::InvalidArgument("not a store, and not empty (" + name +
                                     "): " + directory);
    }
  }
  *kind = DirectoryKind::kFresh;
  return Status::Ok();
}

Status HasData(const std::string& directory, bool* has_data) {
  std::vector<std::string> names;
  if (Status s = ListNames(directory, "", &names); !s.ok()) return s;
  bool found = false;
  for (const std::string& name : names) {
    found = found || IsNumbered(name, ".sst");
    if (!IsLog(name)) continue;
    // A log has zeros ahead of its end before there is anything in it, so its
    // size says nothing.
    LogScan log;
    if (Status s = ScanLog(directory + "/" + name, &log); !s.ok()) return s;
    found = found || log.used_bytes > 0;
  }
  *has_data = found;
  return Status::Ok();
}

Status CheckPlainFiles(const std::string& directory) {
  return VisitNames(directory, [&](const std::string& name, int type) {
    // The directory entry says so without a system call for each file; where it
    // does not (DT_UNKNOWN), the file is looked at.
    if (type == DT_REG || BeginsWith(name, kSocketFileName)) {
      return Status::Ok();
    }
    const bool ours =
        name == kCurrent || IsDatabaseFile(name) || IsLeftover(name);
    return ours ? CheckPlainFile(directory + "/" + name) : Status::Ok();
  });
}

Status ReadStamp(const std::string& directory, DirectoryStamp* stamp) {
  std::vector<std::string> names;
  if (Status s = ListNames(directory, "", &names); !s.ok()) return s;
  DirectoryStamp read;
  bool has_current = false;
  for (const std::string& name : names) {
    if (!IsStamped(name)) continue;
    struct stat file = {};
    // A file that vanished since it was listed makes the stamps differ.
    if (stat((directory + "/" + name).c_str(), &file) != 0) continue;
    has_current = has_current || name == kCurrent;
    read.files.push_back(
        {name, file.st_ino, static_cast<uint64_t>(file.st_size),
         int64_t{file.st_mtim.tv_sec} * 1000000000 + file.st_mtim.tv_nsec});
  }
  if (!has_current) return Status::NotFound("no database: " + directory);
  *stamp = std::move(read);
  return Status::Ok();
}

bool SameFiles(const DirectoryStamp& before, const DirectoryStamp& after) {
  if (before.files.size() != after.files.size()) return false;
  for (size_t i = 0; i < before.files.size(); ++i) {
    const DirectoryStamp::File& a = before.files[i];
    const DirectoryStamp::File& b = after.files[i];
    if (a.name != b.name || a.inode != b.inode) return false;
    // Commits write to logs, and only to them: their size and time may differ.
    if (!IsLog(a.name) && !(a == b)) return false;
  }
  return true;
}

Status RewriteLogs(const std::string& directory) {
  std::vector<std::string> logs;
  if (Status s = ListLogs(directory, &logs); !s.ok()) return s;
  for (const std::string& name : logs) {
    if (Status s = RewriteFile(directory + "/" + name); !s.ok()) return s;
  }
  return Status::Ok();
}

void RemoveBulkLeftovers(const std::string& directory) {
  std::vector<std::string> names;
  if (!ListNames(directory, kBulkPrefix, &names).ok()) return;
  for (const std::string& name : names) {
    unlink((directory + "/" + name).c_str());
  }
}

}  // namespace actorkv
