#include "kv/pages/branch_reader.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "kv/base/coding.h"
#include "kv/base/metrics.h"
#include "kv/format/keys.h"
#include "kv/pages/chunk_batch.h"
#include "kv/pages/delta_reader.h"

namespace actorkv {

void ApplyStamp(uint32_t stamp, char* page) {
  for (size_t offset : kStampOffsets) StoreBig32(page + offset, stamp);
}

bool EqualBesidesStamp(std::string_view a, std::string_view b) {
  size_t begin = 0;
  for (size_t offset : kStampOffsets) {
    const size_t size = offset - begin;
    if (a.substr(begin, size) != b.substr(begin, size)) return false;
    begin = offset + kStampBytes;
  }
  return a.substr(begin) == b.substr(begin);
}

namespace {

// A range is not read through when its pages have more on the average.
constexpr size_t kVersionsPerPage = 8;

// Of a range, one page in so many is looked for in the cache first.
constexpr PageNo kLookStride = 8;

}  // namespace

BranchReader::BranchReader(Engine* engine) : engine_(engine) {}

std::unique_ptr<BranchReader> BranchReader::Another() const {
  auto another = std::make_unique<BranchReader>(engine_);
  another->UseCache(cache_store_id_, changes_);
  another->SetSnapshot(snapshot_, lineage_);
  return another;
}

void BranchReader::UseCache(uint64_t store_id,
                            std::shared_ptr<const ChangeLog> changes) {
  cache_store_id_ = store_id;
  changes_ = std::move(changes);
}

void BranchReader::SetSnapshot(const Snapshot& snapshot,
                               std::shared_ptr<const Lineage> lineage) {
  // A shorter lineage needs copies that an older view may not show.
  if (snapshot != snapshot_ || lineage != lineage_) fresh_ = false;
  snapshot_ = snapshot;
  lineage_ = std::move(lineage);
}

void BranchReader::Release() {
  reader_.reset();
  fresh_ = false;
}

EngineReader* BranchReader::engine_reader() {
  // Refreshed at the first use after SetSnapshot(), which is no earlier than
  // the head was read: so the engine shows all that the head names.
  if (reader_ == nullptr) {
    reader_ = engine_->NewReader();
  } else if (!fresh_) {
    reader_->Refresh();
  }
  fresh_ = true;
  return reader_.get();
}

// An engine may show later commits: then flattening (kv/reclaim/flatten.h) may
// have copied the page to a branch that was looked into already, and reclaim
// have removed it where it was. So what is missing is looked for once more.
Status BranchReader::FindPage(PageNo pgno, PageVersion* version) {
  for (int look = 0; look < 2; ++look) {
    bool found = false;
    if (Status s = LookUp(pgno, &found, version); !s.ok() || found) return s;
    fresh_ = false;
  }
  return Status::Corruption(
      "page missing: " + ChunkName({snapshot_.branch, pgno, snapshot_.txid}));
}

Status BranchReader::LookUp(PageNo pgno, bool* found_page,
                            PageVersion* version) {
  Add(Metric::kEngineReads);
  EngineReader* reader = engine_reader();
  *found_page = false;
  TxId bound = snapshot_.txid;
  for (size_t level = 0; level < lineage_->size(); ++level) {
    const BranchPoint& point = (*lineage_)[level];
    if (level > 0) bound = point.txid;
    bool found = false;
    std::string_view key;
    std::string_view value;
    if (Status s = reader->SeekOne(BranchPartition(point.branch),
                                   ChunkKey(pgno, bound), &found, &key, &value);
        !s.ok()) {
      return s.WithContext(ChunkName({point.branch, pgno, bound}));
    }
    // The first level that has the page decides: versions of a younger branch
    // hide those of its parents.
    if (!found) continue;
    ChunkId id{point.branch, 0, {}};
    if (Status s = ParseChunkKey(key, &id.pgno, &id.txid); !s.ok()) return s;
    // The seek goes to the newest version at or below the bound; without one it
    // ends at the next page.
    if (id.pgno != pgno) continue;
    *found_page = true;
    version->id = id;
    version->stored = value;
    return DecodeChunk(id, value, &version->chunk);
  }
  return Status::Ok();
}

Status BranchReader::UnpackVersion(const PageVersion& version,
                                   uint32_t page_size, char* page) {
  // Of another size it is an error, and needs no base for that.
  if (version.chunk.codec != Codec::kDelta ||
      version.chunk.delta.page_size != page_size) {
    return UnpackPage(version.id, version.chunk, page_size, page);
  }
  // Reading the base ends what `version` points to.
  const std::string blocks(version.chunk.delta.blocks);
  DecodedChunk chunk = version.chunk;
  chunk.delta.blocks = blocks;
  return UnpackDelta(engine_reader(), version.id, chunk, page);
}

Status BranchReader::UnpackForCache(const PageVersion& version, PagePin* pin) {
  const uint32_t page_size = snapshot_.page_size;
  const ChunkId id = version.id;
  const DecodedChunk& chunk = version.chunk;
  const StoredForm form = FormIn(snapshot_.branch, id, chunk);
  // A raw chunk is copied straight from the engine's memory.
  if (chunk.codec == Codec::kRaw && chunk.payload.size() == page_size) {
    *pin = CachedPage::Make({id.txid, chunk.page_hash}, chunk.payload, form);
    return Status::Ok();
  }
  std::string page(page_size, '\0');
  if (Status s = UnpackVersion(version, page_size, page.data()); !s.ok()) {
    return s;
  }
  *pin = CachedPage::Make({id.txid, chunk.page_hash}, page, form);
  return Status::Ok();
}

PagePin BranchReader::PinCached(PageNo pgno, Found* found) {
  PagePin pin =
      PageCache::Instance()->Find({cache_store_id_, snapshot_.branch, pgno},
                                  snapshot_.txid, changes_.get(), found);
  // The page size can change with VACUUM, and then pages of the same number
  // have two sizes in the cache.
  if (pin != nullptr && pin->page().size() != snapshot_.page_size) {
    *found = Found::kMissing;
    pin.reset();
  }
  return pin;
}

Status BranchReader::PinMissing(PageNo pgno, PagePin* pin) {
  return LoadPage(pgno, PageCache::Source::kMiss, pin);
}

Status BranchReader::PinPage(PageNo pgno, PagePin* pin) {
  if (cache_store_id_ != 0) {
    Found unused = Found::kMissing;
    *pin = PinCached(pgno, &unused);
    if (*pin != nullptr) return Status::Ok();
  }
  return PinMissing(pgno, pin);
}

Status BranchReader::PreloadPage(PageNo pgno) {
  PagePin unused;
  return LoadPage(pgno, PageCache::Source::kHint, &unused);
}

Status BranchReader::PreloadPages(const std::vector<PageNo>& pages,
                                  size_t* cached) {
  *cached = 0;
  std::vector<FoundChunk> chunks;
  Add(Metric::kEngineReads);
  if (Status s =
          FindChunks(engine_reader(), snapshot_, *lineage_, pages, &chunks);
      !s.ok()) {
    return s;
  }
  for (const FoundChunk& chunk : chunks) {
    if (CacheChunk(cache_store_id_, snapshot_,
                   {chunk.id, chunk.value, chunk.base},
                   PageCache::Source::kHint)
            .ok()) {
      ++*cached;
    }
  }
  return Status::Ok();
}

bool BranchReader::IsCached(PageNo pgno) const {
  PageIdentity unused;
  return PageCache::Instance()->Identify(
      {cache_store_id_, snapshot_.branch, pgno}, snapshot_.txid, changes_.get(),
      &unused);
}

Status BranchReader::LoadPage(PageNo pgno, PageCache::Source source,
                              PagePin* pin) {
  PageVersion version;
  if (Status s = FindPage(pgno, &version); !s.ok()) return s;
  PagePin read;
  if (Status s = UnpackForCache(version, &read); !s.ok()) {
    return s;
  }
  if (cache_store_id_ != 0) {
    // It is kept under this snapshot's branch, also where it came from a
    // parent: the next look goes there.
    PageCache::Instance()->Insert({cache_store_id_, snapshot_.branch, pgno},
                                  snapshot_.txid, read, source);
  }
  *pin = std::move(read);
  return Status::Ok();
}

Status BranchReader::CacheRange(PageNo first, PageNo end) {
  if (end <= first) return Status::Ok();
  std::vector<bool> missing(end - first, true);
  // Of pages that are together, mostly all are in the cache or none, and a look
  // costs a part of what reading one does.
  bool some_cached = false;
  for (PageNo pgno = first; pgno < end && !some_cached; pgno += kLookStride) {
    some_cached = IsCached(pgno);
  }
  for (PageNo pgno = first; pgno < end; ++pgno) {
    if (pgno == LockPage(snapshot_.page_size) ||
        (some_cached && IsCached(pgno))) {
      missing[pgno - first] = false;
    }
  }
  // Younger levels come first, and a page that one has is not asked of the
  // next.
  for (size_t level = 0; level < lineage_->size(); ++level) {
    if (Status s = CacheRangeOfLevel(level, first, &missing); !s.ok()) return s;
  }
  return Status::Ok();
}

void BranchReader::InsertAhead(PageNo pgno, PagePin page) {
  PageCache::Instance()->Insert({cache_store_id_, snapshot_.branch, pgno},
                                snapshot_.txid, std::move(page),
                                PageCache::Source::kAhead);
  Add(Metric::kReadAheadPages);
}

void BranchReader::CacheNewest(PageVersion* version, WaitingDelta* waiting) {
  if (!DecodeChunk(version->id, version->stored, &version->chunk).ok()) return;
  if (version->chunk.codec == Codec::kDelta) {
    *waiting = {version->id, version->chunk.delta.form.base,
                std::string(version->stored)};
    return;
  }
  PagePin page;
  if (UnpackForCache(*version, &page).ok()) {
    InsertAhead(version->id.pgno, std::move(page));
  }
}

void BranchReader::CacheOverBase(const PageVersion& base,
                                 WaitingDelta* waiting) {
  if (base.id.pgno != waiting->id.pgno || base.id.txid != waiting->base) {
    return;
  }
  // Whatever comes of it, the delta waits no longer: its base is passed.
  const ChunkId id = std::exchange(waiting->id, ChunkId());
  if (CacheChunk(cache_store_id_, snapshot_, {id, waiting->value, base.stored},
                 PageCache::Source::kAhead)
          .ok()) {
    Add(Metric::kReadAheadPages);
  }
}

// As FindPage() does for one page: of each page that no level before had, the
// newest version that is not above the bound.
Status BranchReader::CacheRangeOfLevel(size_t level, PageNo first,
                                       std::vector<bool>* missing) {
  const auto wanted = std::find(missing->begin(), missing->end(), true);
  if (wanted == missing->end()) return Status::Ok();
  const BranchPoint& point = (*lineage_)[level];
  const TxId bound = level == 0 ? snapshot_.txid : point.txid;
  size_t pairs_left = kVersionsPerPage * missing->size();
  bool seen_all = true;
  WaitingDelta waiting;
  const auto visit = [&](std::string_view key, std::string_view value) {
    PageVersion version;
    version.id.branch = point.branch;
    version.stored = value;
    seen_all = ParseChunkKey(key, &version.id.pgno, &version.id.txid).ok() &&
               --pairs_left > 0;
    const size_t index = version.id.pgno - first;
    if (!seen_all || index >= missing->size()) return false;
    if (bound < version.id.txid) return true;
    if ((*missing)[index]) {
      (*missing)[index] = false;
      CacheNewest(&version, &waiting);
    } else if (waiting.id.pgno != 0) {
      // Versions lie newest first, so a base comes soon after its delta in the
      // same visit, and no read of its own is needed.
      CacheOverBase(version, &waiting);
    }
    return true;
  };
  const auto start = static_cast<PageNo>(wanted - missing->begin()) + first;
  Status s = engine_reader()->Visit(BranchPartition(point.branch),
                                    ChunkKey(start, bound), visit);
  // What this level may have, no other is asked for.
  if (!seen_all) missing->assign(missing->size(), false);
  return s;
}

Status BranchReader::UnpackInto(PageNo pgno, char* page, Found* found) {
  *found = Found::kMissing;
  if (cache_store_id_ != 0) {
    *found = ReadCached(pgno, page);
    return *found == Found::kMissing ? ReadMissing(pgno, page) : Status::Ok();
  }
  PageVersion version;
  if (Status s = FindPage(pgno, &version); !s.ok()) return s;
  Status s = UnpackVersion(version, snapshot_.page_size, page);
  if (s.ok() && pgno == 1) ApplyStampTo(page);
  return s;
}

Status BranchReader::ReadMissing(PageNo pgno, char* page) {
  PagePin pin;
  if (Status s = PinMissing(pgno, &pin); !s.ok()) return s;
  std::memcpy(page, pin->page().data(), snapshot_.page_size);
  if (pgno == 1) ApplyStampTo(page);
  return Status::Ok();
}

void BranchReader::ApplyStampTo(char* first_page) const {
  if (snapshot_.stamp.has_value()) ApplyStamp(*snapshot_.stamp, first_page);
}

Status BranchReader::ReadPage(PageNo pgno, char* page, Found* found) {
  Found how = Found::kHere;
  if (pgno == LockPage(snapshot_.page_size)) {
    std::memset(page, 0, snapshot_.page_size);
  } else if (Status s = UnpackInto(pgno, page, &how); !s.ok()) {
    return s;
  }
  if (found != nullptr) *found = how;
  return Status::Ok();
}

Status BranchReader::IdentifyPage(PageNo pgno, PageIdentity* identity) {
  if (cache_store_id_ != 0 && PageCache::Instance()->Identify(
                                  {cache_store_id_, snapshot_.branch, pgno},
                                  snapshot_.txid, changes_.get(), identity)) {
    return Status::Ok();
  }
  PageVersion version;
  if (Status s = FindPage(pgno, &version); !s.ok()) return s;
  *identity = {version.id.txid, version.chunk.page_hash};
  return Status::Ok();
}

Status BranchReader::HashPage(PageNo pgno, uint64_t* page_hash) {
  if (pgno != 1 || !snapshot_.stamp.has_value()) {
    // The page goes through the cache: most who hash a page read it next.
    if (cache_store_id_ != 0) {
      PagePin pin;
      if (Status s = PinPage(pgno, &pin); !s.ok()) return s;
      *page_hash = pin->page_hash();
      return Status::Ok();
    }
    PageVersion version;
    if (Status s = FindPage(pgno, &version); !s.ok()) return s;
    *page_hash = version.chunk.page_hash;
    return Status::Ok();
  }
  std::string page(snapshot_.page_size, '\0');
  if (Status s = ReadPage(pgno, page.data()); !s.ok()) return s;
  *page_hash = PageHash(pgno, page);
  return Status::Ok();
}

}  // namespace actorkv
