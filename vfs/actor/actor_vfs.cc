#include "vfs/actor/actor_vfs.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <mutex>
#include <new>
#include <utility>

#include "kv/base/affix.h"
#include "kv/base/events.h"
#include "kv/base/metrics.h"
#include "kv/base/thrown.h"
#include "kv/history/point.h"
#include "kv/process/open_wait.h"
#include "kv/process/store_registry.h"
#include "kv/store/store.h"
#include "vfs/actor/actor_file.h"
#include "vfs/actor/damage_notice.h"
#include "vfs/actor/memory_file.h"
#include "vfs/actor/plain_name.h"
#include "vfs/actor/super_journal.h"
#include "vfs/actor/vfs_name.h"
#include "vfs/legacy/legacy_image.h"
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

// SQLite closes a file that has methods, also where its open failed. A
// constructor that throws after it set them has destroyed the object.
template <typename File, typename... Args>
int Construct(sqlite3_file* file, Args&&... args) {
  OrUndo([&] { new (file) File(std::forward<Args>(args)...); },
         [&] { file->pMethods = nullptr; });
  return SQLITE_OK;
}

// Returns how the store of a main database is opened.
OpenMode StoreMode(bool read_only, int flags, bool may_create_store) {
  if (read_only) return OpenMode::kFollow;
  const bool create = (flags & SQLITE_OPEN_CREATE) != 0 && may_create_store;
  return create ? OpenMode::kCreate : OpenMode::kExisting;
}

// The actor that is opened, and how.
struct OpenPlan {
  ActorPath path;
  OpenMode mode = OpenMode::kFollow;
  bool named_vfs = false;
  OpenWait wait;
};

Status AcquireStore(const char* name, const OpenPlan& plan,
                    std::shared_ptr<Store>* store) {
  Status s = StoreRegistry::Instance()->Acquire(plan.path.store, plan.mode,
                                                plan.wait, store);
  if (s.ok()) TellDamage(store->get());
  // A store that is busy is one: there the advice below would lead astray.
  if (s.ok() || plan.named_vfs || s.code() == Code::kBusy) return s;
  // On a connection whose main database is an actor, SQLite hands names
  // without a VFS to ours too, as in ATTACH 'x.db' and VACUUM INTO 'x.db'.
  // They make no store, nor do those of a driver that names the VFS beside the
  // path.
  return s.WithContext(std::string("to open a plain file here write 'file:") +
                       name + "?vfs=" + BaseVfsName() +
                       "', to make a store 'file:" + name + "?vfs=" + kVfsName +
                       "'");
}

// An actor that is being renamed or deleted cannot be opened for a moment: that
// is waited for.
Status OpenActorOf(Store* store, const OpenPlan& plan,
                   std::shared_ptr<Actor>* actor) {
  for (;;) {
    // The clock is read before the try, so that one try comes after the wait is
    // over.
    const bool is_last = plan.wait.IsOver();
    Status s = store->OpenActor(plan.path.actor, actor);
    if (s.code() != Code::kBusy || is_last) return s;
    if (Status paused = plan.wait.Pause(); !paused.ok()) return paused;
  }
}

// A deleted actor has its past, too, as long as it is not purged.
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
  // The pin is taken while the point is looked up, so that reclaim cannot
  // remove the version in between.
  options->version_pin = std::make_shared<Pin>();
  return ResolvePoint({store, actor, state}, point, options->version_pin.get(),
                      &options->version);
}

ReadOnly WhyReadOnly(int flags, const UriOptions& uri) {
  if (uri.as_of.has_value()) return ReadOnly::kPast;
  if (uri.legacy_pairs) return ReadOnly::kLegacy;
  if (uri.never_locks) return ReadOnly::kNoLocks;
  return (flags & SQLITE_OPEN_READWRITE) == 0 ? ReadOnly::kMode : ReadOnly::kNo;
}

// Warm opens are a look into memory, of which there may be many thousands a
// second: the time of those is of no interest.
void CountOpen(bool is_cold, const EventTimer& timer) {
  if (!is_cold) return;
  Record(Metric::kColdOpenLatency,
         std::chrono::microseconds(timer.elapsed_us()));
}

// The file that SQLite asked for, and what it is told of it.
struct OpenedFile {
  const char* name;
  sqlite3_file* file;
  int flags;
  int* out_flags;  // null: it does not ask
};

