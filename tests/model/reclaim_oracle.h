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

#include "kv/actor.h"
#include "kv/pins.h"

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
  std::vector<Version> versions;         // oldest first; the last is the head
  std::map<std::string, TxId> points;    // that never expire
  std::map<TxId, uint64_t> undo_points;  // when each expires
  uint64_t deleted_at_us = 0;            // 0: live
  bool over = false;                     // a reclaim has seen its end

  bool IsOver(uint64_t now_us) const {
    return deleted_at_us != 0 && (over || deleted_at_us + kDayUs <= now_us);
  }

  // What is over stays so, also for a reclaim with an earlier clock.
  void Reclaimed(uint64_t now_us) {
    over = IsOver(now_us);
    for (auto at = undo_points.begin(); at != undo_points.end();) {
      at = at->second <= now_us ? undo_points.erase(at) : std::next(at);
    }
  }

  // At `now_us`, with a retention of a day.
  bool Retains(size_t i, uint64_t now_us) const {
    if (IsOver(now_us)) return false;
    if (i + 1 == versions.size()) return true;
    const TxId txid = versions[i].state->head.snapshot.txid;
    for (const auto& point : points) {
      if (point.second == txid) return true;
    }
    const auto undo = undo_points.find(txid);
    if (undo != undo_points.end() && undo->second > now_us) return true;
    return versions[i + 1].state->head.committed_at_us + kDayUs > now_us;
  }
};

}  // namespace actorkv

#endif  // ACTORKV_TESTS_MODEL_RECLAIM_ORACLE_H_
