// The private VFS "actorkv-legacy": SQLite sees the files of legacy pairs
// through copy-on-write views, so that it can roll back their journal and
// apply their WAL. Its names exist only while a LegacySession does, and nobody
// can guess them.
//
// KEY ASSUMPTIONS about SQLite (3.40.1):
//
//  1. A WAL needs no shared memory when locking_mode is EXCLUSIVE before the
//     first access (wal.c, WAL_HEAPMEMORY_MODE), so files are of version 1.
//  2. Only one connection opens a session, so locks have nothing to do.
//  3. A journal is looked for with xAccess, and one of no bytes does not
//     exist (os_unix.c unixAccess).

#ifndef ACTORKV_VFS_LEGACY_LEGACY_VFS_H_
#define ACTORKV_VFS_LEGACY_LEGACY_VFS_H_

#include <functional>
#include <string>

#include "kv/base/status.h"
#include "kv/base/work_meter.h"
#include "kv/rivet/pairs.h"
#include "vfs/legacy/legacy_view.h"
#include "vfs/sqlite/sqlite_api.h"

namespace actorkv {

constexpr char kLegacyVfsName[] = "actorkv-legacy";

// The limit of a name, and so of the name of a super-journal that SQLite
// recognises in a journal of a file of this VFS (pager.c readSuperJournal).
constexpr int kLegacyMaxPathname = 512;

// LegacySession: the three files of one database, and the name by which SQLite
// opens them.
class LegacySession {
 public:
  // `pairs` must outlive the session. `keep_on`, if any, is asked now and then
  // during reads and writes; an error of it ends what SQLite is doing.
  LegacySession(PairReader* pairs, std::function<Status()> keep_on);
  ~LegacySession();
  LegacySession(const LegacySession&) = delete;
  LegacySession& operator=(const LegacySession&) = delete;

  // Reads the metadata of the files and registers the name. Errors: of
  // LegacyFile::Open().
  Status Open();

  // Forgets the name. REQUIRES: the connection is closed.
  void Unregister();

  // The name that sqlite3_open_v2() takes, with kLegacyVfsName.
  const std::string& name() const { return name_; }

  LegacyView* main() { return &main_; }
  LegacyView* journal() { return &journal_; }
  LegacyView* wal() { return &wal_; }

  // Finds the file that SQLite calls `name`; null for any other name.
  LegacyView* Find(const std::string& name);

  // The first error that a file met, since SQLite keeps only a code.
  const Status& error() const { return error_; }
  Status Note(Status status);

  // From now on `work` has the bytes added that SQLite reads; null: nothing.
  void set_work(WorkMeter* work) { work_ = work; }
  WorkMeter* work() const { return work_; }

  // Asks keep_on; costs nothing most of the time.
  Status KeepOn();
  // Asks keep_on in any case.
  Status KeepOnNow();

 private:
  const std::function<Status()> keep_on_;
  std::string name_;
  LegacyView main_;
  LegacyView journal_;
  LegacyView wal_;
  WorkMeter* work_ = nullptr;
  uint32_t calls_ = 0;
  Status error_;
};

// Registers the VFS, never as the default. Does nothing the next time. Returns
// a SQLite code. REQUIRES: RegisterVfs() was called (vfs/actor/actor_vfs.h).
int RegisterLegacyVfs();

// Opens the main file of `session`, registering the VFS first. Nothing in the
// schema of somebody's database is run. *db is to be closed also after an
// error. Returns a SQLite code. REQUIRES: session->Open() was called, and the
// connection is the only one of the session.
int OpenConnection(LegacySession* session, sqlite3** db);

}  // namespace actorkv

#endif  // ACTORKV_VFS_LEGACY_LEGACY_VFS_H_
