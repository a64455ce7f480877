#include "kv/commit.h"

#include <memory>
#include <string>
#include <utility>

#include "kv/hints.h"
#include "kv/keys.h"
#include "kv/metrics.h"

namespace actorkv {

namespace {

// The stored head of an actor, nullptr when the actor does not exist.
Status ReadHead(Store* store, const std::string& name,
                std::shared_ptr<const HeadState>* state) {
  std::unique_ptr<EngineReader> reader = store->engine()->NewReader();
  return LoadHeadState(reader.get(), name, state);
}

// Why a guard did not hold: the first actor of the commit whose head moved.
Status ResolveConflict(Store* store,
                       const std::vector<PendingCommit>& commits) {
  Add(Metric::kCommitConflicts);
  Status first = Status::Conflict("a guard of the commit did not hold");
  for (auto it = commits.rbegin(); it != commits.rend(); ++it) {
    Actor* actor = it->writer->actor().get();
    const HeadState& base = *it->writer->base();
    std::shared_ptr<const HeadState> now;
    if (Status s = ReadHead(store, actor->name(), &now); !s.ok()) return s;
    actor->Forget();
    if (now->head_bytes == base.head_bytes) continue;
    first = Status::Conflict("the actor was changed by another writer: actor=" +
                             actor->name());
    if (base.exists && now->head.generation != base.head.generation) {
      first = FencedError(actor->name(), base.head.generation,
                          now->head.generation);
    }
  }
  return first;
}

// Looks for the commit in the store. *landed: it is there.
Status ResolveUnknown(Store* store, const PendingCommit& commit,
                      const CommitId& id, bool* landed) {
  std::shared_ptr<const HeadState> now;
  if (Status s = ReadHead(store, commit.writer->actor()->name(), &now);
      !s.ok()) {
    return s;
  }
  *landed = now->exists && now->head.commit_id == id;
  return Status::Ok();
}

void Finish(Store* store, std::vector<PendingCommit>* commits) {
  Add(Metric::kCommits);
  for (PendingCommit& commit : *commits) {
    const std::shared_ptr<Actor>& actor = commit.writer->actor();
    actor->Publish(commit.state, commit.writer->changed_pages());
    commit.writer->Detach(/*committed=*/true);
    if (commit.state->lineage->size() > kMaxLineageDepth) {
      store->SuggestFlatten(actor);
    }
  }
}

Status AfterUnknown(Store* store, const CommitResult& result,
                    const CommitId& id, std::vector<PendingCommit>* commits) {
  Add(Metric::kCommitsUnknown);
  bool landed = false;
  Status s = ResolveUnknown(store, commits->front(), id, &landed);
  if (s.ok() && landed) {
    Finish(store, commits);
    return Status::Ok();
  }
  for (PendingCommit& commit : *commits) {
    commit.writer->actor()->Forget();
    // What may still land must keep its chunks.
    if (!s.ok()) commit.writer->Detach(/*committed=*/false);
  }
  if (s.ok()) return result.status;
  return result.status.WithContext(
      "the outcome of the commit is not known, look at the actor before it is "
      "repeated");
}

Status CheckBeforeCommit(Store* store,
                         const std::vector<PendingCommit>& commits) {
  if (store->read_only()) {
    return Status::NotSupported("the store is open read-only: " +
                                store->path());
  }
  if (commits.size() > 1 && !store->engine()->limits().multi_partition_commit) {
    return Status::NotSupported(
        "this engine cannot commit several actors at once");
  }
  return Status::Ok();
}

// Only growth is refused, and not what comes back with a restore.
Status CheckQuota(Store* store, const PendingCommit& commit) {
  const HeadState& base = *commit.writer->base();
  const Snapshot& head = base.head.snapshot;
  const uint64_t bytes =
      uint64_t{commit.spec.page_count} * commit.writer->page_size();
  if (bytes <= uint64_t{head.page_count} * head.page_size ||
      commit.spec.origin == Origin::kRestore) {
    return Status::Ok();
  }
  const bool is_known = base.exists || base.is_legacy;
  Settings settings;
  if (Status s = store->settings()->Get(
          store, is_known ? base.entry.actor : ActorId{}, &settings);
      !s.ok()) {
    return s;
  }
  const uint64_t limit = settings.quota_hard_bytes;
  if (limit == 0 || bytes <= limit) return Status::Ok();
  return Status::NoSpace(
      "the quota is used up: actor=" + commit.writer->actor()->name() +
      " would have " + std::to_string(bytes) + " bytes, the limit is " +
      std::to_string(limit) +
      ": delete rows and VACUUM, or raise it with "
      "actorkv_quota()");
}

// Keeps the one engine commit within the engine's limit.
Status StageWhatIsLarge(Store* store, std::vector<PendingCommit>* commits) {
  const size_t per_actor =
      store->engine()->limits().max_batch_bytes / 2 / commits->size();
  for (PendingCommit& commit : *commits) {
    if (commit.writer->memory_bytes() <= per_actor) continue;
    if (Status s = commit.writer->Stage(); !s.ok()) return s;
  }
  return Status::Ok();
}

}  // namespace

Status CommitAll(Store* store, Durability durability,
                 std::vector<PendingCommit>* commits) {
  const LatencyTimer timer(Metric::kCommitLatency);
  if (Status s = CheckBeforeCommit(store, *commits); !s.ok()) return s;
  for (const PendingCommit& commit : *commits) {
    if (Status s = CheckQuota(store, commit); !s.ok()) return s;
  }
  if (Status s = StageWhatIsLarge(store, commits); !s.ok()) return s;
  Batch batch;
  CommitStamp stamp;
  stamp.committed_at_us = store->clock()->Next(&batch);
  stamp.commit_id = store->NewCommitId();
  for (PendingCommit& commit : *commits) {
    if (Status s =
            commit.writer->Prepare(commit.spec, stamp, &batch, &commit.state);
        !s.ok()) {
      return s;
    }
    if (commit.pin == nullptr) continue;
    store->pins()->Add(commit.state->head.snapshot, commit.state->lineage,
                       commit.pin);
  }
  const CommitResult result = store->Commit(batch, durability);
  switch (result.outcome) {
    case CommitOutcome::kDone:
      Finish(store, commits);
      return Status::Ok();
    case CommitOutcome::kConflict:
      return ResolveConflict(store, *commits);
    case CommitOutcome::kFailed:
      Add(Metric::kCommitFailures);
      for (PendingCommit& commit : *commits) commit.writer->actor()->Forget();
      return result.status;
    case CommitOutcome::kUnknown:
      return AfterUnknown(store, result, stamp.commit_id, commits);
  }
  return Status::IOError("unreachable commit outcome");
}

Status TakeOver(Store* store, Actor* actor, Generation* generation) {
  std::shared_ptr<const HeadState> state;
  if (Status s = actor->Current(&state); !s.ok()) return s;
  if (state->is_legacy) {
    return Status::InvalidArgument(
        "the actor is legacy, so nobody writes to it: SELECT "
        "actorkv_migrate(actor) first: actor=" +
        actor->name());
  }
  if (!state->exists) {
    return Status::NotFound("no such actor: actor=" + actor->name());
  }
  auto raised = std::make_shared<HeadState>(*state);
  raised->head.generation.value += 1;
  raised->head_bytes = EncodeRecord(HeadKey(), raised->head);
  Batch batch;
  const Partition partition = ActorPartition(state->entry.actor);
  batch.Put(partition, HeadKey(), raised->head_bytes);
  batch.AddGuard(partition, HeadKey(), state->head_bytes);
  const ActorId id = state->entry.actor;
  if (Status s = CopyHints(store, {id, state->head.generation},
                           {id, raised->head.generation}, &batch);
      !s.ok()) {
    return s;
  }
  const CommitResult result = store->Commit(batch, Durability::kSynced);
  if (!result.done()) {
    actor->Forget();
    return result.status;
  }
  *generation = raised->head.generation;
  actor->PublishTakeOver(std::move(raised));
  return Status::Ok();
}

}  // namespace actorkv
