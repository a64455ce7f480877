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

// Under the lock, so that the waiter, which lives in its thread's frame, is
// there until this returns.
void GroupCommit::Waiter::Tell(Turn turn) {
  std::lock_guard<std::mutex> lock(mutex_);
  turn_ = turn;
  told_.notify_one();
}

GroupCommit::Turn GroupCommit::Waiter::Wait() {
  std::unique_lock<std::mutex> lock(mutex_);
  told_.wait(lock, [&] { return turn_ != Turn::kWait; });
  return turn_;
}

CommitResult GroupCommit::Commit(const Batch& batch) {
  Waiter me(&batch);
  {
    Lock lock(mutex_);
    if (has_leader_) {
      queue_.push_back(&me);
      if (queue_.size() + 1 == expected_) arrived_.notify_one();
      lock.unlock();
      if (me.Wait() == Turn::kDone) return me.result;
    } else {
      has_leader_ = true;
    }
  }
  Lead(&me);
  return me.result;
}

void GroupCommit::WaitForOthers(Lock* lock) {
  const std::chrono::nanoseconds wait =
      std::min(last_write_ / kWaitFraction, kMaxWait);
  arrived_.wait_for(*lock, wait,
                    [&] { return queue_.size() + 1 >= expected_; });
}

std::vector<GroupCommit::Waiter*> GroupCommit::TakeGroup(Waiter* leader) {
  std::vector<Waiter*> group = {leader};
  size_t bytes = leader->batch->size_bytes();
  while (!queue_.empty()) {
    bytes += queue_.front()->batch->size_bytes();
    if (bytes > max_bytes_) break;
    group.push_back(queue_.front());
    queue_.pop_front();
  }
  return group;
}

// The leader is not in the queue.
void GroupCommit::Lead(Waiter* leader) {
  Lock lock(mutex_);
  WaitForOthers(&lock);
  const std::vector<Waiter*> group = TakeGroup(leader);
  lock.unlock();
  std::vector<const Batch*> batches;
  batches.reserve(group.size());
  for (const Waiter* waiter : group) batches.push_back(waiter->batch);
  const Clock::time_point begin = Clock::now();
  const CommitResult result = write_(batches);
  const Clock::time_point end = Clock::now();
  Record(Metric::kGroupWriteLatency, end - begin);
  Record(Metric::kGroupCommits, group.size());
  lock.lock();
  last_write_ = end - begin;
  expected_ = group.size() + queue_.size();
  Waiter* next = nullptr;
  if (queue_.empty()) {
    has_leader_ = false;
  } else {
    next = queue_.front();
    queue_.pop_front();
  }
  lock.unlock();
  // The next group's leader first: a write should not wait for wake-ups.
  if (next != nullptr) next->Tell(Turn::kLead);
  leader->result = result;
  for (Waiter* waiter : group) {
    if (waiter == leader) continue;
    waiter->result = result;
    waiter->Tell(Turn::kDone);
  }
}

}  // namespace actorkv
