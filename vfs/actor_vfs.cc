#include "vfs/actor_vfs.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <new>
#include <utility>

#include "kv/affix.h"
#include "kv/point.h"
#include "kv/store_registry.h"
#include "vfs/actor_file.h"
#include "vfs/actor_path.h"
#include "vfs/legacy_image.h"
#include "vfs/memory_file.h"
#include "vfs/recovered_file.h"
#include "vfs/sqlite_error.h"
#include "vfs/super_journal.h"
#include "vfs/uri.h"

namespace actorkv {

namespace {

struct VfsState {
  sqlite3_vfs vfs = {};
  sqlite3_vfs* base = nullptr;  // the default before us
  std::atomic<bool> is_default{false};
  std::mutex mutex;  // of what follows
  std::string default_store;
};

VfsState* State() {
  static auto* const state = new VfsState;
  return state;
}

template <typename File, typename... Args>
int Construct(sqlite3_file* file, Args&&... args) {
  new (file) File(std::forward<Args>(args)...);
  return SQLITE_OK;
}

// How the store of a main database is opened.
OpenMode StoreMode(bool read_only, int flags, bool may_create_store) {
  if (read_only) return OpenMode::kFollow;
  const bool create = (flags & SQLITE_OPEN_CREATE) != 0 && may_create_store;
  return create ? OpenMode::kCreate : OpenMode::kExisting;
}

Status AcquireStore(const char* name, const ActorPath& path, OpenMode mode,
                    bool named_vfs, std::shared_ptr<Store>* store) {
  Status s = StoreRegistry::Instance()->Acquire(path.store, mode, store);
  if (s.ok() || named_vfs || s.code() == Code::kBusy) return s;
  // On a connection whose main database is an actor, SQLite hands names
  // without a VFS to ours too, as in ATTACH 'x.db' and VACUUM INTO 'x.db'.
  return s.WithContext(std::string("to open a plain file here write 'file:") +
                       name + "?vfs=" + State()->base->zName + "'");
}

// Also of a deleted actor, as long as it is not purged.
Status FindVersion(Store* store, const std::string& actor,
                   const std::shared_ptr<const HeadState>& state,
                   const std::string& text, ActorFileOptions* options) {
  Point point;
  if (Status s = ParsePoint(text, &point); !s.ok()) return s;
  if (state->is_legacy) {
    return Status::InvalidArgument(
        "the actor is legacy, it has no commits yet: actor=" + actor);
  }
  if (state->entry_bytes.empty()) {
    return Status::NotFound("no such actor: actor=" + actor +
                            " store=" + store->path());
  }
  options->version_pin = std::make_shared<Pin>();
  return ResolvePoint({store, actor, state}, point, options->version_pin.get(),
                      &options->version);
}

ReadOnly WhyReadOnly(int flags, const UriOptions& uri) {
  if (uri.as_of.has_value()) return ReadOnly::kPast;
  if (uri.never_locks) return ReadOnly::kNoLocks;
  return (flags & SQLITE_OPEN_READWRITE) == 0 ? ReadOnly::kMode : ReadOnly::kNo;
}

Status OpenActorFile(const char* name, sqlite3_file* file, int flags,
                     int* out_flags) {
  ActorPath path;
  UriOptions uri;
  Status s = SplitFullName(name, &path);
  if (s.ok()) s = ParseUriOptions(name, &uri);
  if (!s.ok()) return s;
  std::shared_ptr<Store> store;
  ActorFileOptions options;  // its pin goes before the store does
  options.full_name = name;
  options.never_locks = uri.never_locks;
  options.read_only = WhyReadOnly(flags, uri);
  const bool asked_read_only = options.read_only != ReadOnly::kNo;
  const bool named_vfs = uri.named_vfs || State()->is_default.load();
  s = AcquireStore(name, path, StoreMode(asked_read_only, flags, named_vfs),
                   named_vfs, &store);
  std::shared_ptr<Actor> actor;
  std::shared_ptr<const HeadState> state;
  if (s.ok() && store->read_only()) s = store->CatchUp();
  if (s.ok()) s = store->OpenActor(path.actor, &actor);
  if (s.ok()) s = actor->Current(&state);
  if (s.ok() && uri.as_of.has_value()) {
    s = FindVersion(store.get(), path.actor, state, *uri.as_of, &options);
    if (!s.ok()) return s;
    state = options.version;
  }
  const bool there = s.ok() && (state->exists || state->is_legacy);
  if (s.ok() && !there && (flags & SQLITE_OPEN_CREATE) == 0) {
    s = Status::NotFound("no such actor: actor=" + path.actor +
                         " store=" + path.store);
  }
  if (!s.ok()) return s;
  // A fork of forks may not have been open when it became deep.
  if (state->lineage != nullptr && state->lineage->size() > kMaxLineageDepth) {
    store->SuggestFlatten(actor);
  }
  std::shared_ptr<RecoveredImage> legacy;
  if (state->is_legacy) {
    s = OpenLegacyImage(store, path.actor, !asked_read_only, &legacy);
    if (!s.ok()) return s;
  }
  const bool read_only = asked_read_only || legacy != nullptr;
  if (out_flags != nullptr) {
    *out_flags = read_only
                     ? (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) |
                           SQLITE_OPEN_READONLY
                     : flags;
  }
  if (legacy != nullptr) {
    Construct<RecoveredFile>(
        file, std::move(legacy),
        RecoveredFileOptions{std::move(store), name, asked_read_only});
  } else {
    Construct<ActorFile>(file, std::move(store), std::move(actor),
                         std::move(options));
  }
  EndErrorOfThread();
  return Status::Ok();
}

// What goes wrong with a temporary file, which is the base VFS's.
int ReportTemporary(int code) {
  if (code == SQLITE_OK) return code;
  return ReportCode(code, std::string("a temporary file cannot be made: ") +
                              sqlite3_errstr(code));
}

int VfsOpen(sqlite3_vfs* /*vfs*/, const char* name, sqlite3_file* file,
            int flags, int* out_flags) {
  file->pMethods = nullptr;
  const ErrorOwner owner = {nullptr, name == nullptr ? "" : name};
  const auto open = [&]() -> int {
    constexpr int kTemporary = SQLITE_OPEN_TEMP_DB | SQLITE_OPEN_TRANSIENT_DB |
                               SQLITE_OPEN_TEMP_JOURNAL |
                               SQLITE_OPEN_SUBJOURNAL;
    sqlite3_vfs* base = State()->base;
    if (name == nullptr || (flags & kTemporary) != 0) {
      return ReportTemporary(base->xOpen(base, name, file, flags, out_flags));
    }
    if ((flags & SQLITE_OPEN_MAIN_DB) != 0) {
      return ReportError(Place::kOpen,
                         OpenActorFile(name, file, flags, out_flags), owner);
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
  return Guard(open, [&] { return owner; });
}

int VfsDelete(sqlite3_vfs* /*vfs*/, const char* name, int sync_directory) {
  return Guard([&]() -> int {
    std::shared_ptr<CommitGroup> group = FindSuperJournal(name);
    if (group != nullptr) {
      DropSuperJournal(name);
      if (sync_directory == 0) {  // by a rollback (pager.c pager_delsuper)
        group->Drop();
        return SQLITE_OK;
      }
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

int VfsAccess(sqlite3_vfs* /*vfs*/, const char* name, int /*flags*/,
              int* result) {
  *result = 0;
  // Asked for twice at the start of each transaction. Journals are private to
  // their connection and never hot. A super-journal's name ends in a digit or
  // letter from 0 to F (vdbeaux.c vdbeCommit, 3.40.1).
  if (EndsWith(name, "-journal") || EndsWith(name, "-wal")) return SQLITE_OK;
  return Guard([&]() -> int {
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
    *result = s.ok() && (state->exists || state->is_legacy) ? 1 : 0;
    if (actor != nullptr) NoteIgnored(store->CloseActor(std::move(actor)));
    return SQLITE_OK;
  });
}

int VfsFullPathname(sqlite3_vfs* /*vfs*/, const char* name, int size,
                    char* output) {
  return Guard([&]() -> int {
    std::string given(name);
    const ErrorOwner owner = {nullptr, name};
    if (State()->is_default.load() && given.find('/') == std::string::npos &&
        !DefaultStore().empty()) {
      given = DefaultStore() + "/" + given;
    }
    // A name without a directory is in the current one, as for files.
    if (given.find('/') == std::string::npos) given = "./" + given;
    ActorPath path;
    if (Status s = ResolveActorPath(given, &path); !s.ok()) {
      return ReportError(Place::kOpen, s, owner);
    }
    const std::string full_name = FullName(path);
    if (full_name.size() + 1 > static_cast<size_t>(size)) {
      return ReportCode(SQLITE_CANTOPEN, "the name is too long: " + full_name,
                        owner);
    }
    std::memcpy(output, full_name.c_str(), full_name.size() + 1);
    return SQLITE_OK;
  });
}

// What has nothing to do with files is the base VFS's.

void* VfsDlOpen(sqlite3_vfs* /*vfs*/, const char* name) {
  return State()->base->xDlOpen(State()->base, name);
}
void VfsDlError(sqlite3_vfs* /*vfs*/, int size, char* text) {
  State()->base->xDlError(State()->base, size, text);
}
void (*VfsDlSym(sqlite3_vfs* /*vfs*/, void* library, const char* symbol))() {
  return State()->base->xDlSym(State()->base, library, symbol);
}
void VfsDlClose(sqlite3_vfs* /*vfs*/, void* library) {
  State()->base->xDlClose(State()->base, library);
}
int VfsRandomness(sqlite3_vfs* /*vfs*/, int size, char* output) {
  return State()->base->xRandomness(State()->base, size, output);
}
int VfsSleep(sqlite3_vfs* /*vfs*/, int microseconds) {
  return State()->base->xSleep(State()->base, microseconds);
}
int VfsCurrentTime(sqlite3_vfs* /*vfs*/, double* time) {
  return State()->base->xCurrentTime(State()->base, time);
}
int VfsGetLastError(sqlite3_vfs* /*vfs*/, int size, char* text) {
  if (size > 0) {
    sqlite3_snprintf(size, text, "%s", LastError().c_str());
  }
  return 0;
}
int VfsCurrentTimeInt64(sqlite3_vfs* /*vfs*/, sqlite3_int64* time) {
  sqlite3_vfs* base = State()->base;
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
  return std::max(base.szOsFile, static_cast<int>(ours));
}

}  // namespace

int RegisterVfs() {
  static std::mutex mutex;
  std::lock_guard<std::mutex> lock(mutex);
  VfsState* state = State();
  if (state->base != nullptr) return SQLITE_OK;
  sqlite3_vfs* base = sqlite3_vfs_find(nullptr);
  if (base == nullptr) return SQLITE_ERROR;
  sqlite3_vfs& vfs = state->vfs;
  vfs.iVersion = 2;
  vfs.szOsFile = FileBytes(*base);
  vfs.mxPathname = kMaxPathBytes;
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
  state->base = base;
  return sqlite3_vfs_register(&vfs, 0);
}

const char* BaseVfsName() { return State()->base->zName; }

Status SetDefaultVfs(bool on, bool* previous) {
  VfsState* state = State();
  *previous = state->is_default.exchange(on);
  if (sqlite3_vfs_register(on ? &state->vfs : state->base, 1) != SQLITE_OK) {
    return Status::IOError("cannot change the default VFS");
  }
  return Status::Ok();
}

void SetDefaultStore(const std::string& store) {
  VfsState* state = State();
  std::lock_guard<std::mutex> lock(state->mutex);
  state->default_store = store;
}

std::string DefaultStore() {
  VfsState* state = State();
  std::lock_guard<std::mutex> lock(state->mutex);
  return state->default_store;
}

}  // namespace actorkv
