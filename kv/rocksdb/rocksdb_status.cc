#include "kv/rocksdb/rocksdb_status.h"

#include <string>

#include "kv/files/opened_directory.h"

namespace actorkv {
namespace {

// RocksDB reports its LOCK being taken as a plain IOError: "While lock file:
// DIR/LOCK: Resource temporarily unavailable", or, in the same process,
// "lock hold by current process". We hold HolderFile first, so this is a
// program other than ours.
bool IsLockError(const rocksdb::Status& status) {
  if (!status.IsIOError()) return false;
  const std::string text = status.ToString();
  return text.find("/LOCK") != std::string::npos &&
         text.find("lock") != std::string::npos;
}

// RocksDB's text, which has two blanks where it leaves something out, and says
// "Corruption" of what a reader should know as damage.
std::string Readable(const rocksdb::Status& status) {
  std::string text = status.ToString();
  for (size_t at = 0; (at = text.find("  ", at)) != std::string::npos;) {
    text.erase(at, 1);
  }
  if (!status.IsCorruption()) return text;
  return "a file of the store is damaged, RocksDB says: " + text;
}

}  // namespace

Status FromRocksDb(const rocksdb::Status& status, std::string_view what,
                   std::string_view directory) {
  if (status.ok()) return Status::Ok();
  if (status.subcode() == rocksdb::Status::kMemoryLimit) {
    return Status::NoMemory();
  }
  std::string message = std::string(what) + ": " +
                        WithoutDescriptors(Readable(status), directory);
  // Most of RocksDB's texts name the file.
  if (message.find(directory) == std::string::npos) {
    message.append(": ").append(directory);
  }
  // NoSpace is a subcode of IOError, so it comes first.
  if (status.IsNoSpace()) return Status::NoSpace(message);
  if (IsLockError(status)) return Status::Busy(message);
  if (status.IsBusy() || status.IsTryAgain() || status.IsTimedOut()) {
    return Status::Busy(message);
  }
  if (status.IsCorruption()) return Status::Corruption(message);
  if (status.IsNotFound()) return Status::NotFound(message);
  if (status.IsInvalidArgument()) return Status::InvalidArgument(message);
  if (status.IsNotSupported()) return Status::NotSupported(message);
  return Status::IOError(message);
}

bool NothingWritten(const rocksdb::Status& status) {
  return status.IsInvalidArgument() || status.IsNotSupported();
}

}  // namespace actorkv
