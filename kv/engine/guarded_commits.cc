#include "kv/engine/guarded_commits.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "kv/engine/engine_limits.h"
#include "kv/engine/failed_commit.h"

namespace actorkv {

namespace {

// Chunks are many, and who commits them guards a head instead: the memo would
// only forget others for them. A guard on one is read.
bool IsRemembered(Partition partition) {
  return partition.kind != PartitionKind::kBranch;
}

// One for each key of a store.
std::string FullKey(Partition partition, std::string_view key) {
  std::string full;
  full.reserve(1 + sizeof partition.id + key.size());
  full.push_back(static_cast<char>(partition.kind));
  full.append(reinterpret_cast<const char*>(&partition.id),
              sizeof partition.id);
  full.append(key);
  return full;
}

std::vector<std::string> GuardedKeys(const std::vector<Batch::Guard>& guards) {
  std::vector<std::string> keys;
  keys.reserve(guards.size());
  for (const Batch::Guard& guard : guards) {
    keys.push_back(FullKey(guard.partition, guard.key));
  }
  return keys;
}

// The name of a key in the memo, where nothing outlives its epoch.
std::string MemoKey(uint64_t epoch, const std::string& full_key) {
  return std::to_string(epoch) + full_key;
}

}  // namespace

GuardedCommits::GuardedCommits(BatchStore* store, const EngineLimits& limits,
                               size_t max_group_bytes)
    : store_(store),
      limits_(limits),
      group_(max_group_bytes,
             [store](const std::vector<const Batch*>& batches) {
               return store->Write(batches, Durability::kSynced);
             }) {}

// The write itself throws nothing.
CommitResult GuardedCommits::Commit(const Batch& batch,
                                    Durability durability) noexcept {
  return OrFailed([&] { return CommitOnce(batch, durability); });
}

CommitResult GuardedCommits::CommitOnce(const Batch& batch,
                                        Durability durability) {
  if (Status s = CheckBatchLimits(batch, limits_); !s.ok()) return Failed(s);
  // Claimed before the hold: who waits here must not keep a reopen waiting.
  // Two commits with the same guard go one after the other: else both could
  // find it true, and one would overwrite the other.
  const GuardSet::Claim claim(&guards_, GuardedKeys(batch.guards()));
  Gate::Hold hold;
  uint64_t epoch = 0;
  // From here to the end the database is not opened anew, so that what the
  // guards were compared with is what is written to.
  if (Status s = store_->Enter(&hold, &epoch); !s.ok()) return Failed(s);
  std::vector<std::string> memo_keys;
  memo_keys.reserve(claim.keys().size());
  for (const std::string& key : claim.keys()) {
    memo_keys.push_back(MemoKey(epoch, key));
  }
  if (CommitResult r = CheckGuards(batch.guards(), memo_keys); !r.done()) {
    return r;
  }
  // After the guards: a commit that is a conflict should say so on a full disk
  // as well.
  if (Status s = store_->ClaimSpace(batch, durability); !s.ok()) {
    return Failed(s);
  }
  return WriteGuarded(batch, durability, epoch, memo_keys);
}

CommitResult GuardedCommits::CheckGuards(
    const std::vector<Batch::Guard>& guards,
    const std::vector<std::string>& memo_keys) {
  for (size_t i = 0; i < guards.size(); ++i) {
    const Batch::Guard& guard = guards[i];
    bool holds = guard.expected.has_value() &&
                 memo_.Holds(memo_keys[i], *guard.expected);
    if (holds) continue;
    if (Status s = store_->Holds(guard, &holds); !s.ok()) return Failed(s);
    if (!holds) {
      return {CommitOutcome::kConflict,
              Status::Conflict("a guarded key has another value")};
    }
  }
  return {};
}

CommitResult GuardedCommits::WriteGuarded(
    const Batch& batch, Durability durability, uint64_t epoch,
    const std::vector<std::string>& memo_keys) {
  // What the memo will know is made before the write, as nothing may fail after
  // it (kv/README.md, invariant 14).
  std::vector<Note> notes = NotesOf(batch, epoch, memo_keys);
  CommitResult result = Write(batch, durability);
  for (Note& note : notes) {
    if (result.done() && !note.key.empty()) {
      memo_.Learn(note.ticket, std::move(note.key), std::move(note.value));
    } else {
      // Also where the outcome is not known: the next guard on the key is read
      // from the store.
      memo_.Forget(note.ticket);
    }
  }
  return result;
}

std::vector<GuardedCommits::Note> GuardedCommits::NotesOf(
    const Batch& batch, uint64_t epoch,
    const std::vector<std::string>& memo_keys) {
  std::vector<Note> notes;
  for (size_t i = 0; i < batch.op_count(); ++i) {
    const Batch::Op op = batch.op(i);
    if (!IsRemembered(op.partition)) continue;
    const auto guard = std::find_if(
        batch.guards().begin(), batch.guards().end(),
        [&op](const Batch::Guard& other) {
          return other.partition == op.partition && other.key == op.key;
        });
    if (guard == batch.guards().end()) {
      const std::string key = MemoKey(epoch, FullKey(op.partition, op.key));
      // Who writes without a guard says nothing of what the key had; the memo
      // only forgets it, from before the write on.
      notes.push_back({memo_.Begin(key), "", ""});
      continue;
    }
    const auto index = static_cast<size_t>(guard - batch.guards().begin());
    Note note{memo_.Begin(memo_keys[index]), "", ""};
    if (op.value.has_value()) {
      note.key = memo_keys[index];
      note.value = *op.value;
    }
    notes.push_back(std::move(note));
  }
  return notes;
}

CommitResult GuardedCommits::Write(const Batch& batch,
                                   Durability durability) noexcept {
  // Only a sync is worth sharing. What is buffered does not wait, and a bulk is
  // a group by itself.
  if (durability == Durability::kSynced) return group_.Commit(batch);
  return OrFailed([&] { return store_->Write({&batch}, durability); });
}

void GuardedCommits::Forget(Partition partition) noexcept {
  if (IsRemembered(partition)) memo_.Clear();
}

}  // namespace actorkv
