#include "kv/engine/group_commit.h"

#include <algorithm>
#include <utility>

#include "kv/base/metrics.h"
#include "kv/base/thrown.h"

namespace actorkv {

namespace {

using Clock = std::chrono::steady_clock;

// The wait is at most this part of what a write costs, so that it cannot lose
// more than it may gain, and bounded for slow disks.
constexpr int kWaitFraction = 4;
constexpr std::chrono::nanoseconds kMaxWait = std::chrono::microseconds(200);

}  // namespace

GroupCommit::GroupCommit(size_t max_bytes, Write write)
    : max_bytes_(max_bytes), write_(std::move(write)) {
  // A leader allocates nothing: one that failed for want of memory would leave
  // its members waiting.
  batches_.reserve(kMaxMembers);
}

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

void GroupCommit::Enqueue(Waiter* waiter) {
  (first_ == nullptr ? first_ : last_->next) = waiter;
  last_ = waiter;
  ++queue_size_;
}

GroupCommit::Waiter* GroupCommit::TakeFirst() {
  Waiter* const waiter = first_;
  if (waiter == nullptr) return nullptr;
  first_ = std::exchange(waiter->next, nullptr);
  --queue_size_;
  return waiter;
}

CommitResult GroupCommit::Commit(const Batch& batch) noexcept {
  Waiter me(&batch);
  {
    Lock lock(mutex_);
    if (has_leader_) {
      Enqueue(&me);
      // The last one that is expected ends the leader's wait; any other would
      // wake it for nothing (kv/decisions/002).
      if (queue_size_ + 1 == expected_) arrived_.notify_one();
      lock.unlock();
      if (me.Wait() == Turn::kDone) return std::move(me.result);
    } else {
      has_leader_ = true;
    }
  }
  Lead(&me);
  return std::move(me.result);
}

void GroupCommit::WaitForOthers(Lock* lock) {
  const std::chrono::nanoseconds wait =
      std::min(last_write_ / kWaitFraction, kMaxWait);
  // Those who committed a moment ago come again soon, and a sync for all costs
  // what it costs for one (kv/decisions/001).
  arrived_.wait_for(*lock, wait, [&] { return queue_size_ + 1 >= expected_; });
}

void GroupCommit::TakeGroup(Waiter* leader) {
  batches_.clear();
  batches_.push_back(leader->batch);
  size_t bytes = leader->batch->size_bytes();
  for (Waiter* end = leader; first_ != nullptr; end = end->next) {
    bytes += first_->batch->size_bytes();
    // In the order in which they came: who is not taken leads the next group,
    // so nobody waits longer than two writes.
    if (bytes > max_bytes_ || batches_.size() == kMaxMembers) break;
    batches_.push_back(first_->batch);
    end->next = TakeFirst();
  }
}

// What was thrown may have been thrown before anything was written, or after
// all of it was.
CommitResult GroupCommit::WriteGroup() noexcept {
  CommitResult result = {CommitOutcome::kUnknown, Status::NoMemoryInDoubt()};
  static_cast<void>(IfMemory([&] { result = write_(batches_); }));
  return result;
}

void GroupCommit::Lead(Waiter* leader) noexcept {
  Lock lock(mutex_);
  WaitForOthers(&lock);
  TakeGroup(leader);
  lock.unlock();
  const size_t group_size = batches_.size();
  const Clock::time_point begin = Clock::now();
  const CommitResult result = WriteGroup();
  const Clock::time_point end = Clock::now();
  Record(Metric::kGroupWriteLatency, end - begin);
  Record(Metric::kGroupCommits, group_size);
  lock.lock();
  // What is expected next time are those who were in this group, and those who
  // came while it was written.
  last_write_ = end - begin;
  expected_ = group_size + queue_size_;
  Waiter* const next = TakeFirst();
  has_leader_ = next != nullptr;
  lock.unlock();
  // The next group's leader first: a write should not wait for wake-ups.
  if (next != nullptr) next->Tell(Turn::kLead);
  Waiter* member = std::exchange(leader->next, nullptr);
  leader->result = result;
  while (member != nullptr) {
    // Read before it is told: then it may be gone.
    Waiter* const following = member->next;
    member->result = result;
    member->Tell(Turn::kDone);
    member = following;
  }
}

}  // namespace actorkv
