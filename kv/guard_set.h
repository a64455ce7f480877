// GuardSet: the guarded keys of the commits that are under way. Two commits
// that guard the same key are serial, so that "compare, then write" is one
// step for them; all others never meet here.
//
// The mutex inside covers only the bookkeeping. It is never held while a
// commit reads, writes or waits for the disk.

#ifndef ACTORKV_KV_GUARD_SET_H_
#define ACTORKV_KV_GUARD_SET_H_

#include <condition_variable>
#include <mutex>
#include <string>
#include <unordered_set>
#include <vector>

namespace actorkv {

class GuardSet {
 public:
  // Waits until no other commit under way has one of `keys`, then has them
  // all until it is destroyed. All at once, so there is no order to deadlock
  // in. Duplicates are allowed; no keys: no lock is touched.
  class Claim {
   public:
    Claim(GuardSet* set, std::vector<std::string> keys);
    ~Claim();
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;

    const std::vector<std::string>& keys() const { return keys_; }

   private:
    GuardSet* const set_;
    const std::vector<std::string> keys_;
  };

 private:
  // REQUIRES: mutex_ held.
  bool AllFree(const std::vector<std::string>& keys) const;

  std::mutex mutex_;
  std::condition_variable released_;
  // Bounded by the commits under way, that is by the threads.
  std::unordered_set<std::string> claimed_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_GUARD_SET_H_
