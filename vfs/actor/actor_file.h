// ActorFile: a SQLite database file that is an actor.
//
// KEY ASSUMPTIONS about the pager (SQLite 3.40.1, pager.c and vdbeaux.c;
// tests/vfs/actor/call_order_test.cc checks them):
//
//  1. A write transaction in a rollback journal mode calls
//       xLock(SHARED) xLock(RESERVED) xLock(EXCLUSIVE) xWrite* FCNTL_SYNC
//       xSync xTruncate? FCNTL_COMMIT_PHASETWO xUnlock(SHARED) xUnlock(NONE).
//     Between RESERVED and EXCLUSIVE other connections may begin to read.
//  2. FCNTL_SYNC comes once for each written database, at the end of phase
//     one, at every level of synchronous. `synchronous=OFF` omits xSync.
//  3. A rollback after a cache spill rewrites pages and also sends FCNTL_SYNC;
//     it never sends COMMIT_PHASETWO.
//  4. xTruncate of a file that shrank comes after the commit point.
//
// Lock states. Each level owns what it may use:
//
//   NONE                  nothing; a read uses the current head
//   SHARED                a snapshot: the head at the moment of xLock
//   RESERVED, PENDING,    the actor's reservation, and with the first write a
//   EXCLUSIVE             Transaction; readers of other connections go on
//
// Invariants:
//  1. What a connection reads between xLock(SHARED) and xUnlock(NONE) is one
//     snapshot and its own writes; after its commit, that commit.
//  2. Nothing is published but at the moments of vfs/actor/commit_group.h: at
//     FCNTL_SYNC for a single writer, else with its group. Unlocking or
//     closing drops what was not published.
//  3. When the publish of a commit returned ok with synchronous FULL or EXTRA,
//     the commit is on stable storage.
//  4. A transaction whose write failed is dropped: the pager enters its error
//     state (pager.c pager_error) and rolls back to the base, in exclusive
//     mode without ever unlocking. So too where memory ran out, and then every
//     file of the commit drops its own.
//  5. What fails in the rollback that an error brought about is not reported:
//     the first error is why the call failed.
//  6. What a pager plays back from its journal is never published on another
//     version than the one that the journal is of. Where the file had to move
//     on to a new head while the pager kept its lock, the pager plays back all
//     the same (pager.c sqlite3PagerSharedLock: above SHARED its journal counts
//     as hot), before it reads page 1 anew.
//
// The rollback of invariant 5 begins with an error of a write transaction, in
// each file of the connection that is writing, and is over with the first of:
//
//   xUnlock below RESERVED, xLock        a transaction ended, another begins
//   FCNTL_SYNC that went well            the end of a playback; in exclusive
//                                        mode nothing is unlocked
//   xRead of the 16 bytes at 24          how a pager without a state of its
//                                        own begins (pager.c
//                                        sqlite3PagerSharedLock, 3.40.1): in
//                                        exclusive mode after its error state

#ifndef ACTORKV_VFS_ACTOR_ACTOR_FILE_H_
#define ACTORKV_VFS_ACTOR_ACTOR_FILE_H_

#include <memory>
#include <string>
#include <vector>

#include "kv/base/per_process.h"
#include "kv/base/thrown.h"
#include "kv/store/actor.h"
#include "kv/store/pins.h"
#include "vfs/actor/commit_group.h"
#include "vfs/actor/fetched_pages.h"
#include "vfs/actor/file_pragmas.h"
#include "vfs/actor/group_member.h"
#include "vfs/actor/pager_view.h"
#include "vfs/actor/snapshot_reader.h"
#include "vfs/actor/transaction.h"
#include "vfs/sqlite/file_methods.h"
#include "vfs/sqlite/sqlite_error.h"
#include "vfs/sqlite/uri.h"

namespace actorkv {

class Store;

struct ActorFileOptions {
  std::string full_name;
  ReadOnly read_only = ReadOnly::kNo;
  // nolock=1 or immutable=1: SQLite never locks, so the first read takes the
  // snapshot and the file keeps it.
  bool never_locks = false;
  // A version of the past, which this file shows for ever, and its pin.
  // REQUIRES: read_only is kPast.
  std::shared_ptr<const HeadState> version;
  std::shared_ptr<Pin> version_pin;
};

class ActorFile : public sqlite3_file {
 public:
  ActorFile(std::shared_ptr<Store> store, std::shared_ptr<Actor> actor,
            ActorFileOptions options);
  ~ActorFile();
  ActorFile(const ActorFile&) = delete;
  ActorFile& operator=(const ActorFile&) = delete;

  const std::string& full_name() const { return options_.full_name; }
  const Store* store() const { return store_.get(); }
  const std::shared_ptr<Store>& shared_store() const { return store_; }
  // It was opened before fork(), in a process that this one was forked from.
  bool is_of_parent() const { return of_parent_.value(); }
  const std::shared_ptr<Actor>& actor() const { return actor_; }
  ReadOnly read_only() const { return options_.read_only; }

  // The connection and the name that errors of this file are kept under.
  ErrorOwner error_owner() const {
    return {db_ == nullptr ? nullptr : *db_, options_.full_name};
  }

