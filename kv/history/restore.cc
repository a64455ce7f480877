#include "kv/history/restore.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "kv/base/coding.h"
#include "kv/format/counters.h"
#include "kv/format/database_header.h"
#include "kv/format/history_records.h"
#include "kv/format/keys.h"
#include "kv/history/history.h"
#include "kv/history/restore_points.h"
#include "kv/pages/branch_reader.h"
#include "kv/pages/commit.h"
#include "kv/store/actor_name.h"
#include "kv/store/hints.h"
#include "kv/store/store.h"

namespace actorkv {

namespace {

// The number of tries with a head that moves between look and commit.
constexpr int kAttempts = 100;

Status ReadCounters(Store* store, const HeadState& state, Counters* counters) {
  const Snapshot& snapshot = state.head.snapshot;
  // The stamp counts where there is one: page 1 then has an older counter in
  // its bytes.
  counters->change = snapshot.stamp.value_or(0);
  if (!state.exists || snapshot.page_count == 0) return Status::Ok();
  BranchReader reader(store->engine());
  reader.SetSnapshot(snapshot, state.lineage);
  std::string page(snapshot.page_size, '\0');
  if (Status s = reader.ReadPage(1, page.data()); !s.ok()) return s;
  const DatabaseHeader header = ParseHeader(page);
  counters->change = std::max(counters->change, header.change_counter);
  counters->cookie = header.cookie;
  return Status::Ok();
}

// Reads the counters of the head that is left. Its page 1 may be the damage
// that a restore is to mend, or not there: then they are bounds. `source`: of
// the version that comes in its place.
Status ReadCountersOfHead(Store* store, const HeadState& state,
                          const Counters& source, Counters* counters) {
  Status s = ReadCounters(store, state, counters);
  const bool is_empty = state.exists && state.head.snapshot.page_count == 0;
  if (s.ok() && !is_empty) return s;
  // A disk that cannot be read is no damage: the caller may try again.
  if (!s.ok() && s.code() != Code::kCorruption) return s;
  const TxId txid = state.head.snapshot.txid;
  if (!s.ok()) {
    counters->change = std::max(
        counters->change,
        UnknownCounter(std::max(state.entry.stamp_floor, source.change), txid));
  }
  counters->cookie =
      UnknownCounter(std::max(state.entry.cookie_floor, source.cookie), txid);
  return Status::Ok();
}

// Move: one actor of a commit that moves actors to older versions. Both
// versions are read, so both are pinned.
struct Move {
  std::shared_ptr<Actor> actor;
  std::shared_ptr<const HeadState> base;  // the head, or none yet
  Pin base_pin;
  std::shared_ptr<const HeadState> source;  // what it is to be
  Pin source_pin;
  std::unique_ptr<BranchWriter> writer;
};

// Prepares the commit of a move, with counters above all earlier ones:
// invariant 2.
Status PrepareMove(Store* store, Origin origin, Move* move,
                   PendingCommit* commit) {
  Counters base;
  Counters source;
  if (Status s = ReadCounters(store, *move->source, &source); !s.ok()) return s;
  if (Status s = ReadCountersOfHead(store, *move->base, source, &base);
      !s.ok()) {
    return s;
  }
  const ActorEntry& entry = move->base->entry;
  const uint32_t stamp =
      NextCounter(source.change + 1, std::max(base.change, entry.stamp_floor));
  const uint32_t cookie =
      NextCounter(source.cookie + 1, std::max(base.cookie, entry.cookie_floor));
  const Snapshot& snapshot = move->source->head.snapshot;
  if (snapshot.page_count > 0) {
    std::string page(snapshot.page_size, '\0');
    // Page 1 is read through the writer, which has the source's pages.
    if (Status s = move->writer->ReadPage(1, page.data()); !s.ok()) return s;
    StoreBig32(page.data() + kCookieOffset, cookie);
    // The stamp makes the page count in the header count, see
    // Transaction::Prepare().
    StoreBig32(page.data() + kPageCountOffset, snapshot.page_count);
    if (Status s = move->writer->WritePage(1, page.data()); !s.ok()) return s;
  }
  commit->writer = move->writer.get();
  commit->spec.page_count = snapshot.page_count;
  commit->spec.stamp = stamp;
  commit->spec.origin = origin;
  return Status::Ok();
}

// Adds the restore point and the record of the restore: invariant 1.
Status AddUndo(Store* store, const Move& move, const HeadState& made,
               Batch* batch) {
  const Partition partition = ActorPartition(made.entry.actor);
  const Snapshot& before = move.base->head.snapshot;
  const Snapshot& source = move.source->head.snapshot;
  const std::string name =
      kUndoPrefix + std::to_string(made.head.snapshot.txid.value);
  RestorePointRecord point;
  point.branch = before.branch;
  point.txid = before.txid;
  point.created_at_us = made.head.committed_at_us;
  point.expires_at_us = point.created_at_us + kUndoTtlUs;
  const std::string point_key = RestorePointKey(name);
  batch->Put(partition, point_key, EncodeRecord(point_key, point));
  RestoreRecord restore;
  restore.from_branch = before.branch;
  restore.from_txid = before.txid;
  restore.source_branch = source.branch;
  restore.source_txid = source.txid;
  restore.restored_at_us = made.head.committed_at_us;
  restore.undo_name = name;
  const std::string key = RestoreKey(made.head.snapshot.txid);
  batch->Put(partition, key, EncodeRecord(key, restore));
  // The commit fails if reclaim removed the source since it was pinned.
  return GuardVersion(store, *move.source, batch);
}

Status BeginMove(const std::shared_ptr<Store>& store, const std::string& name,
                 Move* move) {
  if (Status s = store->OpenActor(name, &move->actor); !s.ok()) return s;
  if (Status s = move->actor->CurrentPinned(store->pins(), &move->base_pin,
                                            &move->base);
      !s.ok()) {
    return s;
  }
  if (move->base->is_legacy) {
    return Status::InvalidArgument(
        "the actor is legacy, it has no commits yet: actor=" + name);
  }
  if (!move->base->exists) {
    // Two errors for two ways on: a deleted actor can be had back, and then be
    // restored.
    const bool deleted = !move->base->entry_bytes.empty();
    return Status::NotFound(
        (deleted ? "the actor is deleted, SELECT actorkv_undelete(actor) first:"
                   " actor="
                 : "no such actor: actor=") +
        name);
  }
  return Status::Ok();
}

// Commits the moves, whose sources are set.
Status CommitMoves(const std::shared_ptr<Store>& store,
                   std::vector<Move>* moves, std::vector<TxId>* txids) {
  std::vector<PendingCommit> commits(moves->size());
  for (size_t i = 0; i < moves->size(); ++i) {
    Move& move = (*moves)[i];
    move.writer = std::make_unique<BranchWriter>(store, move.actor, move.base,
                                                 move.source);
    if (Status s =
            PrepareMove(store.get(), Origin::kRestore, &move, &commits[i]);
        !s.ok()) {
      return s;
    }
    // The records go with the head in one commit: there is no restore without
    // its undo, nor the other way round.
    commits[i].spec.also = [&](const HeadState& made, Batch* batch) {
      return AddUndo(store.get(), move, made, batch);
    };
  }
  if (Status s = CommitAll(store.get(), Durability::kSynced, &commits);
      !s.ok()) {
    return s;
  }
  txids->clear();
  for (const PendingCommit& commit : commits) {
    txids->push_back(commit.state->head.snapshot.txid);
  }
  return Status::Ok();
}

// Moves the actors; `find` sets the source of a move whose base is set.
template <typename Find>
Status MoveActors(const std::shared_ptr<Store>& store,
                  const std::vector<std::string>& actors,
                  std::vector<TxId>* txids, Find find) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    std::vector<Move> moves(actors.size());
    for (size_t i = 0; i < actors.size(); ++i) {
      if (Status s = BeginMove(store, actors[i], &moves[i]); !s.ok()) return s;
      if (Status s = find(actors[i], &moves[i]); !s.ok()) return s;
    }
    if (moves.empty()) {
      txids->clear();
      return Status::Ok();
    }
    Status moved = CommitMoves(store, &moves, txids);
    // A head or a source moved meanwhile: everything is looked up anew.
    if (moved.code() != Code::kConflict) return moved;
  }
  return Status::Busy("others commit all the time: actor=" + actors[0]);
}

