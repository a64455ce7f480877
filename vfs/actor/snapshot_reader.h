// SnapshotReader: a snapshot of an actor, read as a file.
//
// Page 1 is asked for at the start of every transaction (its counters), so it
// is kept as long as the snapshot is the same.
//
// Where pages are read one after the other and are not in the cache, the next
// ones are read ahead of being asked for (vfs/actor/access_pattern.h), most of
// them by another thread (kv/pages/read_ahead.h). The first page that is not in
// the cache wakes the actor (kv/pages/preload.h).
//
// Invariant: the page cache is asked once for a page that is read. What was not
// there is asked for again only where something was put there since: by a wake,
// or by what read the page together with others.
//
// Belongs to one thread at a time.

#ifndef ACTORKV_VFS_ACTOR_SNAPSHOT_READER_H_
#define ACTORKV_VFS_ACTOR_SNAPSHOT_READER_H_

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "kv/cache/piece_queue.h"
#include "kv/pages/branch_reader.h"
#include "kv/store/actor.h"
#include "kv/store/hints.h"
#include "kv/store/pins.h"
#include "vfs/actor/access_pattern.h"
#include "vfs/actor/page_range.h"

namespace actorkv {

class Store;

class SnapshotReader {
 public:
  SnapshotReader(Store* store, const Actor& actor);

  // From now on wakes the actor, and tells it which pages are used. It must
  // outlive the reads.
  void UseHints(const std::shared_ptr<Actor>& actor) {
    waking_ = actor;
    hints_ = actor->hints();
  }

  // From now on reads this one.
  void SetSnapshot(const HeadState& state);

  // Page 1 of the snapshot, in memory that stays as it is until the reader
  // reads page 1 of another one, or is given it; empty: there is none.
  Status ReadFirstPage(std::string_view* page);

  // `page` is page 1 of the snapshot; empty: not known.
  void KeepFirstPage(std::string page);

  // Lets go of what the engine holds for this reader, until the next read.
  void Release() { reader_.Release(); }

  uint64_t size_bytes() const;
  uint32_t page_size() const { return reader_.snapshot().page_size; }

  // Page `part.pgno` in memory that stays; null unless the part is a whole page
  // of the snapshot, and not page 1, whose counters the store keeps apart.
  Status Pin(const PagePart& part, PagePin* page);

  // Copies what lies inside the file and zero-fills the rest. *copied: bytes
  // inside.
  Status Read(const ReadRequest& request, size_t* copied);

 private:
  // What is known of a read without reading.
  enum class Known {
    kRead,      // it was read
    kMissing,   // a whole page, not page 1, that the page cache does not have
    kNotAsked,  // it is another read
  };
  Known ReadKnown(const ReadRequest& request);
  bool WakeForMissing();  // true: it did, so that the page may be there now
  void NoteUse(PageNo pgno, Found found) {
    if (found == Found::kHere || hints_ == nullptr) return;
    hints_->Note(pgno, found == Found::kHinted);
  }
  Status ReadMissing(PageNo pgno, char* page, Found* found);
  Status ReadMissingOfRun(PageNo pgno, char* page);
  bool ReadTogetherWith(PageNo pgno);
  void HelpWith(PieceQueue* queue, PageNo pgno);
  void ReadAheadOfRun() noexcept;
  void StartReadAhead();
  Status FirstPage(const char** page);
  Status ReadPart(const PagePart& part, char* buffer);

  Store* const store_;
  const std::shared_ptr<const ChangeLog> changes_;
  const bool reads_ahead_;
  std::weak_ptr<Actor> waking_;
  ActorHints* hints_ = nullptr;  // of it
  BranchReader reader_;
  std::shared_ptr<const Lineage> lineage_;  // of the snapshot
  HintsOwner owner_;                        // equally
  AccessPattern pattern_;
  // Of the pattern, for those who read ahead; null before the first.
  std::shared_ptr<std::atomic<PageNo>> front_;
  // The last two that were started, the latest first.
  std::array<std::shared_ptr<PieceQueue>, 2> ahead_;
  std::string first_page_;  // of snapshot first_page_of_; empty: not known
  Snapshot first_page_of_;
  std::string page_;  // scratch
};

}  // namespace actorkv

#endif  // ACTORKV_VFS_ACTOR_SNAPSHOT_READER_H_
