// GroupCommit: one synced write for all commits that wait for one.
//
// Commits that arrive while a write is on its way to the disk form the next
// group. Its leader writes all of them as one batch; the others sleep until
// that is done. Before it writes, the leader waits a little for those who were
// there a moment ago: without that, as many threads as two groups hold take
// turns for ever, and each sync serves half of them.
//
// Invariants:
//  1. A commit returns after the write that carried it, with its result.
//  2. A lone committer never waits: the leader expects as many as were in the
//     last group or waiting behind it.
//  3. Who is waited for wakes nobody in vain: a waiting leader is woken by the
//     last one that it expects, and a member by its result, without taking the
//     lock of all again.
//  4. Whoever has the lead hands it on, and gives every member of its group a
//     result, whatever happens: nothing between taking and handing on can fail.
//     So nothing there allocates, and what the write throws is a result, one
//     that is not known.
//
// Thread-safe. No lock is held during the write, nor while others are woken.

#ifndef ACTORKV_KV_ENGINE_GROUP_COMMIT_H_
#define ACTORKV_KV_ENGINE_GROUP_COMMIT_H_

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <vector>

#include "kv/engine/engine.h"

namespace actorkv {

class GroupCommit {
 public:
  // Writes all of the batches, in order, or nothing.
  using Write =
      std::function<CommitResult(const std::vector<const Batch*>& batches)>;

  static constexpr size_t kMaxMembers = 512;

  // A group holds at most `max_bytes` of keys and values, or one batch.
  GroupCommit(size_t max_bytes, Write write);

  CommitResult Commit(const Batch& batch) noexcept;

 private:
  enum class Turn { kWait, kLead, kDone };
  // A commit in the queue or in a group. It is over as soon as its thread knows
  // its turn.
  class Waiter {
   public:
    explicit Waiter(const Batch* commit) : batch(commit) {}
    void Tell(Turn turn);
    Turn Wait();

    const Batch* const batch;
    Waiter* next = nullptr;  // in the queue or the group
    CommitResult result;     // of kDone

   private:
    std::mutex mutex_;
    std::condition_variable told_;
    Turn turn_ = Turn::kWait;
  };
  using Lock = std::unique_lock<std::mutex>;

  // These REQUIRE that mutex_ is held.
  void Enqueue(Waiter* waiter);
  Waiter* TakeFirst();  // null: the queue is empty
  void WaitForOthers(Lock* lock);
  // Links the group behind its leader, which is not in the queue.
  void TakeGroup(Waiter* leader);

  void Lead(Waiter* leader) noexcept;
  CommitResult WriteGroup() noexcept;

  const size_t max_bytes_;
  const Write write_;

  std::mutex mutex_;
  std::condition_variable arrived_;  // what a waiting leader listens to
  Waiter* first_ = nullptr;          // of the next group
  Waiter* last_ = nullptr;
  size_t queue_size_ = 0;
  bool has_leader_ = false;
  size_t expected_ = 1;  // commits, see invariant 2
  std::chrono::nanoseconds last_write_{0};

  std::vector<const Batch*> batches_;  // of the group, its leader's to use
};

}  // namespace actorkv

#endif  // ACTORKV_KV_ENGINE_GROUP_COMMIT_H_
