#include "kv/pages/preload.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "kv/base/helper_threads.h"
#include "kv/base/metrics.h"
#include "kv/cache/actor_hints.h"
#include "kv/cache/page_cache.h"
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

uint32_t LimitPages(uint32_t page_size) {
  return static_cast<uint32_t>(PageCache::Instance()->capacity_bytes() /
                               kShareOfCache / page_size);
}

// The pages of one wake. Who wakes the actor takes piece after piece of them,
// and so do others, who help where the disk is slow.
class PageQueue {
 public:
  explicit PageQueue(std::vector<PageNo> pages) : pages_(std::move(pages)) {}

  // Reads a piece that nobody has taken yet. False: there is none.
  bool ReadPiece(BranchReader* reader) {
    size_t at = 0;
    size_t end = 0;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      at = next_;
      end = next_ = EndOfPiece(next_);
    }
    if (at == end) return false;
    for (; at < end; ++at) {
      if (!reader->PreloadPage(pages_[at]).ok()) continue;
      Add(Metric::kHintsPreloadedPages);
    }
    return true;
  }

  // Someone helps until LeaveHelper(). False: there is nothing to be done.
  bool EnterHelper() {
    std::lock_guard<std::mutex> lock(mutex_);
    if (next_ == pages_.size()) return false;
    ++helper_count_;
    return true;
  }
  void LeaveHelper() {
    std::lock_guard<std::mutex> lock(mutex_);
    --helper_count_;
    left_.notify_all();
  }

  // Takes what is left, so that nobody enters any more, and waits for those who
  // have.
  void WaitForHelpers() {
    std::unique_lock<std::mutex> lock(mutex_);
    next_ = pages_.size();
    left_.wait(lock, [this] { return helper_count_ == 0; });
  }

 private:
  size_t EndOfPiece(size_t begin) const {
    size_t end = std::min(begin + 1, pages_.size());
    while (end < pages_.size() && end - begin < kMaxPiece &&
           pages_[end] - pages_[end - 1] <= kReach) {
      ++end;
    }
    return end;
  }

  const std::vector<PageNo> pages_;
  std::mutex mutex_;  // of what follows
  std::condition_variable left_;
  size_t next_ = 0;
  size_t helper_count_ = 0;
};

// Leaves or waits at its end, however that comes.
class Helping {
 public:
  explicit Helping(PageQueue* queue) : queue_(queue) {}
  ~Helping() { queue_->LeaveHelper(); }
  Helping(const Helping&) = delete;
  Helping& operator=(const Helping&) = delete;

 private:
  PageQueue* const queue_;
};

class BeingHelped {
 public:
  explicit BeingHelped(PageQueue* queue) : queue_(queue) {}
  ~BeingHelped() { queue_->WaitForHelpers(); }
  BeingHelped(const BeingHelped&) = delete;
  BeingHelped& operator=(const BeingHelped&) = delete;

 private:
  PageQueue* const queue_;
};

// What a helper does. The store is there as long as he has entered.
void Help(PageQueue* queue, const BranchReader& asking) {
  if (!queue->EnterHelper()) return;
  const Helping helping(queue);
  const std::unique_ptr<BranchReader> reader = asking.Another();
  while (queue->ReadPiece(reader.get())) {
  }
}

void Preload(std::vector<PageNo> pages, BranchReader* reader) {
  const auto queue = std::make_shared<PageQueue>(std::move(pages));
  const BeingHelped being_helped(queue.get());  // by those who use `reader`
  bool is_helped = false;
  for (;;) {
    const auto begin = std::chrono::steady_clock::now();
    if (!queue->ReadPiece(reader)) break;
    if (is_helped || std::chrono::steady_clock::now() - begin < kDiskTime) {
      continue;
    }
    is_helped = true;
    HelperThreads::Instance()->Call(
        [queue, reader] { Help(queue.get(), *reader); });
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
    Preload(std::move(pages), reader);
    spec.actor->hints()->EndPreload();
  }
  return status;
}

}  // namespace actorkv
