#include "kv/pages/preload.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "kv/base/errand.h"
#include "kv/base/metrics.h"
#include "kv/cache/actor_hints.h"
#include "kv/cache/page_cache.h"
#include "kv/cache/piece_queue.h"
#include "kv/store/hints.h"
#include "kv/store/store.h"

namespace actorkv {

namespace {

// They stay well inside the part of the cache where new pages wait for their
// first use (kv/cache/page_cache_shard.h).
constexpr size_t kShareOfCache = 64;

// Pages that lie this close share blocks, so that one thread reads them; but no
// more than so many.
constexpr PageNo kReach = 4;
constexpr size_t kMaxPiece = 8;

// A piece that took longer than this has waited for the disk, which can do
// several things at a time.
constexpr std::chrono::microseconds kDiskTime{60};

// More of them at a time gain little of one disk.
constexpr size_t kMaxHelpers = 3;

// Pages of one request to a process or machine that has the engine.
constexpr size_t kPagesAskedFor = 128;

uint32_t LimitPages(uint32_t page_size) {
  return static_cast<uint32_t>(PageCache::Instance()->capacity_bytes() /
                               kShareOfCache / page_size);
}

// Pages of a wake that are read together.
std::vector<PageSpan> PiecesOf(const std::vector<PageNo>& pages) {
  std::vector<PageSpan> pieces;
  size_t count = 0;  // of pages in the last one
  for (const PageNo pgno : pages) {
    if (count == 0 || count == kMaxPiece ||
        pgno - pieces.back().end >= kReach) {
      pieces.push_back({pgno, pgno + 1});
      count = 1;
    } else {
      pieces.back().end = pgno + 1;
      ++count;
    }
  }
  return pieces;
}

// The pages of one wake. Who wakes the actor takes piece after piece of them,
// and so do others, who help where the disk is slow.
class PagesOfWake {
 public:
  // In the order of their numbers.
  explicit PagesOfWake(std::vector<PageNo> pages)
      : pages_(std::move(pages)), queue_(PiecesOf(pages_)) {}

  // Reads a piece that nobody has taken yet. False: there is none.
  bool ReadPiece(BranchReader* reader) {
    PageSpan piece;
    if (!queue_.Take(&piece)) return false;
    const PieceQueue::Doing doing(&queue_, piece);
    auto at = std::lower_bound(pages_.begin(), pages_.end(), piece.first);
    for (; at != pages_.end() && *at < piece.end; ++at) {
      if (reader->PreloadPage(*at).ok()) Add(Metric::kHintsPreloadedPages);
    }
    return true;
  }

 private:
  const std::vector<PageNo> pages_;
  PieceQueue queue_;
};

// They read what `asking` does. When they are gone, so is their work.
class Helpers {
 public:
  Helpers(PagesOfWake* pages, const BranchReader& asking) {
    while (errands_.size() < kMaxHelpers) {
      errands_.push_back(std::make_unique<Errand>([pages, &asking] {
        const std::unique_ptr<BranchReader> reader = asking.Another();
        while (pages->ReadPiece(reader.get())) {
        }
      }));
      if (!errands_.back()->Send()) return;
    }
  }

 private:
  std::vector<std::unique_ptr<Errand>> errands_;
};

// Where the engine is elsewhere, a request costs more than a page, and whoever
// is asked has the pages in memory more often than not: so one thread asks for
// many at once.
void PreloadFromAfar(const std::vector<PageNo>& numbers, BranchReader* reader) {
  for (size_t done = 0; done < numbers.size();) {
    const auto begin = numbers.begin() + static_cast<ptrdiff_t>(done);
    const size_t count = std::min(kPagesAskedFor, numbers.size() - done);
    size_t cached = 0;
    if (!reader
             ->PreloadPages({begin, begin + static_cast<ptrdiff_t>(count)},
                            &cached)
             .ok()) {
      return;
    }
    Add(Metric::kHintsPreloadedPages, cached);
    done += count;
  }
}

void Preload(std::vector<PageNo> numbers, BranchReader* reader) {
  PagesOfWake pages(std::move(numbers));
  std::optional<Helpers> helpers;
  for (;;) {
    const auto begin = std::chrono::steady_clock::now();
    if (!pages.ReadPiece(reader)) break;
    if (helpers.has_value() ||
        std::chrono::steady_clock::now() - begin < kDiskTime) {
      continue;
    }
    helpers.emplace(&pages, *reader);
  }
}

}  // namespace

Status WakeActor(const WakeSpec& spec, BranchReader* reader) {
  const Snapshot& snapshot = reader->snapshot();
  if (!spec.actor->hints()->Wake() ||
      snapshot.page_count < kMinHintedActorPages) {
    return Status::Ok();
  }
  HintsRecord known;
  Status status = spec.store->hints()->Load(spec.owner, &known);
  auto learner = std::make_unique<HintLearner>(known, snapshot.page_size);
  const HintLearner::Limits limits = {snapshot.page_count,
                                      LimitPages(snapshot.page_size)};
  const auto is_cached = [&](PageNo pgno) {
    return pgno == LockPage(snapshot.page_size) || reader->IsCached(pgno);
  };
  std::vector<PageNo> pages;
  if (spec.store->read_only()) {
    pages = learner->Wake(limits, is_cached);
  } else {
    // From here on others are heard as well, who may use what is there so far.
    pages = spec.actor->hints()->Learn(
        {std::move(learner), spec.owner.actor, spec.owner.generation}, limits,
        is_cached);
    spec.store->hints()->AddLearning(spec.actor);
  }
  if (!pages.empty()) {
    if (spec.store->engine()->limits().is_remote) {
      PreloadFromAfar(pages, reader);
    } else {
      Preload(std::move(pages), reader);
    }
    spec.actor->hints()->EndPreload();
  }
  return status;
}

}  // namespace actorkv
