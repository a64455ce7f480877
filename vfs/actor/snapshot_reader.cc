#include "vfs/actor/snapshot_reader.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "kv/base/metrics.h"
#include "kv/base/thrown.h"
#include "kv/pages/preload.h"
#include "kv/pages/read_ahead.h"
#include "kv/store/store.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {

namespace {

// Of one window. Two of them, before and behind the reader, stay well inside
// the part of the cache where new pages wait for their first use
// (kv/cache/page_cache_shard.h).
constexpr size_t kMaxReadAheadBytes = size_t{1} << 20;
constexpr size_t kReadAheadShareOfCache = 8;
// What a reader reads itself together with a page that is missing in a run.
constexpr size_t kReadTogetherBytes = size_t{64} << 10;

// FirstReadTimer: measures a read where it is the first that an open actor
// makes of the engine.
class FirstReadTimer {
 public:
  explicit FirstReadTimer(const ActorHints* hints)
      : is_first_(hints != nullptr && hints->is_asleep()),
        begin_(is_first_ ? Clock::now() : Clock::time_point()) {}
  ~FirstReadTimer() {
    if (is_first_) Record(Metric::kFirstReadLatency, Clock::now() - begin_);
  }
  FirstReadTimer(const FirstReadTimer&) = delete;
  FirstReadTimer& operator=(const FirstReadTimer&) = delete;

 private:
  using Clock = std::chrono::steady_clock;

  const bool is_first_;
  const Clock::time_point begin_;
};

}  // namespace

SnapshotReader::SnapshotReader(Store* store, const Actor& actor)
    : store_(store),
      changes_(actor.changes()),
      reads_ahead_(store->engine()->limits().read_ahead),
      reader_(store->engine()) {
  reader_.UseCache(store->cache_id(), changes_);
}

void SnapshotReader::SetSnapshot(const HeadState& state) {
  lineage_ = state.lineage;
  owner_ = {state.entry.actor, state.head.generation};
  reader_.SetSnapshot(state.head.snapshot, state.lineage);
}

void SnapshotReader::KeepFirstPage(std::string page) {
  first_page_ = std::move(page);
  first_page_of_ = reader_.snapshot();
}

uint64_t SnapshotReader::size_bytes() const {
  const Snapshot& snapshot = reader_.snapshot();
  return uint64_t{snapshot.page_count} * snapshot.page_size;
}

Status SnapshotReader::FirstPage(const char** page) {
  const Snapshot& snapshot = reader_.snapshot();
  if (first_page_.empty() || first_page_of_ != snapshot) {
    first_page_of_ = Snapshot();  // of none, until it is read
    first_page_.assign(snapshot.page_size, '\0');
    Found found = reader_.ReadCached(1, first_page_.data());
    if (found == Found::kMissing) {
      if (Status s = ReadMissing(1, first_page_.data(), &found); !s.ok()) {
        first_page_.clear();
        return s;
      }
    }
    NoteUse(1, found);
    first_page_of_ = snapshot;
  }
  *page = first_page_.data();
  return Status::Ok();
}

Status SnapshotReader::ReadFirstPage(std::string_view* page) {
  *page = {};
  if (reader_.snapshot().page_count == 0) return Status::Ok();
  const char* bytes = nullptr;
  if (Status s = FirstPage(&bytes); !s.ok()) return s;
  *page = {bytes, first_page_.size()};
  return Status::Ok();
}

Status SnapshotReader::ReadPart(const PagePart& part, char* buffer) {
  const uint32_t page_size = reader_.snapshot().page_size;
  if (part.pgno == 1) {
    const char* page = nullptr;
    if (Status s = FirstPage(&page); !s.ok()) return s;
    std::memcpy(buffer, page + part.begin, part.size);
    return Status::Ok();
  }
  if (part.pgno == LockPage(page_size)) {
    std::memset(buffer, 0, part.size);
    return Status::Ok();
  }
  const bool is_whole = part.size == page_size;
  if (!is_whole) page_.resize(page_size);
  char* const page = is_whole ? buffer : page_.data();
  Found found = reader_.ReadCached(part.pgno, page);
  if (found == Found::kMissing) {
    Status s = ReadMissing(part.pgno, page, &found);
    if (!s.ok()) return s;
  }
  NoteUse(part.pgno, found);
  if (!is_whole) std::memcpy(buffer, page + part.begin, part.size);
  return Status::Ok();
}

// A page that the cache does not have. *found: how it was there after all.
Status SnapshotReader::ReadMissing(PageNo pgno, char* page, Found* found) {
  const FirstReadTimer timer(hints_);
  *found = WakeForMissing() ? reader_.ReadCached(pgno, page) : Found::kMissing;
  if (*found != Found::kMissing) return Status::Ok();
  return reader_.ReadMissing(pgno, page);
}

// The same for a whole page as SQLite reads them: others may follow.
Status SnapshotReader::ReadMissingOfRun(PageNo pgno, char* page) {
  const FirstReadTimer timer(hints_);
  Found found = Found::kMissing;
  if (WakeForMissing()) {
    found = reader_.ReadCached(pgno, page);
  } else if (reads_ahead_ && ReadTogetherWith(pgno)) {
    found = reader_.ReadCached(pgno, page);
    if (found == Found::kMissing) pattern_.ReadAlone();
  }
  if (found == Found::kMissing) {
    if (Status s = reader_.ReadMissing(pgno, page); !s.ok()) return s;
  }
  NoteUse(pgno, found);
  return Status::Ok();
}

