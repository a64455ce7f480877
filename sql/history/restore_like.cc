#include "sql/history/restore_like.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kv/history/point.h"
#include "kv/history/restore.h"
#include "sql/bind/actor_walk.h"
#include "sql/bind/function.h"
#include "sql/bind/table.h"
#include "sql/history/name_pattern.h"
#include "sql/history/version.h"

namespace actorkv {

namespace {

// Finds the live actors of the store that the pattern names. Errors: kNotFound
// when there are none; those of an actor that matches and cannot be read: all
// that match are taken, or none.
Status MatchingActors(const std::shared_ptr<Store>& store,
                      const std::string& text,
                      std::vector<std::string>* actors) {
  NamePattern pattern;
  if (Status s = NamePattern::Parse(text, &pattern); !s.ok()) return s;
  std::vector<std::string> matching;
  ActorWalk walk(store);
  for (;;) {
    bool found = false;
    if (Status s = walk.Next(&found); !s.ok()) return s;
    if (!found) break;
    // The pattern is looked at before the status: a damaged actor that was not
    // meant hinders nobody.
    if (!pattern.Matches(walk.name())) continue;
    if (!walk.status().ok()) return walk.status();
    // Legacy actors have no commits to go back to, and are passed over like
    // deleted ones.
    if (walk.state().exists) matching.push_back(walk.name());
  }
  if (matching.empty()) {
    return Status::NotFound(
        "no live actor matches the pattern '" + text +
        "': upper and lower case differ, % is any characters, _ is one, and "
        "\\ before a character takes it as it is: store=" +
        walk.store_path());
  }
  *actors = std::move(matching);
  return Status::Ok();
}

Status RunRestoreLike(Call* call) {
  std::string text;
  std::string pattern;
  Point point;
  std::shared_ptr<Store> store;
  std::vector<std::string> actors;
  std::vector<TxId> txids;
  if (Status s = call->Text(0, "the point", &text); !s.ok()) return s;
  if (Status s = ParsePoint(text, &point); !s.ok()) return s;
  if (Status s = call->Text(1, "the pattern", &pattern); !s.ok()) return s;
  if (Status s =
          call->connection()->OpenDefaultStore(StoreUse::kOwnWrite, &store);
      !s.ok()) {
    return s;
  }
  if (Status s = MatchingActors(store, pattern, &actors); !s.ok()) return s;
  // One commit for all: either every actor that matches is restored, or none.
  if (Status s = RestoreActors(store, actors, point, &txids); !s.ok()) return s;
  call->result().Int(txids.size());
  return Status::Ok();
}

constexpr char kDeclaration[] =
    "CREATE TABLE x(actor TEXT, from_txid INTEGER, to_txid INTEGER,"
    " point TEXT HIDDEN, pattern TEXT HIDDEN)";

enum ColumnIndex { kActor, kFromTxId, kToTxId, kPoint };

struct PlannedActor {
  std::string name;
  TxId from;  // the head
  TxId to;
};

class PlanRows : public RowSource {
 public:
  explicit PlanRows(std::vector<PlannedActor> actors)
      : actors_(std::move(actors)) {}

  Status Next(bool* has_row) override {
    *has_row = next_ < actors_.size();
    if (*has_row) ++next_;
    return Status::Ok();
  }

  void Column(int index, Result* result) const override {
    const PlannedActor& actor = actors_[next_ - 1];
    switch (index) {
      case kActor:
        return result->Text(actor.name);
      case kFromTxId:
        return result->Int(actor.from.value);
      case kToTxId:
        return result->Int(actor.to.value);
      default:
        return;
    }
  }

 private:
  const std::vector<PlannedActor> actors_;
  size_t next_ = 0;
};

Status Plan(const Target& target, const std::string& point,
            PlannedActor* planned) {
  VersionSource head;
  VersionSource version;
  // Both versions are pinned while they are looked at, so that the plan names
  // only what is there.
  if (Status s = FindVersion(target, "head", &head); !s.ok()) return s;
  if (Status s = FindVersion(target, point, &version); !s.ok()) return s;
  planned->name = target.actor;
  planned->from = head.version->head.snapshot.txid;
  planned->to = version.version->head.snapshot.txid;
  return Status::Ok();
}

// Makes all rows at once: one actor that has no such point is an error of all,
// as it would be of the restore.
Status OpenRows(Connection* connection, const TableArguments& arguments,
                std::unique_ptr<RowSource>* rows) {
  if (!arguments[0].has_value() || !arguments[1].has_value()) {
    return Status::InvalidArgument(
        "it takes a point and a pattern: actorkv_restore_like_plan(point, "
        "pattern)");
  }
  Point point;
  std::shared_ptr<Store> store;
  std::vector<std::string> names;
  Status s = ParsePoint(*arguments[0], &point);
  if (s.ok()) s = connection->OpenDefaultStore(StoreUse::kRead, &store);
  if (s.ok()) s = MatchingActors(store, *arguments[1], &names);
  if (!s.ok()) return s;
  std::vector<PlannedActor> actors;
  for (std::string& name : names) {
    if (s = connection->KeepOn(); !s.ok()) return s;
    if (s = Plan({store, std::move(name)}, *arguments[0],
                 &actors.emplace_back());
        !s.ok()) {
      return s;
    }
  }
  *rows = std::make_unique<PlanRows>(std::move(actors));
  return Status::Ok();
}

constexpr FunctionSpec kRestoreLike = {
    "actorkv_restore_like", "point, pattern", 2, 2,
    Effects::kStore,        RunRestoreLike};
constexpr TableSpec kRestoreLikePlan = {"actorkv_restore_like_plan",
                                        kDeclaration, kPoint, 2, OpenRows};

}  // namespace

int RegisterRestoreLike(Connection* connection) {
  if (int code = RegisterFunctions<kRestoreLike>(connection);
      code != SQLITE_OK) {
    return code;
  }
  return RegisterTables<kRestoreLikePlan>(connection);
}

}  // namespace actorkv
