#include "kv/rocksdb/owner_claim.h"

#include <utility>

#include "kv/files/store_names.h"
#include "kv/rocksdb/holder_file.h"

namespace actorkv {
namespace {

// A holder of an older version locks all bytes of the file (holder_file.h), so
// also this one, which is nobody's else.
constexpr int64_t kByteOfNobody = kClaimByte + 1;

// Why the claim was not to be had.
Status ClaimedElsewhere(const std::string& directory, const LockFile& file) {
  if (file.IsLockedElsewhere(kByteOfNobody, 1)) {
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
  if (Status s =
          LockFile::Open(HolderPathIn(directory), /*create=*/false, &file);
      !s.ok()) {
    return s;
  }
  bool locked = false;
  if (Status s = file->TryLock(kClaimByte, LockFile::Kind::kExclusive, &locked);
      !s.ok()) {
    return s;
  }
  if (!locked) return ClaimedElsewhere(directory, *file);
  claim->reset(new OwnerClaim(std::move(file)));
  return Status::Ok();
}

bool OwnerClaim::IsMade(const std::string& directory) {
  return LockFile::IsLocked(HolderPathIn(directory), kClaimByte, 1);
}

}  // namespace actorkv