void TellFlags(bool read_only, const OpenedFile& opened) {
  if (opened.out_flags == nullptr) return;
  *opened.out_flags =
      read_only
          ? (opened.flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) |
                SQLITE_OPEN_READONLY
          : opened.flags;
}

void ConstructRecovered(std::shared_ptr<RecoveredImage> image,
                        std::shared_ptr<Store> store, ReadOnly read_only,
                        const OpenedFile& opened) {
  TellFlags(true, opened);
  Construct<RecoveredFile>(
      opened.file, std::move(image),
      RecoveredFileOptions{std::move(store), opened.name, read_only});
}

// The actor as it is, and as it is to be opened.
struct FoundActor {
  std::shared_ptr<Actor> actor;
  std::shared_ptr<const HeadState> state;
  bool is_cold = false;  // its head was not in memory
};

Status FindActor(Store* store, const OpenPlan& plan, const UriOptions& uri,
                 int flags, ActorFileOptions* options, FoundActor* found) {
  const ActorPath& path = plan.path;
  Status s = OpenActorOf(store, plan, &found->actor);
  found->is_cold = s.ok() && found->actor->Known() == nullptr;
  if (s.ok()) s = found->actor->Current(&found->state);
  if (s.ok() && uri.as_of.has_value()) {
    s = FindVersion(store, path.actor, found->state, *uri.as_of, options);
    if (!s.ok()) return s;
    found->state = options->version;
  }
  if (!s.ok()) return s;
  const bool there = found->state->exists || found->state->is_legacy;
  if (!there && (flags & SQLITE_OPEN_CREATE) == 0) {
    return Status::NotFound("no such actor: actor=" + path.actor +
                            " store=" + path.store);
  }
  return Status::Ok();
}

// A fork of forks may not have been open when it became deep, so its depth is
// looked at with each open.
void SuggestFlatten(const FoundActor& found, Store* store) {
  const std::shared_ptr<const Lineage>& lineage = found.state->lineage;
  if (lineage != nullptr && lineage->size() > kMaxLineageDepth) {
    store->work()->SuggestFlatten(found.actor);
  }
}

Status OpenActorFile(OpenedFile opened) {
  OpenPlan plan;
  UriOptions uri;
  Status s = SplitFullName(opened.name, &plan.path);
  if (s.ok()) s = ParseUriOptions(opened.name, &uri);
  if (s.ok()) s = ApplyMode(uri.raw_mode, &opened.flags);
  if (!s.ok()) return s;
  std::shared_ptr<Store> store;
  const EventTimer timer;
  ActorFileOptions options;  // its pin goes before the store does
  options.full_name = opened.name;
  options.never_locks = uri.never_locks;
  options.read_only = WhyReadOnly(opened.flags, uri);
  const bool asked_read_only = options.read_only != ReadOnly::kNo;
  plan.named_vfs = uri.named_vfs || GetDefaultVfs() != DefaultVfs::kBase;
  plan.mode = StoreMode(asked_read_only, opened.flags, plan.named_vfs);
  if (!asked_read_only) plan.wait = OpenWait(uri.open_timeout);
  s = AcquireStore(opened.name, plan, &store);
  if (s.ok() && store->read_only()) s = store->CatchUp();
  if (!s.ok()) return s;
  FoundActor found;
  std::shared_ptr<RecoveredImage> legacy;
  if (uri.legacy_pairs) {
    s = OpenKeptImage(store, plan.path.actor, &legacy);
  } else {
    s = FindActor(store.get(), plan, uri, opened.flags, &options, &found);
  }
  if (!s.ok()) return s;
  if (found.state != nullptr && found.state->is_legacy) {
    s = OpenLegacyImage(store, plan.path.actor,
                        asked_read_only ? nullptr : &plan.wait, &legacy);
    if (!s.ok()) return s;
  }
  // The directory has an actor, so names in it are ours again.
  ForgetPlainDirectory(FullName(plan.path));
  if (legacy != nullptr) {
    ConstructRecovered(std::move(legacy), std::move(store), options.read_only,
                       opened);
  } else {
    SuggestFlatten(found, store.get());
    TellFlags(asked_read_only, opened);
    Construct<ActorFile>(opened.file, std::move(store), std::move(found.actor),
                         std::move(options));
  }
  CountOpen(found.is_cold, timer);
  EndErrorOfThread();
  return Status::Ok();
}

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
int VfsSleep(sqlite3_vfs* /*vfs*/, int microseconds) {
  return BaseVfs()->xSleep(BaseVfs(), microseconds);
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
