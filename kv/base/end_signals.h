// EndSignals: hears of SIGTERM, SIGINT and SIGHUP while it lives, in a process
// with threads and handlers of its own.
//
// A handler is the one thing that sees a signal whichever thread the system
// gives it to: sigwait() and signalfd() need it blocked in all threads of the
// process, which are the host's. So each of the signals has a handler of ours,
// which counts it and then calls the one that was there, as if nothing were
// between. One that the process ignores (nohup) stays ignored. A host that has
// them blocked everywhere, and waits for them itself, hears them alone.
//
// Invariants:
//  1. A handler that another part of the process installs meanwhile is left,
//     and so is what was there before it was installed.
//  2. The handler does nothing but what signal-safety(7) allows.
//  3. A child of fork() has what was there before: its parent hears for itself.
//
// Several may live at a time, in any threads: each hears all signals.

#ifndef ACTORKV_KV_BASE_END_SIGNALS_H_
#define ACTORKV_KV_BASE_END_SIGNALS_H_

#include <cstdint>

namespace actorkv {

class EndSignals {
 public:
  // Hears from now on.
  EndSignals();
  // The last one puts back what was there before the first.
  ~EndSignals();
  EndSignals(const EndSignals&) = delete;
  EndSignals& operator=(const EndSignals&) = delete;

  // The name of one that came since the making, "SIGTERM"; null: none did.
  const char* Heard() const;

 private:
  static constexpr int kSignalCount = 3;

  uint32_t counts_[kSignalCount] = {};  // at the making
};

}  // namespace actorkv

#endif  // ACTORKV_KV_BASE_END_SIGNALS_H_