  // Holds the actor's reservation. May be asked from other threads.
  bool writing() const { return lock_.load() >= SQLITE_LOCK_RESERVED; }

  // The origin that the commit records of this file will say; kSql unless set.
  void set_origin(Origin origin) { origin_ = origin; }

  int Close();
  int Read(void* buffer, int size, sqlite3_int64 offset);
  int Write(const void* buffer, int size, sqlite3_int64 offset);
  int Truncate(sqlite3_int64 size);
  int Sync(int flags);
  int FileSize(sqlite3_int64* size);
  int Lock(int level);
  int Unlock(int level);
  int CheckReservedLock(int* reserved);
  int FileControl(int op, void* arg);
  int SectorSize() const;
  int DeviceCharacteristics() const;
  int Fetch(sqlite3_int64 offset, int size, void** page);
  int Unfetch(sqlite3_int64 offset, void* page);

 private:
  // Reports an error of this file, or not (invariant 5); the code.
  int Report(Place place, const Status& status);
  int ReportReadOnly();
  // In a child of fork(): nothing of the file may be used.
  int Refuse(Place place);
  int ControlOfParents(int op, void* arg);
  Status TakeSnapshot();
  bool ResumeSnapshot();
  void RestSnapshot();
  Status EnsureSnapshot();  // for a read without a lock
  bool ReadsSnapshot() const;
  Status ReadSnapshot(const ReadRequest& request, size_t* copied);
  void ShowHeader(const ReadRequest& request);
  Status ReadWithCare(const ReadRequest& request, size_t* copied);
  void LetGo();
  Status ResolveDoubt();
  Status Reserve();
  // Notes an event where the writer was shut out.
  void NoteFence(const Status& status) const;
  Status BeginTransaction();
  Status ReadPageOne(BasePageOne* page_one);
  void DropTransaction() noexcept;
  // Runs `call`, which writes. Where it fails or throws, the transaction is
  // dropped.
  template <typename Call>
  Status OrDrop(const Call& call);
  Status ShouldPublish(bool* publish);
  Status SyncControl(const char* super_journal);
  Status Decide(const char* super_journal);
  Status CheckBaseIsHead();
  Status PublishOrStage(const char* super_journal);
  Status StageForSuperJournal(const char* super_journal);
  Status PhaseTwo();
  Status PublishAlone();
  bool HasMoved() const;
  // An error was reported that makes the connection roll back: invariant 5.
  void BeginRollback();
  // The end of a publish: `commit`, null where it failed.
  void EndPublish(PendingCommit* commit) noexcept;
  void Adopt(std::shared_ptr<const HeadState> state,
             uint64_t version = 0) noexcept;

  // A snapshot that was taken without a lock, for one call, and is let go of at
  // the end of that call, however that comes.
  class Borrowed;
  // The file in the commits of its connection.
  class Member;

  const OfParent of_parent_;
  const std::shared_ptr<Store> store_;
  std::shared_ptr<Actor> actor_;
  const ActorFileOptions options_;

  std::atomic<int> lock_{SQLITE_LOCK_NONE};
  std::shared_ptr<const HeadState> state_;  // the snapshot; null without one
  // An Actor::version() under which state_ was the head: the one before it was
  // taken, or the one that this connection's commit made. 0: not known.
  uint64_t version_ = 0;
  // The snapshot that was let go of last, where it may still be the head; then
  // pin_ is of it and rests, and reader_ still reads it.
  std::shared_ptr<const HeadState> resting_;
  Pin pins_[2];
  Pin* pin_ = &pins_[0];       // holds state_, so that reclaim leaves its pages
  Pin* next_pin_ = &pins_[1];  // holds what a commit under way makes
  uint64_t epoch_ = 0;         // Store::epoch(), at which state_ was there
  Generation generation_;  // at the first snapshot; 0 before the actor exists
  ActorId actor_id_;       // of the snapshots so far; 0: it did not exist
  SnapshotReader reader_;
  FetchedPages fetched_;
  PagerView view_;

  std::unique_ptr<Transaction> transaction_;
  const std::unique_ptr<GroupMember> member_;
  std::shared_ptr<CommitGroup> group_;  // staged in it; null: not staged
  bool sync_announced_ = false;         // FCNTL_SYNC came, xSync is the pager's
  // The lock has not left EXCLUSIVE since the last publish: the pager may have
  // stopped counting versions.
  bool exclusive_since_publish_ = false;
  bool in_doubt_ = false;    // a publish failed, and perhaps it did not
  bool rolls_back_ = false;  // invariant 5
  // The pager's journal is of a version that is not the snapshot: what is
  // written until page 1 is read comes from there.
  bool journal_is_stale_ = false;
  Origin origin_ = Origin::kSql;
  FilePragmas pragmas_;
  sqlite3** db_ = nullptr;  // from FCNTL_PDB; read it anew each time
  // The file as a writer. Threads that may wait for it refer to it as well.
  const std::shared_ptr<Writer> writer_;
};

template <typename Call>
Status ActorFile::OrDrop(const Call& call) {
  Status s = Caught(call);
  if (!s.ok()) DropTransaction();
  return s;
}

}  // namespace actorkv

#endif  // ACTORKV_VFS_ACTOR_ACTOR_FILE_H_
