#include "kv/rocksdb/rocksdb_home.h"

#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "kv/base/system_error.h"
#include "kv/files/canonical_directory.h"
#include "kv/files/directory.h"
#include "kv/files/file_access.h"
#include "kv/files/file_names.h"
#include "kv/files/new_directory.h"
#include "kv/files/store_marker.h"
#include "kv/files/work_file.h"
#include "kv/rocksdb/database_files.h"
#include "kv/rocksdb/holder_file.h"
#include "kv/rocksdb/owner_claim.h"
#include "kv/rocksdb/rocksdb_engine.h"
#include "kv/rocksdb/rocksdb_use.h"

namespace actorkv {

namespace {

class DirectoryWait : public PlaceWait {
 public:
  explicit DirectoryWait(const std::string& directory) : mark_(directory) {}
  bool IsHeld() const override { return mark_.IsHeld(); }
  bool OthersWait() const override { return mark_.OthersWait(); }

 private:
  const HolderWait mark_;
};

class DirectoryClaim : public PlaceClaim {
 public:
  explicit DirectoryClaim(std::unique_ptr<OwnerClaim> claim)
      : claim_(std::move(claim)) {}

 private:
  const std::unique_ptr<OwnerClaim> claim_;
};

Status ForeignDatabase(const std::string& directory) {
  return Status::InvalidArgument("a RocksDB database that is not a store: " +
                                 directory);
}

Status KindWithoutMarker(const std::string& directory, PlaceKind* kind) {
  DirectoryKind found = DirectoryKind::kMissing;
  if (Status s = ClassifyDirectory(directory, &found); !s.ok()) return s;
  switch (found) {
    case DirectoryKind::kMissing:
      *kind = PlaceKind::kMissing;
      break;
    case DirectoryKind::kFresh:
      *kind = PlaceKind::kFresh;
      break;
    case DirectoryKind::kDatabase:
      *kind = PlaceKind::kForeign;
      break;
  }
  return Status::Ok();
}

// Marks a directory as a store where that may be done.
Status MarkNew(const std::string& directory, OpenMode mode) {
  PlaceKind kind = PlaceKind::kMissing;
  if (Status s = KindWithoutMarker(directory, &kind); !s.ok()) return s;
  if (kind == PlaceKind::kForeign) return ForeignDatabase(directory);
  if (mode != OpenMode::kCreate) return NoSuchStore(directory);
  return WriteMarker(directory);
}

}  // namespace

Status RocksDbHome::Canonical(const std::string& place,
                              std::string* canonical) {
  return CanonicalDirectory(place, canonical);
}

Status RocksDbHome::Resolve(const std::string& place, std::string* name) {
  return ResolveDirectory(place, name);
}

Status RocksDbHome::Identify(const std::string& place,
                             StoreIdentity* identity) {
  struct stat info = {};
  if (stat(place.c_str(), &info) != 0) {
    return SystemError("find", place, errno);
  }
  if (!S_ISDIR(info.st_mode)) {
    return Status::InvalidArgument("a store is a directory, this is not: " +
                                   place);
  }
  StoreIdentity found;
  found.place[0] = info.st_dev;
  found.place[1] = info.st_ino;
  if (stat((place + "/" + kMarkerFileName).c_str(), &info) == 0) {
    found.store = info.st_ino;
    found.change = static_cast<uint64_t>(ChangedNs(info));
  }
  *identity = found;
  return Status::Ok();
}

Status RocksDbHome::Make(const std::string& place) {
  return MakeDirectory(place);
}

Status RocksDbHome::Look(const std::string& place, PlaceKind* kind) {
  // Also a marker that cannot be read or is of a newer format: whoever opens
  // the store says so.
  const Code marked = CheckMarker(place).code();
  if (marked != Code::kNotFound && marked != Code::kIOError) {
    *kind = PlaceKind::kStore;
    return Status::Ok();
  }
  return KindWithoutMarker(place, kind);
}

Status RocksDbHome::Check(const std::string& place) {
  StoreIdentity identity;
  Status found = Identify(place, &identity);
  if (found.code() == Code::kNotFound) return Status::Ok();
  if (!found.ok()) return found;
  Status marked = CheckMarker(place);
  if (marked.code() != Code::kNotFound) return marked;
  PlaceKind kind = PlaceKind::kMissing;
  if (Status s = KindWithoutMarker(place, &kind); !s.ok()) return s;
  return kind == PlaceKind::kForeign ? ForeignDatabase(place) : Status::Ok();
}

Status RocksDbHome::Open(const std::string& place, OpenMode mode,
                         std::unique_ptr<Engine>* engine) {
  Status marked = CheckMarker(place);
  if (marked.code() == Code::kNotFound) marked = MarkNew(place, mode);
  if (!marked.ok()) return marked;
  if (mode != OpenMode::kFollow) {
    // An engine is made in half a millisecond, for nothing where another
    // process has the store, which is the usual case of a process that shares
    // it. Who has it is decided by the engine's own lock.
    if (Status s = CheckFree(place); !s.ok()) return s;
  }
  return OpenRocksDbEngine(place, mode, engine);
}

EngineLimits RocksDbHome::Limits() const { return RocksDbLimits(); }

std::unique_ptr<PlaceWait> RocksDbHome::Wait(const std::string& place) {
  return std::make_unique<DirectoryWait>(place);
}

Status RocksDbHome::CheckFree(const std::string& place) {
  return HolderFile::IsHeld(place) ? HolderFile::OpenElsewhere(place)
                                   : Status::Ok();
}

Status RocksDbHome::Claim(const std::string& place,
                          std::unique_ptr<PlaceClaim>* claim) {
  std::unique_ptr<OwnerClaim> made;
  if (Status s = OwnerClaim::Make(place, &made); !s.ok()) return s;
  *claim = std::make_unique<DirectoryClaim>(std::move(made));
  return Status::Ok();
}

bool RocksDbHome::IsClaimed(const std::string& place) {
  return OwnerClaim::IsMade(place);
}

bool RocksDbHome::IsClaimDue(const std::string& place) {
  return OwnerClaim::IsMade(place) && !HolderFile::IsHeld(place);
}

Status RocksDbHome::BackUp(const std::string& place, Engine* engine,
                           const std::string& to,
                           const std::function<Status()>& keep_on,
                           uint64_t* bytes) {
  if (Status s = keep_on(); !s.ok()) return s;
  std::unique_ptr<NewDirectory> made;
  Status created =
      NewDirectory::Create(std::string(DirectoryOf(to)), to, &made);
  if (created.code() == Code::kAlreadyExists) {
    return Status::AlreadyExists(std::string(created.message()) +
                                 ": a backup goes to a new directory");
  }
  if (!created.ok()) return created;
  const std::string content = made->content();
  uint64_t copied_bytes = 0;
  if (Status s = engine->Checkpoint(content, &copied_bytes); !s.ok()) return s;
  if (Status s = keep_on(); !s.ok()) return s;
  // Its own id: what is done to the copy is not done to this store.
  if (Status s = WriteMarker(content, AccessIn(place)); !s.ok()) return s;
  if (Status s = DirectoryBytes(content, &copied_bytes); !s.ok()) return s;
  if (Status s = made->Finish(); !s.ok()) return s;
  *bytes = copied_bytes;
  return Status::Ok();
}

Status RocksDbHome::ReadWork(const std::string& place,
                             std::vector<WorkRow>* rows) {
  return ReadWorkFile(place, rows);
}

std::string RocksDbHome::Version() const {
  return "RocksDB " + RocksDbVersion();
}

std::vector<EngineNote> RocksDbHome::Notes() const {
  return {{"rocksdb_version", RocksDbVersion()}};
}

void RocksDbHome::Prepare() { MakeRocksDbStatics(); }

bool RocksDbHome::EndUse(std::chrono::steady_clock::time_point give_up) {
  return EndUseOfRocksDb(give_up);
}

bool RocksDbHome::MayNotEnd() const { return RocksDbMayNotEnd(); }

}  // namespace actorkv
