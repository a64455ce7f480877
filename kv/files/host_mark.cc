#include "kv/files/host_mark.h"

#include <cerrno>
#include <cstdint>
#include <utility>

#include "kv/files/store_names.h"

namespace actorkv {
namespace {

// DO NOT CHANGE THESE VALUES: processes of several versions go by them.
constexpr int64_t kFirstByte = int64_t{1} << 32;
constexpr int64_t kByteCount = int64_t{1} << 62;

}  // namespace

HostMark::HostMark(std::unique_ptr<LockFile> file) : file_(std::move(file)) {}

Status HostMark::Make(const std::string& directory, const HostId& host,
                      std::unique_ptr<HostMark>* mark) {
  std::unique_ptr<LockFile> file;
  if (Status s = LockFile::OpenToShare(HolderPathIn(directory), &file);
      !s.ok()) {
    return s;
  }
  bool locked = false;
  if (Status s = file->TryLock(kFirstByte + MarkNumberOf(host),
                               LockFile::Kind::kShared, &locked);
      !s.ok()) {
    return s;
  }
  if (!locked) {
    return Status::Busy("store is open in a process of an older version: " +
                        directory)
        .WithErrno(EAGAIN);
  }
  mark->reset(new HostMark(std::move(file)));
  return Status::Ok();
}

Status IsHostMarked(const std::string& directory, const HostId& host,
                    bool* marked) {
  return IsNumberMarked(directory, MarkNumberOf(host), marked);
}

MarkNumber MarkNumberOf(const HostId& host) {
  return static_cast<MarkNumber>(host.incarnation % uint64_t{kByteCount});
}

Status IsNumberMarked(const std::string& directory, MarkNumber number,
                      bool* marked) {
  return LockFile::Look(HolderPathIn(directory), kFirstByte + number, 1,
                        marked);
}

Status ListHostMarks(const std::string& directory,
                     std::vector<MarkNumber>* numbers) {
  std::vector<int64_t> bytes;
  Status s = LockFile::ListLocked(HolderPathIn(directory), kFirstByte,
                                  kByteCount, kMaxMarks, &bytes);
  numbers->clear();
  for (const int64_t byte : bytes) numbers->push_back(byte - kFirstByte);
  return s;
}

}  // namespace actorkv
