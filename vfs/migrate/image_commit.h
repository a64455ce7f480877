// CommitImage() makes a whole database an actor with one commit.

#ifndef ACTORKV_VFS_MIGRATE_IMAGE_COMMIT_H_
#define ACTORKV_VFS_MIGRATE_IMAGE_COMMIT_H_

#include <functional>
#include <memory>
#include <string>

#include "kv/base/work_meter.h"
#include "kv/pages/commit.h"
#include "vfs/legacy/recovered_image.h"

namespace actorkv {

// PageSource: the pages of some database, from 1 on. The page that SQLite locks
// counts, and is not looked at.
struct PageSource {
  uint32_t page_size = 0;
  uint32_t page_count = 0;
  // Reads pages `first` to `first + count - 1`. Called from front to back.
  std::function<Status(PageNo first, uint32_t count, char* pages)> read;
};

PageSource PagesOf(RecoveredImage* image);

struct ImageCommit {
  std::shared_ptr<Store> store;
  std::string name;  // the actor's, which has no database yet
  PageSource pages;
  Origin origin = Origin::kMigrate;
  Durability durability = Durability::kSynced;
  // A function that is asked now and then; an error of it ends the work.
  std::function<Status()> keep_on;
  // Has the bytes of the pages added, each time some were copied; null: nobody
  // looks.
  WorkMeter* work = nullptr;
  // The place that an earlier process reached with the same pages, if it had
  // begun.
  LoadProgress progress;
  // Stores how far this one has come, durably, so that it can be followed;
  // called now and then for what is large. Empty: nobody follows.
  std::function<Status(const LoadProgress&)> save;
  // Called when all pages are copied, before the commit; an error of it ends
  // the work.
  std::function<Status()> copied;
  // See CommitSpec::also.
  std::function<void(const HeadState& made, Batch* batch)> also;
};

// Copies the pages and commits them. The head has the digest of the pages that
// were read. Memory: a few batches of the engine, whatever the size. Errors:
// kAlreadyExists when the actor has a database; kCorruption when the digests
// differ; those of the pages and of CommitAll().
Status CommitImage(const ImageCommit& commit);

}  // namespace actorkv

#endif  // ACTORKV_VFS_MIGRATE_IMAGE_COMMIT_H_
