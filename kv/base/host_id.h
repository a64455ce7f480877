// HostId: who owns a piece of work that others can see before it is done: a
// stage, an import, a lease.

#ifndef ACTORKV_KV_BASE_HOST_ID_H_
#define ACTORKV_KV_BASE_HOST_ID_H_

#include <cstdint>

namespace actorkv {

// An owner is a process that has the store open, or a host where many share it.
// Its slot is its place among those that are at work at the same time; a slot
// is taken again after its owner's end, and then with another incarnation.
struct HostId {
  uint16_t slot = 0;         // below kHostSlots; 0 for the owner of a directory
  uint64_t incarnation = 0;  // random; 0: nobody

  friend bool operator==(const HostId& a, const HostId& b) {
    return a.slot == b.slot && a.incarnation == b.incarnation;
  }
  friend bool operator!=(const HostId& a, const HostId& b) { return !(a == b); }
};

constexpr int kHostSlotBits = 10;
constexpr uint64_t kHostSlots = uint64_t{1} << kHostSlotBits;

// 64 random bits, for an id that is in no other use; never 0.
uint64_t RandomId();

}  // namespace actorkv

#endif  // ACTORKV_KV_BASE_HOST_ID_H_
