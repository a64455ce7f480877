// BranchReader: reads the pages of one snapshot.
//
// Invariant: what it returns for (snapshot, page) never changes, whatever is
// committed meanwhile. It holds because chunks are immutable and because the
// engine reader is refreshed no earlier than the head was read.
//
// Who reads much asks the page cache itself (ReadCached(), PinCached()) and,
// where that does not have the page, comes with that answer (ReadMissing(),
// PinMissing()): so a page is looked for in the cache once. ReadPage() and
// PinPage() are both in one.
//
// Belongs to one thread at a time.

#ifndef ACTORKV_KV_PAGES_BRANCH_READER_H_
#define ACTORKV_KV_PAGES_BRANCH_READER_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kv/base/types.h"
#include "kv/cache/page_cache.h"
#include "kv/engine/engine.h"
#include "kv/format/chunk.h"
#include "kv/store/lineage.h"

namespace actorkv {

// The version of a page that a snapshot sees.
struct PageVersion {
  ChunkId id;
  DecodedChunk chunk;       // valid until the next call on the reader
  std::string_view stored;  // the whole chunk value, equally valid
};

// Puts the stamp into page 1. `page` has at least 100 bytes.
void ApplyStamp(uint32_t stamp, char* page);

// Whether two pages 1 of the same size differ in nothing but their stamps.
bool EqualBesidesStamp(std::string_view a, std::string_view b);

// A delta of a range that is read through, until its base is met: an older
// version of the same page lies behind it.
struct WaitingDelta {
  ChunkId id;  // pgno 0: none waits
  TxId base;
  std::string value;  // the stored chunk
};

class BranchReader {
 public:
  explicit BranchReader(Engine* engine);

  // One more that reads the same snapshot, for another thread. May be called
  // while this one reads.
  std::unique_ptr<BranchReader> Another() const;

  // From now on looks for pages in the page cache first, and keeps what it
  // reads there. `store_id` is Store::cache_id(); `changes` are the actor's.
  void UseCache(uint64_t store_id, std::shared_ptr<const ChangeLog> changes);

  // From now on reads `snapshot`, whose branch is the first of `lineage`.
  void SetSnapshot(const Snapshot& snapshot,
                   std::shared_ptr<const Lineage> lineage);

  // Lets go of what the engine holds for this reader, until the next read.
  void Release();

  const Snapshot& snapshot() const { return snapshot_; }

  // Writes the page, snapshot().page_size bytes, as SQLite sees it: with the
  // stamp, and zeros for the lock page.
  // REQUIRES: 1 <= pgno <= snapshot().page_count.
  // *found: how the page cache had it; null: never mind.
  // Errors: kCorruption when the page is missing or damaged; `page` then holds
  // no data of the database.
  Status ReadPage(PageNo pgno, char* page, Found* found = nullptr);

  // As ReadPage() of a page that is not the lock page, but only when the page
  // cache has it. REQUIRES: UseCache() was called.
  Found ReadCached(PageNo pgno, char* page) {
    const Found found = PageCache::Instance()->Read(
        {cache_store_id_, snapshot_.branch, pgno}, snapshot_.txid,
        changes_.get(), {page, snapshot_.page_size});
    if (pgno == 1 && found != Found::kMissing) ApplyStampTo(page);
    return found;
  }

  // As ReadPage() of a page that is not the lock page, and of which
  // ReadCached() said that it is missing: the page cache is not asked.
  // REQUIRES: UseCache() was called.
  Status ReadMissing(PageNo pgno, char* page);

  // The page as stored, without the stamp, in memory that stays. Not the lock
  // page. `found` as in ReadPage().
  Status PinPage(PageNo pgno, PagePin* pin);

  // The same, but only when the page cache has it; null: it does not. *found:
  // how. REQUIRES: UseCache() was called.
  PagePin PinCached(PageNo pgno, Found* found);

  // As PinPage() where PinCached() gave null: the page cache is not asked.
  Status PinMissing(PageNo pgno, PagePin* pin);

  // Reads the page into the page cache, which does not have it: nobody asked
  // for it yet, but is likely to (kv/pages/preload.h). Not the lock page.
  // REQUIRES: UseCache() was called.
  Status PreloadPage(PageNo pgno);

  // Whether the page cache has the page. No use of it.
  bool IsCached(PageNo pgno) const;

  // Reads these pages, which the page cache does not have, into it by as few
  // requests as the engine takes. Nobody asked for them yet. A page that is
  // damaged or missing is left out. REQUIRES: UseCache() was called; the lock
  // page is not among them. *cached: how many there are now.
  // Errors: those of the engine.
  Status PreloadPages(const std::vector<PageNo>& pages, size_t* cached);

  // Reads the pages from `first` up to, but not with, `end` into the page
  // cache, where it does not have most of them. Nobody asked for them yet.
  // Gives up where a page has very many versions. REQUIRES: UseCache() was
  // called. Errors: those of the engine; a damaged page is left out.
  Status CacheRange(PageNo first, PageNo end);

  // Finds the version without unpacking it. The lock page has none.
  Status FindPage(PageNo pgno, PageVersion* version);

  // Writes the page of a version, `page_size` bytes, to `page`. The base of a
  // delta is read for it. REQUIRES: FindPage() was the last call; the views in
  // `version` are over after this one.
  // Errors: kCorruption where it is damaged, or its base missing or damaged.
  Status UnpackVersion(const PageVersion& version, uint32_t page_size,
                       char* page);

  // Which version the snapshot sees, without the page. Looks into the page
  // cache, but keeps nothing there. The lock page has none.
  Status IdentifyPage(PageNo pgno, PageIdentity* identity);

  // The page hash as the digest counts it: of the page with its stamp.
  Status HashPage(PageNo pgno, uint64_t* page_hash);

 private:
  EngineReader* engine_reader();

  Status LookUp(PageNo pgno, bool* found_page, PageVersion* version);
  Status UnpackInto(PageNo pgno, char* page, Found* found);
  void ApplyStampTo(char* first_page) const;
  Status UnpackForCache(const PageVersion& version, PagePin* pin);
  void InsertAhead(PageNo pgno, PagePin page);
  // The newest version of a page of a range, and one that is older. What is
  // damaged is left out.
  void CacheNewest(PageVersion* version, WaitingDelta* waiting);
  void CacheOverBase(const PageVersion& base, WaitingDelta* waiting);
  Status CacheRangeOfLevel(size_t level, PageNo first,
                           std::vector<bool>* missing);
  // Reads the page from the engine and puts it into the page cache, if any.
  Status LoadPage(PageNo pgno, PageCache::Source source, PagePin* pin);

  Engine* const engine_;
  uint64_t cache_store_id_ = 0;  // 0: no cache
  std::shared_ptr<const ChangeLog> changes_;
  std::unique_ptr<EngineReader> reader_;  // null: nothing held
  bool fresh_ = false;  // reader_ was made or refreshed for this snapshot
  Snapshot snapshot_;
  std::shared_ptr<const Lineage> lineage_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_PAGES_BRANCH_READER_H_
