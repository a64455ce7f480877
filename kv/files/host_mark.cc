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

int64_t ByteOf(const HostId& host) {
  return kFirstByte +
         static_cast<int64_t>(host.incarnation % uint64_t{kByteCount});
}

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
  if (Status s = file->TryLock(ByteOf(host), LockFile::Kind::kShared, &locked);
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
  return LockFile::Look(HolderPathIn(directory), ByteOf(host), 1, marked);
}

Status AnyHostMarked(const std::string& directory, bool* marked) {
  return LockFile::Look(HolderPathIn(directory), kFirstByte, kByteCount,
                        marked);
}

}  // namespace actorkv
