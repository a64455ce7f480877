// Checks of invariants, in a build of their own (-DACTORKV_INVARIANTS=ON): what
// the room that keeps an invariant concludes from what it knows is derived once
// more, from what is stored, at the moment before it would be broken for good.
//
// A check is a function that returns a text: what is broken, and where (actor,
// branch, txid, page); empty: nothing. It is compiled and tested in every
// build, and called in this one alone. What it cannot read it does not judge:
// an engine that fails, or a store that is damaged, breaks no invariant.

#ifndef ACTORKV_KV_BASE_INVARIANT_H_
#define ACTORKV_KV_BASE_INVARIANT_H_

#include <string>

namespace actorkv {

#ifdef ACTORKV_INVARIANTS
inline constexpr bool kChecksInvariants = true;
#else
inline constexpr bool kChecksInvariants = false;
#endif

// Prints the text to the standard error, and aborts.
[[noreturn]] void EndOnBreach(const std::string& breach);

// Calls `check`, which returns a text as above, where invariants are checked,
// and ends the process on a breach. Costs nothing elsewhere.
template <typename Check>
void CheckInvariant([[maybe_unused]] const Check& check) {
  if constexpr (kChecksInvariants) {
    const std::string breach = check();
    if (!breach.empty()) EndOnBreach(breach);
  }
}

}  // namespace actorkv

#endif  // ACTORKV_KV_BASE_INVARIANT_H_
