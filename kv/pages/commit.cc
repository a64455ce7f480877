#include "kv/pages/commit.h"

#include <memory>
#include <string>
#include <utility>

#include "kv/base/events.h"
#include "kv/base/invariant.h"
#include "kv/base/metrics.h"
#include "kv/base/thrown.h"
#include "kv/engine/failed_commit.h"
#include "kv/format/get_record.h"
#include "kv/format/keys.h"
#include "kv/pages/commit_checks.h"
#include "kv/store/hints.h"
#include "kv/store/retention.h"
#include "kv/store/store.h"
#include "kv/store/store_side.h"

namespace actorkv {

namespace {

// The stored head of an actor, nullptr when the actor does not exist.
Status ReadHead(Store* store, const std::string& name,
                std::shared_ptr<const HeadState>* state) {
  std::unique_ptr<EngineReader> reader = store->engine()->NewReader();
  return LoadHeadState(reader.get(), name, state);
}

// Why a guard did not hold: the first actor of the commit whose head moved.
// `head` is that of the first, as it was found after the commit; the others are
// read here, each once.
Status ResolveConflict(Store* store, const std::vector<PendingCommit>& commits,
                       const std::shared_ptr<const HeadState>& head) {
  Add(Metric::kCommitConflicts);
  Status first = Status::Conflict("a guard of the commit did not hold");
  // From the last to the first, so that the first actor whose head moved is the
  // one that is named: the same one for the same conflict.
  for (auto it = commits.rbegin(); it != commits.rend(); ++it) {
    const Actor* actor = it->writer->actor().get();
    const HeadState& base = *it->writer->base();
    std::shared_ptr<const HeadState> now = head;
    if (&*it != &commits.front()) {
      if (Status s = ReadHead(store, actor->name(), &now); !s.ok()) return s;
    }
    if (now->head_bytes == base.head_bytes) continue;
    first = Status::Conflict("the actor was changed by another writer: actor=" +
                             actor->name());
    // A head of another generation was taken over: to try again would be wrong,
    // so it is no conflict.
    if (base.exists && now->head.generation != base.head.generation) {
      first = FencedError(actor->name(), base.head.generation,
                          now->head.generation);
    }
  }
  return first;
}

enum class Landed {
  kNo,
  kAsHead,
  kBelow,  // others have committed on top of it
};

// Looks for the commit in the store. Where a commit is one, its own record
// says as much as the head, which may be another owner's by now. Where it goes
// in runs the record may be there without the head: then the head alone counts.
// `now` is the head of its actor.
Status FindCommit(Store* store, const PendingCommit& commit, const CommitId& id,
                  const HeadState& now, Landed* landed) {
  *landed = Landed::kNo;
  if (!now.exists) return Status::Ok();
  if (now.head.commit_id == id) {
    *landed = Landed::kAsHead;
    return Status::Ok();
  }
  const Snapshot& made = commit.state->head.snapshot;
  // What stands on nothing newer than its base has nothing on top of it.
  if (now.head_bytes == commit.writer->base()->head_bytes ||
      !store->engine()->limits().multi_partition_commit) {
    return Status::Ok();
  }
  const std::string key = CommitKey(made.branch, made.txid);
  std::optional<CommitRecord> record;
  if (Status s =
          GetRecord(store->engine()->NewReader().get(),
                    ActorPartition(commit.state->entry.actor), key, &record);
      !s.ok()) {
    return s;
  }
  if (record.has_value() && record->commit_id == id) *landed = Landed::kBelow;
  return Status::Ok();
}

// Invariant 4.
void Finish(Store* store, std::vector<PendingCommit>* commits) noexcept {
  Add(Metric::kCommits);
  for (PendingCommit& commit : *commits) {
    const std::shared_ptr<Actor>& actor = commit.writer->actor();
    // Publication comes first. A writer of the same actor that begins now must
    // find this head, or it would commit against one that is gone.
    const std::vector<PageNo>& pages = commit.writer->changed_pages();
    if (store->side() == nullptr) {
      commit.version = actor->Publish(commit.state, pages);
    } else {
      actor->PublishShared(commit.writer->base(),
                           {commit.state, &pages, commit.version});
    }
    commit.writer->Detach(/*committed=*/true);
    if (commit.state->lineage->size() > kMaxLineageDepth) {
      store->work()->SuggestFlatten(actor);
    }
  }
}

// With `in_doubt`, what may still land must keep its chunks.
void Forget(bool in_doubt, std::vector<PendingCommit>* commits) noexcept {
  for (PendingCommit& commit : *commits) {
    // Whoever asks for the head next reads it from the store, where it is
    // whatever became of the commit.
    commit.writer->actor()->Forget();
    if (in_doubt) commit.writer->Detach(/*committed=*/false);
  }
}

Status InDoubt(const Status& status) noexcept {
  Status text;
  const bool made = IfMemory([&] {
    text = status.WithContext(
        "the outcome of the commit is not known, look at the actor before it "
        "is repeated");
  });
  return made ? text : status;
}

// What the store says of a commit after the engine's answer.
struct Aftermath {
  bool landed = false;
  // Of its first actor, read once; null: it could not be read.
  std::shared_ptr<const HeadState> head;
};

// Finishes the commit where it is in the store after all. What others put on
// top of it is read with the next look at the actor. Errors: it is not known.
Status FinishIfLanded(Store* store, const CommitId& id,
                      std::vector<PendingCommit>* commits,
                      Aftermath* after) noexcept {
  Landed found = Landed::kNo;
  const PendingCommit& first = commits->front();
  Status s = Caught([&] {
    Status read = ReadHead(store, first.writer->actor()->name(), &after->head);
    if (!read.ok()) return read;
    return FindCommit(store, first, id, *after->head, &found);
  });
  after->landed = s.ok() && found != Landed::kNo;
  if (!after->landed) return s;
  // It is there, so it is published as if the engine had said so.
  Finish(store, commits);
  // Where others are on top of it, the state that was made is not the head any
  // more: it is published for the sake of the chunks, and then forgotten.
  if (found == Landed::kAsHead) return s;
  for (PendingCommit& commit : *commits) commit.writer->actor()->Forget();
  return s;
}

Status AfterUnknown(Store* store, const CommitResult& result,
                    const CommitId& id,
                    std::vector<PendingCommit>* commits) noexcept {
  Add(Metric::kCommitsUnknown);
  NoteEvent({EventKind::kUnknownOutcome, store->path(),
             commits->front().writer->actor()->name(),
             result.status.message()});
  Aftermath after;
  const Status s = FinishIfLanded(store, id, commits, &after);
  // The owner of the store ended meanwhile.
  if (s.ok() && store->side() != nullptr) Add(Metric::kCommitsResolved);
  if (after.landed) return Status::Ok();
  Forget(/*in_doubt=*/!s.ok(), commits);
  return s.ok() ? result.status : InDoubt(result.status);
}

// What is in the way may be the commit itself, where the engine sent it twice.
Status AfterConflict(Store* store, const CommitId& id,
                     std::vector<PendingCommit>* commits) noexcept {
  Aftermath after;
  const Status found = FinishIfLanded(store, id, commits, &after);
  if (after.landed) return Status::Ok();
  Forget(/*in_doubt=*/!found.ok(), commits);
  if (!found.ok()) return InDoubt(found);
  return Caught([&] { return ResolveConflict(store, *commits, after.head); });
}

// What comes of the engine's answer.
Status Conclude(Store* store, const CommitResult& result, const CommitId& id,
                std::vector<PendingCommit>* commits) noexcept {
  switch (result.outcome) {
    case CommitOutcome::kDone:
      Finish(store, commits);
      return Status::Ok();
    case CommitOutcome::kConflict:
      return AfterConflict(store, id, commits);
    case CommitOutcome::kFailed:
      Add(Metric::kCommitFailures);
      Forget(/*in_doubt=*/false, commits);
      return result.status;
    case CommitOutcome::kUnknown:
      break;
  }
  return AfterUnknown(store, result, id, commits);
}

Status CheckBeforeCommit(Store* store,
                         const std::vector<PendingCommit>& commits) {
  if (store->read_only()) {
    return Status::NotSupported("the store is open read-only: " +
                                store->path());
  }
  // Heads of several actors in several batches could be seen one by one, and a
  // death in between would tear the transaction.
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
  if (Status s = store->settings()->Get(is_known ? base.entry.actor : ActorId{},
                                        &settings);
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

// Where another process owns the store, that one pins it with the commit.
Status PinNewHead(Store* store, const PendingCommit& commit) {
  if (Status s = commit.writer->actor()->PreparePin(store->pins(), commit.pin);
      !s.ok()) {
    return s;
  }
  store->pins()->AddKept(commit.state->head.snapshot, commit.state->lineage,
                         commit.pin);
  return Status::Ok();
}

// What another process that owns the store is told of the commit; nothing in
// the owner itself.
std::vector<MovedHead> HeadsOf(Store* store,
                               const std::vector<PendingCommit>& commits) {
  std::vector<MovedHead> heads;
  if (store->side() == nullptr) return heads;
  for (const PendingCommit& commit : commits) {
    heads.push_back({commit.writer->actor().get(),
                     &commit.writer->changed_pages(), commit.pin});
  }
  return heads;
}

void NoteVersions(const std::vector<MovedHead>& heads,
                  std::vector<PendingCommit>* commits) noexcept {
  for (size_t i = 0; i < heads.size(); ++i) {
    (*commits)[i].version = heads[i].version;
  }
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
  // What is refused counts as well: a latency that leaves out what was slow to
  // fail would look better than what people see.
  const LatencyTimer timer(Metric::kCommitLatency);
  if (Status s = CheckBeforeCommit(store, *commits); !s.ok()) return s;
  for (const PendingCommit& commit : *commits) {
    if (Status s = CheckQuota(store, commit); !s.ok()) return s;
  }
  if (Status s = StageWhatIsLarge(store, commits); !s.ok()) return s;
  Batch batch;
  CommitStamp stamp;
  // One time and one id for all actors of the transaction: they are how a
  // restore finds that they belong together.
  stamp.committed_at_us = store->clock()->Next(&batch);
  stamp.commit_id = store->commit_ids()->Next();
  for (PendingCommit& commit : *commits) {
    if (Status s =
            commit.writer->Prepare(commit.spec, stamp, &batch, &commit.state);
        !s.ok()) {
      return s;
    }
    CheckInvariant([&] {
      return BreachInCommit(store->engine(), commit.writer->actor()->name(),
                            *commit.state, batch);
    });
    if (commit.pin == nullptr) continue;
    // The new version is pinned before it is there. Pinned after, it could be
    // replaced and reclaimed in between.
    if (Status s = PinNewHead(store, commit); !s.ok()) return s;
  }
  std::vector<MovedHead> heads = HeadsOf(store, *commits);
  const CommitResult result = store->Commit(batch, durability, &heads);
  NoteVersions(heads, commits);
  Status s = Conclude(store, result, stamp.commit_id, commits);
  if (s.code() == Code::kFenced) {
    const Actor& actor = *commits->front().writer->actor();
    NoteEvent({EventKind::kFence, store->path(), actor.name(), s.message()});
  }
  return s;
}

namespace {

// Of a take-over beside commits, each of which may move the head that it
// guards.
constexpr int kTakeOverAttempts = 100;

CommitResult TryToTakeOver(Store* store, Actor* actor, Generation* generation) {
  std::shared_ptr<const HeadState> state;
  if (Status s = actor->Current(&state); !s.ok()) return Failed(s);
  if (state->is_legacy) {
    return Failed(Status::InvalidArgument(
        "the actor is legacy, so nobody writes to it: SELECT "
        "actorkv_migrate(actor) first: actor=" +
        actor->name()));
  }
  if (!state->exists) {
    return Failed(Status::NotFound("no such actor: actor=" + actor->name()));
  }
  auto raised = std::make_shared<HeadState>(*state);
  // Nothing but the generation changes. Each writer guards the whole head, so
  // whoever has the old one is refused.
  raised->head.generation.value += 1;
  raised->head_bytes = EncodeRecord(HeadKey(), raised->head);
  Batch batch;
  const Partition partition = ActorPartition(state->entry.actor);
  batch.Put(partition, HeadKey(), raised->head_bytes);
  batch.AddGuard(partition, HeadKey(), state->head_bytes);
  const ActorId id = state->entry.actor;
  // Hints are stored by generation; those of the old one would be taken for
  // nobody's.
  if (Status s = store->hints()->Copy({id, state->head.generation},
                                      {id, raised->head.generation}, &batch);
      !s.ok()) {
    return Failed(s);
  }
  CommitResult result = store->Commit(batch, Durability::kSynced);
  if (!result.done()) {
    actor->Forget();
    return result;
  }
  *generation = raised->head.generation;
  NoteEvent({EventKind::kFence, store->path(), actor->name(),
             "taken over: who had it open before cannot write any more"});
  actor->PublishTakeOver(std::move(raised));
  return result;
}

}  // namespace

Status TakeOver(Store* store, Actor* actor, Generation* generation) {
  for (int attempt = 0; attempt < kTakeOverAttempts; ++attempt) {
    const CommitResult result = TryToTakeOver(store, actor, generation);
    if (result.outcome == CommitOutcome::kConflict) continue;
    // After the fence: whoever is next finds it.
    if (result.done()) static_cast<void>(actor->TakeWriterAway());
    return result.status;
  }
  return Status::Busy("others commit all the time: actor=" + actor->name());
}

}  // namespace actorkv