// A whole page that is in the cache, or a part of a page 1 that is known: what
// nearly every read is, without the general way to it.
SnapshotReader::Known SnapshotReader::ReadKnown(const ReadRequest& request) {
  const Snapshot& snapshot = reader_.snapshot();
  const uint32_t page_size = snapshot.page_size;
  if (request.offset < page_size) {
    const uint64_t end = request.offset + request.size;
    if (end > page_size || first_page_.size() != page_size ||
        first_page_of_ != snapshot) {
      return Known::kNotAsked;
    }
    std::memcpy(request.buffer, first_page_.data() + request.offset,
                request.size);
    return Known::kRead;
  }
  if (request.size != page_size || (request.offset & (page_size - 1)) != 0) {
    return Known::kNotAsked;
  }
  const uint64_t pages_before = request.offset / page_size;
  if (pages_before >= snapshot.page_count) return Known::kNotAsked;
  const auto pgno = static_cast<PageNo>(pages_before + 1);
  if (pgno == LockPage(page_size)) return Known::kNotAsked;
  const Found found = reader_.ReadCached(pgno, request.buffer);
  if (found == Found::kMissing) return Known::kMissing;
  if (reads_ahead_) {
    pattern_.Note(pgno, found != Found::kHere);
    if (found != Found::kHere) ReadAheadOfRun();
  }
  NoteUse(pgno, found);
  return Known::kRead;
}

bool SnapshotReader::WakeForMissing() {
  if (hints_ == nullptr || !hints_->is_asleep()) return false;
  // Else the pages are read when they are asked for.
  static_cast<void>(IfMemory([&] {
    NoteIgnored(WakeActor({store_, waking_.lock(), owner_}, &reader_));
  }));
  return true;
}

// `pgno` is not in the cache. True when it was read with others. Who asks for a
// page finds its error.
bool SnapshotReader::ReadTogetherWith(PageNo pgno) {
  pattern_.Note(pgno, true);
  const Snapshot& snapshot = reader_.snapshot();
  const PageSpan span = pattern_.Here(
      pgno, snapshot.page_count,
      static_cast<uint32_t>(kReadTogetherBytes / snapshot.page_size));
  // First what is read meanwhile.
  ReadAheadOfRun();
  if (span.empty()) return false;
  for (const auto& queue : ahead_) {
    if (queue != nullptr && queue->IsAwaited(pgno)) {
      HelpWith(queue.get(), pgno);
      return !queue->IsAwaited(pgno);
    }
  }
  const Status ignored = reader_.CacheRange(span.first, span.end);
  static_cast<void>(ignored);
  return true;
}

// Reads what nobody has taken yet, until `pgno` was read by whoever took it.
void SnapshotReader::HelpWith(PieceQueue* queue, PageNo pgno) {
  PageSpan piece;
  while (queue->IsAwaited(pgno)) {
    if (!queue->Take(&piece)) return queue->WaitFor(pgno);
    const PieceQueue::Doing doing(queue, piece);
    const Status ignored = reader_.CacheRange(piece.first, piece.end);
    static_cast<void>(ignored);
  }
}

// Without memory for it nothing is read ahead.
void SnapshotReader::ReadAheadOfRun() noexcept {
  static_cast<void>(IfMemory([this] { StartReadAhead(); }));
}

void SnapshotReader::StartReadAhead() {
  if (front_ != nullptr) {
    front_->store(pattern_.front(), std::memory_order_relaxed);
  }
  const Snapshot& snapshot = reader_.snapshot();
  const size_t bytes =
      std::min(kMaxReadAheadBytes, PageCache::Instance()->capacity_bytes() /
                                       kReadAheadShareOfCache);
  const PageSpan span = pattern_.Next(
      snapshot.page_count, static_cast<uint32_t>(bytes / snapshot.page_size));
  if (span.empty()) return;
  auto job = std::make_unique<ReadAheadJob>();
  job->store = store_->weak_from_this().lock();
  if (job->store == nullptr) return;
  job->changes = changes_;
  job->snapshot = snapshot;
  job->lineage = lineage_;
  if (front_ == nullptr) {
    front_ = std::make_shared<std::atomic<PageNo>>(pattern_.front());
  }
  job->pages = std::make_shared<PieceQueue>(
      span, ScanProgress{pattern_.backward(), front_});
  ahead_[1] = std::exchange(ahead_[0], job->pages);
  store_->pins()->Add(snapshot, lineage_, &job->pin);
  ReadAhead::Instance()->Start(std::move(job));
}

Status SnapshotReader::Read(const ReadRequest& request, size_t* copied) {
  const Known known = ReadKnown(request);
  if (known != Known::kNotAsked) {
    *copied = request.size;
    if (known == Known::kRead) return Status::Ok();
    const uint32_t page_size = reader_.snapshot().page_size;
    return ReadMissingOfRun(static_cast<PageNo>(request.offset / page_size + 1),
                            request.buffer);
  }
  const PagedSize file = {size_bytes(), reader_.snapshot().page_size};
  return ReadParts(request, file, copied,
                   [this](const PagePart& part, char* buffer) {
                     return ReadPart(part, buffer);
                   });
}

Status SnapshotReader::Pin(const PagePart& part, PagePin* page) {
  const Snapshot& snapshot = reader_.snapshot();
  page->reset();
  if (part.size != snapshot.page_size || part.pgno == 1 ||
      part.pgno > snapshot.page_count ||
      part.pgno == LockPage(snapshot.page_size)) {
    return Status::Ok();
  }
  Found found = Found::kMissing;
  *page = reader_.PinCached(part.pgno, &found);
  if (*page == nullptr) {
    const FirstReadTimer timer(hints_);
    if (WakeForMissing()) *page = reader_.PinCached(part.pgno, &found);
    if (*page == nullptr) {
      if (Status s = reader_.PinMissing(part.pgno, page); !s.ok()) return s;
    }
  }
  NoteUse(part.pgno, found);
  return Status::Ok();
}

}  // namespace actorkv
