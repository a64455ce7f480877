// The oracle of reclaim_model_test.cc: versions as plain pages, and which of
// them must be there.

#ifndef ACTORKV_TESTS_MODEL_RECLAIM_ORACLE_H_
#define ACTORKV_TESTS_MODEL_RECLAIM_ORACLE_H_

#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kv/store/actor.h"
#include "kv/store/pins.h"
#include "kv/store/time_map.h"

namespace actorkv {

constexpr uint64_t kDayUs = uint64_t{86'400} * 1'000'000;
constexpr uint64_t kFar = 400 * kDayUs;  // past every retention and ttl

struct Version {
  std::shared_ptr<const HeadState> state;
  std::vector<std::string> pages;
  bool there = true;  // as last seen
};

struct Reader {
  Pin pin;
  std::shared_ptr<Actor> open;  // null: it is read, but not open
  Version version;
};

struct Line {
  std::string name;
  ActorId id;
  std::vector<Version> versions;       // oldest first; the last is the head
  std::map<std::string, TxId> points;  // that never expire
  std::map<TxId, RestorePointRecord> undo_points;
  uint64_t deleted_at_us = 0;  // 0: live
  bool over = false;           // a reclaim has seen its end

  // A day ago or more, by the wall clock and in the time of the store.
  static bool IsPast(uint64_t store_us, const TimeMap& now) {
    return store_us + kDayUs <= now.store_now_us() &&
           now.Wall(store_us) + kDayUs <= now.wall_now_us();
  }

  bool IsOver(const TimeMap& now) const {
    return deleted_at_us != 0 && (over || IsPast(deleted_at_us, now));
  }

  // What is over stays so, also for a reclaim with an earlier clock.
  void Reclaimed(const TimeMap& now) {
    over = IsOver(now);
    for (auto at = undo_points.begin(); at != undo_points.end();) {
      const bool ended = HasEnded(at->second, now, now.wall_now_us());
      at = ended ? undo_points.erase(at) : std::next(at);
    }
  }

  // With a retention of a day.
  bool Retains(size_t i, const TimeMap& now) const {
    if (IsOver(now)) return false;
    if (i + 1 == versions.size()) return true;
    const TxId txid = versions[i].state->head.snapshot.txid;
    for (const auto& point : points) {
      if (point.second == txid) return true;
    }
    const auto undo = undo_points.find(txid);
    if (undo != undo_points.end() &&
        !HasEnded(undo->second, now, now.wall_now_us())) {
      return true;
    }
    return !IsPast(versions[i + 1].state->head.committed_at_us, now);
  }
};

}  // namespace actorkv

#endif  // ACTORKV_TESTS_MODEL_RECLAIM_ORACLE_H_
