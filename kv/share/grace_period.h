// GracePeriod: the time after a process has become the owner of a store in
// which writer's words are kept for those that had them at the owner before: as
// a server of locks that starts anew lets its clients reclaim theirs (RFC 8881,
// 8.4.2, which has the name).
//
// Each of them says in its first message which words it has
// (kv/share/session_messages.h). So the period is over as soon as all hosts
// that were at work when it began have said so, or are gone; and after
// kGraceTime at the latest, as one of them may be stopped.
//
// Invariants:
//  1. While it lasts nobody is given a word that he did not have, nor writes
//     beside the words. When it was cut short by kGraceTime, who comes later
//     finds that its word is another's: that costs a conflict, not a commit.
//
// Thread-safe.

#ifndef ACTORKV_KV_SHARE_GRACE_PERIOD_H_
#define ACTORKV_KV_SHARE_GRACE_PERIOD_H_

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "kv/base/host_id.h"
#include "kv/files/host_mark.h"
#include "kv/share/actor_slot.h"

namespace actorkv {

class GracePeriod {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // `directory`: the store's. `marks`: of the hosts that were at work there
  // (ListHostMarks()); without any it is over from the beginning. `limit`: how
  // long it lasts at most.
  GracePeriod(std::string directory, const std::vector<MarkNumber>& marks,
              std::chrono::milliseconds limit);
  GracePeriod(const GracePeriod&) = delete;
  GracePeriod& operator=(const GracePeriod&) = delete;

  bool IsOver();

  // The host has what it had. True: that was the last one.
  bool NoteJoined(const HostId& host);
  // Looks which of the others are gone. True: all that were left.
  bool DropGone();
  // Waits for its end.
  void Await();

 private:
  const std::string directory_;
  const TimePoint end_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<MarkNumber> missing_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_GRACE_PERIOD_H_
