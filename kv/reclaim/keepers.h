// Keepers: counts who keeps the versions of an actor's pages that its head does
// not read, and how many bytes each of them keeps. For people: they see what a
// shorter retention, or dropping a restore point or a fork, would give back.
//
// A version that several keep counts for the first of them, in the order
// retention, restore points by name, forks, readers. So what is counted for
// one of them is what it keeps beside those before it.

#ifndef ACTORKV_KV_RECLAIM_KEEPERS_H_
#define ACTORKV_KV_RECLAIM_KEEPERS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace actorkv {

// Keeper: the one that keeps a version. From kFirstPoint on it is a restore
// point.
enum class Keeper : uint32_t {
  kRetention = 0,
  kFork = 1,
  kReader = 2,
  kOtherPoint = 3,  // one that is not named here
  kFirstPoint = 4,
};

class Keepers {
 public:
  // The number of restore points that are told apart; the rest are taken
  // together.
  static constexpr size_t kMaxNamedPoints = 8;

  Keeper AddPoint(const std::string& name);
  void AddFork() { ++fork_count_; }
  void AddReader() { ++reader_count_; }

  void Count(Keeper keeper, uint64_t size_bytes);

  // `retention`: what it is, in words; empty: there is none. For instance
  // "retention 24 hours (81920 bytes); restore point v1 (0 bytes)".
  std::string Describe(const std::string& retention) const;

 private:
  struct Point {
    std::string name;
    uint64_t bytes = 0;
  };

  std::vector<Point> points_;  // named ones
  size_t other_point_count_ = 0;
  size_t fork_count_ = 0;
  size_t reader_count_ = 0;
  uint64_t bytes_[static_cast<size_t>(Keeper::kFirstPoint)] = {};
};

}  // namespace actorkv

#endif  // ACTORKV_KV_RECLAIM_KEEPERS_H_
