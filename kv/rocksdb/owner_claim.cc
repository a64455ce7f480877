#include "kv/rocksdb/owner_claim.h"

#include <fcntl.h>

#include <utility>

#include "kv/base/descriptor.h"
#include "kv/files/store_names.h"
#include "kv/rocksdb/holder_file.h"

namespace actorkv {
namespace {

std::string PathIn(const std::string& directory) {
  return directory + "/" + kHolderFileName;
}

struct flock ClaimLock() {
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = kClaimByte;
  lock.l_len = 1;
  return lock;
}

// Why the claim was not to be had.
Status ClaimedElsewhere(const std::string& directory, int fd) {
  struct flock lock = ClaimLock();
  const bool is_seen =
      fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  // A holder of an older version locks all bytes (holder_file.h).
  if (is_seen && lock.l_start != kClaimByte) {
    return HolderFile::OpenElsewhere(directory);
  }
  if (HolderFile::IsHeld(directory)) {
    return Status::AlreadyExists("store is served by " +
                                 HolderFile::HolderIn(directory) + ": " +
                                 directory);
  }
  return Status::AlreadyExists("another process is about to serve the store: " +
                               directory);
}

}  // namespace

OwnerClaim::OwnerClaim(std::unique_ptr<LockFile> file)
    : file_(std::move(file)) {}

Status OwnerClaim::Make(const std::string& directory,
                        std::unique_ptr<OwnerClaim>* claim) {
  std::unique_ptr<LockFile> file;
  if (Status s = LockFile::Open(PathIn(directory), /*create=*/false, &file);
      !s.ok()) {
    return s;
  }
  bool locked = false;
  if (Status s = file->TryLock(kClaimByte, LockFile::Kind::kExclusive, &locked);
      !s.ok()) {
    return s;
  }
  if (!locked) return ClaimedElsewhere(directory, file->fd());
  claim->reset(new OwnerClaim(std::move(file)));
  return Status::Ok();
}

bool OwnerClaim::IsMade(const std::string& directory) {
  const Descriptor file(
      open(PathIn(directory).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct flock lock = ClaimLock();
  return file.get() >= 0 && fcntl(file.get(), F_OFD_GETLK, &lock) == 0 &&
         lock.l_type != F_UNLCK;
}

}  // namespace actorkv