Status LastRestore(EngineReader* reader, const HeadState& state,
                   const std::string& actor, RestoreRecord* record) {
  std::vector<std::optional<KeyValue>> pairs;
  if (Status s = reader->Seek(ActorPartition(state.entry.actor),
                              {RestorePrefix()}, &pairs);
      !s.ok()) {
    return s;
  }
  TxId txid;
  if (!pairs[0].has_value() || !ParseRestoreKey(pairs[0]->key, &txid).ok()) {
    return Status::InvalidArgument("nothing to undo, no restore of actor=" +
                                   actor);
  }
  return DecodeRecord(pairs[0]->key, pairs[0]->value, record);
}

}  // namespace

Status RestoreActors(const std::shared_ptr<Store>& store,
                     const std::vector<std::string>& actors, const Point& point,
                     std::vector<TxId>* txids) {
  std::vector<std::string> sorted = actors;
  std::sort(sorted.begin(), sorted.end());
  // Two moves of one actor in one commit would both begin at the same head.
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) {
    return Status::InvalidArgument("the actor comes twice: actor=" + *twice);
  }
  Point fixed = point;
  // One moment for all of them, also where the commit is tried again.
  if (Status s = FixMoment(store.get(), &fixed); !s.ok()) return s;
  return MoveActors(
      store, actors, txids, [&](const std::string& name, Move* move) {
        return ResolvePoint({store.get(), name, move->base}, fixed,
                            &move->source_pin, &move->source);
      });
}

