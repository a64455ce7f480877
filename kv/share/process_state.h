// ProcessState: what the system says of another process, for people who have to
// find out why it does not answer.

#ifndef ACTORKV_KV_SHARE_PROCESS_STATE_H_
#define ACTORKV_KV_SHARE_PROCESS_STATE_H_

#include <sys/types.h>

#include <chrono>
#include <string>
#include <string_view>

#include "kv/base/status.h"

namespace actorkv {

struct ProcessState {
  std::string name;   // of its program, cut by the system; empty: not known
  char letter = '?';  // as in /proc/PID/stat (proc(5)); ?: not known

  bool is_known() const { return letter != '?'; }
  // It does nothing until somebody lets it go on, or for ever.
  bool is_stopped() const {
    return letter == 'T' || letter == 't' || letter == 'Z' || letter == 'X';
  }
};

// Reads the line of /proc/PID/stat. Nothing is known where it is none.
ProcessState ParseProcessState(std::string_view line);

// Looks at a process. Nothing is known where it is not seen from here, as in
// another pid namespace (`pid` is 0 then), or where /proc is not mounted.
ProcessState LookAtProcess(pid_t pid);

// Returns the error of whoever waited so long for the owner of the store in
// vain: kBusy, with its name, its state, and what to do.
Status OwnerDoesNotAnswer(pid_t pid, std::chrono::milliseconds waited);

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_PROCESS_STATE_H_
