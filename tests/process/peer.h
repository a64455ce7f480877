// Peer: another process with connections of SQLite, which does what it is told
// and says what came of it: the test stays one text, whoever does what in it.
//
// A peer runs the disabled test Peer.DISABLED_Serve of this binary
// (tests/support/child_process.h). Each order is a length and bytes; each
// answer a code of SQLite's, a length and bytes. A peer that is told to stand
// still (SIGSTOP) goes on before it is ended. Nothing waits longer than
// kPeerSeconds.

#ifndef ACTORKV_TESTS_PROCESS_PEER_H_
#define ACTORKV_TESTS_PROCESS_PEER_H_

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <string>

#include "tests/process/failpoint.h"
#include "tests/support/child_process.h"

namespace actorkv {

inline constexpr int kPeerSeconds = 60;

// What a peer answered: the rows joined as SqliteDb::QueryText() does, or what
// SQLite and the module say of the error.
struct Answer {
  int code = 0;  // an extended result code; SQLITE_OK for rows
  std::string text;
};

class Peer {
 public:
  Peer();
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  pid_t pid() const { return process_->pid(); }

  // Opens a connection under that name, with that busy_timeout.
  Answer Open(const std::string& name, const std::string& uri,
              int busy_timeout_ms = 10000);
  // All rows of one statement, or what else it came to.
  Answer Run(const std::string& name, const std::string& sql);
  // All statements, whose rows nobody wants.
  Answer Script(const std::string& name, const std::string& sql);
  // Run() in two halves, so that others may do something meanwhile.
  void Begin(const std::string& name, const std::string& sql);
  // The same statement again and again for so long: its text is how often, and
  // a blank and the milliseconds that the longest took. Ends at an error.
  void BeginAgainAndAgain(const std::string& name, int ms,
                          const std::string& sql);
  Answer Finish();
  // Closes that connection.
  Answer Close(const std::string& name);
  // Goes where it can reach nothing else, becomes another user, and the like:
  // the code is an errno, or 0. See DoAsSystem() in peer.cc.
  Answer System(const std::string& what, const std::string& argument);

  // It dies at that moment, from now on.
  void DieAt(const Failpoint& failpoint);
  // It leaves a page out of all that it says of changes: to who asks for a head
  // ("heads"), or with its own commits ("commits").
  void LeaveOutAPage(const std::string& of_what);

  // Its end: by itself, with the status as from WaitForStatus(); kill -9.
  int End();
  // Waits until it has died by itself. False: it does not in that time.
  bool HasDied(
      std::chrono::milliseconds limit = std::chrono::seconds(kPeerSeconds));
  void Kill();

  void Stop();
  void Continue();
  void Signal(int number);

 private:
  void Send(const std::string& order);
  Answer Order(const std::string& order);

  std::unique_ptr<ChildProcess> process_;
};

}  // namespace actorkv

#endif  // ACTORKV_TESTS_PROCESS_PEER_H_
