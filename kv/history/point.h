// Point: names a moment of an actor's history, as people write it.
//
//   head                       the newest commit
//   17                         commit (txid) 17
//   2026-11-20T10:00:00Z       what was the head at that time, UTC; a space for
//                              the T, a fraction of a second, and no Z are
//                              fine
//   2026-11-20T11:00:00+01:00  the same: a time with its distance from UTC,
//                              also written +0100 or +01
//   -5 minutes                 what was the head that long ago: seconds,
//                              minutes, hours, days or weeks
//   -1 commit                  that many commits before the head
//   before-import              a restore point
//
// Everything that takes a point takes all of these, and says the same when it
// is none of them. A day alone and "now" are none: of the one nobody can say
// which moment is meant, and the other is `head`.
//
// Times are of the wall (kv/store/time_map.h). Where history has a gap
// (kv/history/history.h), what was the head in it is not known: a time in it,
// and commits counted across it, are errors that say what there is instead.

#ifndef ACTORKV_KV_HISTORY_POINT_H_
#define ACTORKV_KV_HISTORY_POINT_H_

#include <cstdint>
#include <memory>
#include <string>

#include "kv/engine/engine.h"
#include "kv/store/actor.h"
#include "kv/store/pins.h"

namespace actorkv {

class Store;

struct Point {
  enum class Kind { kHead, kTxId, kTime, kAgo, kCommitsAgo, kName, kMoment };

  Kind kind = Kind::kHead;
  // A txid, microseconds since 1970, microseconds, commits or a time of the
  // store, by kind.
  uint64_t number = 0;
  // The name of a restore point. For a time with its distance from UTC it is
  // what was written: a restore point of that name may exist, and counts then.
  std::string name;
  uint64_t wall_us = 0;  // kMoment: the time that was meant
};

// Errors: kInvalidArgument, with the forms.
Status ParsePoint(const std::string& text, Point* point);

// Errors: kInvalidArgument for a name that is empty, too long, not UTF-8 or
// would be read as another form of point.
Status CheckRestorePointName(const std::string& name);

// Makes a time that depends on when it is looked at one moment: several actors
// then go to the same, and no transaction over them is cut. Other points stay
// as they are. Errors: kInvalidArgument for a time in the future; kCorruption;
// kIOError.
Status FixMoment(Store* store, Point* point);

// PointOf: the actor whose history a point is of.
struct PointOf {
  Store* store = nullptr;
  std::string actor;  // its name
  // The actor's state at present; a deleted one's head is its last commit.
  std::shared_ptr<const HeadState> state;
};

// Finds the commit that the point means, as a state of the actor, and pins it:
// it can be read for as long as `pin` holds it (but see CheckNotExpired() in
// kv/history/history.h). Errors, with nothing pinned: kNotFound for a restore
// point that is not there; kInvalidArgument for a commit or time that never
// was, or that has expired, with the oldest that is available; kConflict when
// what it means expires again and again; kCorruption.
Status ResolvePoint(const PointOf& of, const Point& point, Pin* pin,
                    std::shared_ptr<const HeadState>* version);

}  // namespace actorkv

#endif  // ACTORKV_KV_HISTORY_POINT_H_
