// GuardSet: holds the guarded keys of the commits that are under way. Two
// commits that guard the same key are serial, so that "compare, then write" is
// one step for them; all others never meet here.
//
// Invariant: a key is claimed by one claim at most, and by none that is over.
// Claiming and giving back allocate nothing, so neither can stop half-way.
//
// The mutex inside covers only the bookkeeping. It is never held while a
// commit reads, writes or waits for the disk.

#ifndef ACTORKV_KV_ENGINE_GUARD_SET_H_
#define ACTORKV_KV_ENGINE_GUARD_SET_H_

#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

namespace actorkv {

class GuardSet {
 public:
  // Claim: waits until no other commit under way has one of `keys`, then has
  // them all until it is destroyed. All at once, so there is no order to
  // deadlock in. Duplicates are allowed; no keys: no lock is touched.
  class Claim {
   public:
    Claim(GuardSet* set, std::vector<std::string> keys);
    ~Claim();
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;

    const std::vector<std::string>& keys() const { return keys_; }

   private:
    friend class GuardSet;

    bool Has(const std::string& key) const;

    GuardSet* const set_;
    const std::vector<std::string> keys_;
    Claim* previous_ = nullptr;  // among the granted ones, as next_
    Claim* next_ = nullptr;
  };

 private:
  // REQUIRES: mutex_ held.
  bool AllFree(const std::vector<std::string>& keys) const;

  std::mutex mutex_;
  std::condition_variable released_;
  // The list of granted claims, bounded by the commits under way, that is by
  // the threads.
  Claim* granted_ = nullptr;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_ENGINE_GUARD_SET_H_
