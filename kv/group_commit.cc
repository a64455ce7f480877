#include "kv/group_commit.h"

#include <algorithm>
#include <utility>

#include "kv/metrics.h"

namespace actorkv {

namespace {

using Clock = std::chrono::steady_clock;

// The wait is at most this part of what a write costs, so that it cannot lose
// more than it may gain, and bounded for slow disks.
constexpr int kWaitFraction = 4;
constexpr std::chrono::nanoseconds kMaxWait = std::chrono::microseconds(200);

}  // namespace

GroupCommit::GroupCommit(size_t max_bytes, Write write)
    : max_bytes_(max_bytes), write_(std::move(write)) {}

CommitResult GroupCommit::Commit(const Batch& batch) {
  Waiter me{&batch, false, false, {}, {}};
  Lock lock(mutex_);
  queue_.push_back(&me);
  if (has_leader_) {
    arrived_.notify_one();
    me.turn.wait(lock, [&] { return me.done || me.leads; });
    if (me.done) return me.result;
  }
  has_leader_ = true;
  Lead(&lock);
  return me.result;
}

void GroupCommit::WaitForOthers(Lock* lock) {
  const std::chrono::nanoseconds wait =
      std::min(last_write_ / kWaitFraction, kMaxWait);
  arrived_.wait_for(*lock, wait, [&] { return queue_.size() >= expected_; });
}

std::vector<GroupCommit::Waiter*> GroupCommit::TakeGroup() {
  std::vector<Waiter*> group;
  size_t bytes = 0;
  while (!queue_.empty()) {
    bytes += queue_.front()->batch->size_bytes();
    if (!group.empty() && bytes > max_bytes_) break;
    group.push_back(queue_.front());
    queue_.pop_front();
  }
  return group;
}

// The caller is the first of the queue, and so of its group.
void GroupCommit::Lead(Lock* lock) {
  WaitForOthers(lock);
  const std::vector<Waiter*> group = TakeGroup();
  std::vector<const Batch*> batches;
  batches.reserve(group.size());
  for (const Waiter* waiter : group) batches.push_back(waiter->batch);
  lock->unlock();
  const Clock::time_point begin = Clock::now();
  const CommitResult result = write_(batches);
  const Clock::time_point end = Clock::now();
  Record(Metric::kGroupWriteLatency, end - begin);
  Record(Metric::kGroupCommits, group.size());
  lock->lock();
  last_write_ = end - begin;
  expected_ = group.size() + queue_.size();
  for (Waiter* waiter : group) {
    waiter->result = result;
    waiter->done = true;
    waiter->turn.notify_one();
  }
  has_leader_ = !queue_.empty();
  if (!has_leader_) return;
  queue_.front()->leads = true;
  queue_.front()->turn.notify_one();
}

}  // namespace actorkv