Status UndoRestore(const std::shared_ptr<Store>& store,
                   const std::string& actor, TxId* txid) {
  std::vector<TxId> txids;
  Status undone = MoveActors(
      store, {actor}, &txids,
      [&](const std::string& name, Move* move) -> Status {
        // The record is read at each attempt: another restore may have come
        // between, and then that one is undone.
        RestoreRecord last;
        const std::unique_ptr<EngineReader> reader =
            store->engine()->NewReader();
        if (Status s = LastRestore(reader.get(), *move->base, name, &last);
            !s.ok()) {
          return s;
        }
        const Point before = {Point::Kind::kTxId, last.from_txid.value, ""};
        return ResolvePoint({store.get(), name, move->base}, before,
                            &move->source_pin, &move->source);
      });
  if (undone.ok()) *txid = txids[0];
  return undone;
}

namespace {

// Tries to fork once. *overtaken: the point or the name is not any more what it
// was.
Status TryToFork(const std::shared_ptr<Store>& store, const ForkSpec& spec,
                 TxId* txid, bool* overtaken) {
  const std::unique_ptr<EngineReader> reader = store->engine()->NewReader();
  std::shared_ptr<const HeadState> parent;
  if (Status s = LoadHeadState(reader.get(), spec.actor, &parent); !s.ok()) {
    return s;
  }
  // A deleted actor may be forked as long as its commits are kept.
  if (parent->entry_bytes.empty() || parent->is_legacy) {
    return Status::NotFound("no such actor, or it is legacy: actor=" +
                            spec.actor);
  }
  Move move;
  if (Status s = ResolvePoint({store.get(), spec.actor, parent}, spec.point,
                              &move.source_pin, &move.source);
      !s.ok()) {
    return s;
  }
  if (Status s = store->OpenActor(spec.fork, &move.actor); !s.ok()) return s;
  if (Status s = move.actor->Current(&move.base); !s.ok()) return s;
  if (move.base->exists || move.base->is_legacy) {
    return Status::AlreadyExists("the actor exists already: actor=" +
                                 spec.fork);
  }
  move.writer =
      std::make_unique<BranchWriter>(store, move.actor, move.base, move.source);
  std::vector<PendingCommit> commits(1);
  if (Status s = PrepareMove(store.get(), Origin::kFork, &move, commits.data());
      !s.ok()) {
    return s;
  }
  commits[0].spec.also = [&](const HeadState& made, Batch* batch) -> Status {
    ForkRecord fork;
    fork.child = made.entry.actor;
    fork.txid = move.source->head.snapshot.txid;
    // The record keeps the parent's commit from reclaim as long as the fork's
    // branch begins there.
    fork.created_at_us = made.head.committed_at_us;
    const Partition partition = ActorPartition(parent->entry.actor);
    const std::string key =
        ForkKey(move.source->head.snapshot.branch, made.head.snapshot.branch);
    batch->Put(partition, key, EncodeRecord(key, fork));
    if (Status s = store->hints()->Copy(
            {parent->entry.actor, parent->head.generation},
            {made.entry.actor, made.head.generation}, batch);
        !s.ok()) {
      return s;
    }
    return GuardVersion(store.get(), *move.source, batch);
  };
  Status s = CommitAll(store.get(), Durability::kSynced, &commits);
  *overtaken = s.code() == Code::kConflict;
  if (s.ok()) *txid = commits[0].state->head.snapshot.txid;
  return s;
}

}  // namespace

Status ForkActor(const std::shared_ptr<Store>& store, const ForkSpec& spec,
                 TxId* txid) {
  if (Status s = CheckActorName(spec.fork); !s.ok()) return s;
  Status s;
  bool overtaken = true;
  for (int attempt = 0; attempt < kAttempts && overtaken; ++attempt) {
    overtaken = false;
    s = TryToFork(store, spec, txid, &overtaken);
  }
  return s;
}

}  // namespace actorkv
