#include "vfs/actor/actor_vfs.h"

#include <cstring>
#include <mutex>
#include <utility>

#include "kv/base/affix.h"
#include "kv/process/store_registry.h"
#include "kv/store/store.h"
#include "vfs/actor/actor_file.h"
#include "vfs/actor/busy_wait.h"
#include "vfs/actor/memory_file.h"
#include "vfs/actor/open_actor.h"
#include "vfs/actor/plain_name.h"
#include "vfs/actor/super_journal.h"
#include "vfs/actor/vfs_name.h"
#include "vfs/legacy/recovered_file.h"
#include "vfs/sqlite/actor_path.h"
#include "vfs/sqlite/default_vfs.h"
#include "vfs/sqlite/last_errno.h"
#include "vfs/sqlite/sqlite_error.h"
#include "vfs/sqlite/uri.h"

namespace actorkv {

namespace {

// Makes the functions of this module come with each connection again, where
// sqlite3_shutdown() dropped that. Set once, before the VFS is used.
void (*auto_extension_of_ours)() = nullptr;

// Reports an error with a temporary file, which is the base VFS's and keeps no
// text.
int ReportTemporary(int code) {
  if (code == SQLITE_OK) return code;
  return ReportCode(code, std::string("a temporary file cannot be made: ") +
                              sqlite3_errstr(code));
}

// A file that another VFS opens. Where its name has no mark, its directory
// tells from now on whose its journal is.
int OpenPlainFile(const PlainName& plain, sqlite3_file* file, int flags,
                  int* out_flags) {
  // SQLite makes journals of a database that may not be made (pager.c, wal.c).
  if ((flags & SQLITE_OPEN_MAIN_DB) != 0) {
    if (Status s = ApplyMode(plain.mode, &flags); !s.ok()) {
      return ReportError(Place::kOpen, s);
    }
  }
  ClearLastErrno();
  const int code =
      plain.vfs->xOpen(plain.vfs, plain.name, file, flags, out_flags);
  if (code == SQLITE_OK && !plain.is_marked) RememberPlainDirectory(plain.name);
  return code;
}

// Returns true when the file is another VFS's. The directory of a database
// without a mark decides, unless the name says that it is an actor.
bool FindPlainDatabase(const char* name, int flags, PlainName* plain) {
  if ((flags & SQLITE_OPEN_MAIN_DB) == 0) return FindPlainName(name, plain);
  if (FindMarkedName(name, plain)) return true;
  if (GetDefaultVfs() != DefaultVfs::kStores) return false;
  const UriParameters parameters(name);
  const char* const vfs = parameters.Find("vfs");
  if (vfs != nullptr && std::strcmp(vfs, kVfsName) == 0) return false;
  ActorPath path;
  if (!SplitFullName(name, &path).ok() || IsInStore(FullName(path))) {
    return false;
  }
  *plain = {BaseVfs(), name, "", false};
  return true;
}

int VfsOpen(sqlite3_vfs* /*vfs*/, const char* name, sqlite3_file* file,
            int flags, int* out_flags) {
  // SQLite calls xClose of a file whose open failed if it has methods
  // (sqlite.org/c3ref/io_methods.html), so there are none until it is built.
  file->pMethods = nullptr;
  const ErrorOwner owner = {nullptr, name == nullptr ? "" : name};
  const auto open = [&]() -> int {
    constexpr int kTemporary = SQLITE_OPEN_TEMP_DB | SQLITE_OPEN_TRANSIENT_DB |
                               SQLITE_OPEN_TEMP_JOURNAL |
                               SQLITE_OPEN_SUBJOURNAL;
    sqlite3_vfs* base = BaseVfs();
    if (name == nullptr || (flags & kTemporary) != 0) {
      return ReportTemporary(base->xOpen(base, name, file, flags, out_flags));
    }
    PlainName plain;
    if (FindPlainDatabase(name, flags, &plain)) {
      return OpenPlainFile(plain, file, flags, out_flags);
    }
    if ((flags & SQLITE_OPEN_MAIN_DB) != 0) {
      // sqlite3_shutdown() keeps the VFS and drops this. SQLite runs automatic
      // extensions after it has opened main (main.c openDatabase, 3.40.1), so
      // the connection of this open has ours again.
      sqlite3_auto_extension(auto_extension_of_ours);
      return ReportError(Place::kOpen,
                         OpenActorFile({name, file, flags, out_flags}), owner);
    }
    if (out_flags != nullptr) *out_flags = flags;
    if ((flags & SQLITE_OPEN_MAIN_JOURNAL) != 0) {
      std::string actor_name(name);
      RemoveSuffix("-journal", &actor_name);
      return Construct<MemoryFile>(file, base, std::move(actor_name));
    }
    if ((flags & SQLITE_OPEN_SUPER_JOURNAL) != 0 &&
        (flags & SQLITE_OPEN_CREATE) != 0) {
      return Construct<SuperJournalFile>(file, name);
    }
    // Nobody asks for one: there is never a WAL, and never a super-journal to
    // recover from.
    return ReportCode(SQLITE_CANTOPEN,
                      std::string("there is no such file of an actor: ") + name,
                      owner);
  };
  return Guard(Place::kOpen, open, [&] { return owner; });
}

int VfsDelete(sqlite3_vfs* /*vfs*/, const char* name, int sync_directory) {
  return Guard(Place::kSync, [&]() -> int {
    PlainName plain;
    if (FindPlainName(name, &plain)) {
      return plain.vfs->xDelete(plain.vfs, plain.name, sync_directory);
    }
    std::shared_ptr<CommitGroup> group = FindSuperJournal(name);
    if (group != nullptr) {
      // Its name goes first: whatever the outcome, there is nothing that a
      // recovery could ask for.
      DropSuperJournal(name);
      if (sync_directory == 0) {  // by a rollback (pager.c pager_delsuper)
        group->Drop();
        return SQLITE_OK;
      }
      // This deletion is the commit point (vdbeaux.c vdbeCommit, 3.40.1), see
      // vfs/actor/commit_group.h.
      return group->PublishAndReport();
    }
    std::string actor(name);
    if (RemoveSuffix("-journal", &actor) || RemoveSuffix("-wal", &actor)) {
      return SQLITE_OK;  // it went when it was closed
    }
    return ReportError(
        Place::kDelete,
        Status::NotSupported(
            std::string("an actor is deleted by actorkv_delete(): ") + name));
  });
}

int VfsAccess(sqlite3_vfs* /*vfs*/, const char* name, int flags, int* result) {
  *result = 0;
  return Guard(Place::kOpen, [&]() -> int {
    PlainName plain;
    if (FindPlainName(name, &plain)) {
      return plain.vfs->xAccess(plain.vfs, plain.name, flags, result);
    }
    // Asked for twice at the start of each transaction. Journals are private to
    // their connection and never hot. A super-journal's name ends in a digit or
    // letter from 0 to F (vdbeaux.c vdbeCommit, 3.40.1).
    if (EndsWith(name, "-journal") || EndsWith(name, "-wal")) return SQLITE_OK;
    if (FindSuperJournal(name) != nullptr) {
      *result = 1;
      return SQLITE_OK;
    }
    ActorPath path;
    std::shared_ptr<Store> store;
    std::shared_ptr<Actor> actor;
    std::shared_ptr<const HeadState> state;
    Status s = SplitFullName(name, &path);
    if (s.ok()) {
      s = StoreRegistry::Instance()->Acquire(path.store, OpenMode::kFollow,
                                             &store);
    }
    if (s.ok() && store->read_only()) s = store->CatchUp();
    if (s.ok()) s = store->OpenActor(path.actor, &actor);
    if (s.ok()) s = actor->Current(&state);
    // An error counts as "is not there": the open that follows says it better.
    *result = s.ok() && (state->exists || state->is_legacy) ? 1 : 0;
    // It was open for a look only; what a close could store is of no use to the
    // caller.
    if (actor != nullptr) NoteIgnored(store->CloseActor(std::move(actor)));
    return SQLITE_OK;
  });
}

int VfsFullPathname(sqlite3_vfs* /*vfs*/, const char* name, int size,
                    char* output) {
  return Guard(Place::kOpen, [&]() -> int {
    if (!IsRawUri(name) && IsPlainByDefault(name)) {
      sqlite3_vfs* const base = BaseVfs();
      return base->xFullPathname(base, name, size, output);
    }
    const ErrorOwner owner = {nullptr, name};
    std::string full_name;
    if (Status s = ResolveVfsName(name, &full_name); !s.ok()) {
      return ReportError(Place::kOpen, s, owner);
    }
    if (full_name.size() + 1 > static_cast<size_t>(size)) {
      return ReportCode(SQLITE_CANTOPEN, "the name is too long: " + full_name,
                        owner);
    }
    std::memcpy(output, full_name.c_str(), full_name.size() + 1);
    return SQLITE_OK;
  });
}

// Calls that have nothing to do with files go to the base VFS.

void* VfsDlOpen(sqlite3_vfs* /*vfs*/, const char* name) {
  return BaseVfs()->xDlOpen(BaseVfs(), name);
}
void VfsDlError(sqlite3_vfs* /*vfs*/, int size, char* text) {
  BaseVfs()->xDlError(BaseVfs(), size, text);
}
void (*VfsDlSym(sqlite3_vfs* /*vfs*/, void* library, const char* symbol))() {
  return BaseVfs()->xDlSym(BaseVfs(), library, symbol);
}
void VfsDlClose(sqlite3_vfs* /*vfs*/, void* library) {
  BaseVfs()->xDlClose(BaseVfs(), library);
}
int VfsRandomness(sqlite3_vfs* /*vfs*/, int size, char* output) {
  return BaseVfs()->xRandomness(BaseVfs(), size, output);
}
// The default busy handler comes here, and sqlite3_sleep() where this is the
// default VFS.
int VfsSleep(sqlite3_vfs* /*vfs*/, int microseconds) {
  return SleepOrWait(microseconds);
}
int VfsCurrentTime(sqlite3_vfs* /*vfs*/, double* time) {
  return BaseVfs()->xCurrentTime(BaseVfs(), time);
}
int VfsGetLastError(sqlite3_vfs* /*vfs*/, int size, char* text) {
  if (size > 0) {
    *text = '\0';
    // A text that there is no memory for is left out.
    static_cast<void>(Guard([&] {
      sqlite3_snprintf(size, text, "%s", LastError().c_str());
      return SQLITE_OK;
    }));
  }
  if (LastErrno() != 0) return LastErrno();
  sqlite3_vfs* const base = BaseVfs();
  return base->xGetLastError == nullptr ? 0
                                        : base->xGetLastError(base, 0, nullptr);
}
int VfsCurrentTimeInt64(sqlite3_vfs* /*vfs*/, sqlite3_int64* time) {
  sqlite3_vfs* base = BaseVfs();
  // A VFS of version 1 has only the time in days (sqlite.org/c3ref/vfs.html).
  if (base->iVersion >= 2 && base->xCurrentTimeInt64 != nullptr) {
    return base->xCurrentTimeInt64(base, time);
  }
  double days = 0;
  const int rc = base->xCurrentTime(base, &days);
  *time = static_cast<sqlite3_int64>(days * 86400000.0);
  return rc;
}

int FileBytes(const sqlite3_vfs& base) {
  const size_t ours =
      std::max({sizeof(ActorFile), sizeof(MemoryFile), sizeof(SuperJournalFile),
                sizeof(RecoveredFile)});
  // SQLite gives xOpen one buffer of this size, whoever the file turns out to
  // belong to.
  return std::max(base.szOsFile, static_cast<int>(ours));
}

}  // namespace

int RegisterVfs(void (*auto_extension)()) {
  // Two connections may load the extension at the same time.
  static std::mutex mutex;
  std::lock_guard<std::mutex> lock(mutex);
  if (BaseVfs() != nullptr) return SQLITE_OK;
  auto_extension_of_ours = auto_extension;
  // Before any thread opens a store: see EngineHome::Prepare().
  StoreRegistry::Instance();
  sqlite3_vfs* base = sqlite3_vfs_find(nullptr);
  if (base == nullptr) return SQLITE_ERROR;
  static sqlite3_vfs vfs = {};
  // Version 3 adds system calls, of which this VFS makes none of its own.
  vfs.iVersion = 2;
  vfs.szOsFile = FileBytes(*base);
  vfs.mxPathname = kMaxPathnameBytes;
  vfs.zName = kVfsName;
  vfs.xOpen = VfsOpen;
  vfs.xDelete = VfsDelete;
  vfs.xAccess = VfsAccess;
  vfs.xFullPathname = VfsFullPathname;
  vfs.xDlOpen = VfsDlOpen;
  vfs.xDlError = VfsDlError;
  vfs.xDlSym = VfsDlSym;
  vfs.xDlClose = VfsDlClose;
  vfs.xRandomness = VfsRandomness;
  vfs.xSleep = VfsSleep;
  vfs.xCurrentTime = VfsCurrentTime;
  vfs.xGetLastError = VfsGetLastError;
  vfs.xCurrentTimeInt64 = VfsCurrentTimeInt64;
  SetVfses(&vfs, base);
  return sqlite3_vfs_register(&vfs, 0);
}

}  // namespace actorkv
