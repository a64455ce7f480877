// ShareServer: serves the store of this process, its owner, to other processes.
//
// A session is one other process, or one store in it; each of its channels has
// a thread here, which takes one request at a time. What a session holds, pins,
// the words of the actors that it writes to, actors that are open, ends with
// it: by its own end, by the death of its process, or by what it does wrong.
// Whose stages and imports are dead by then is to be looked at by whoever made
// the server (Parts::session_ended).
//
// Invariants:
//  1. What a session sends costs that session at most: what is not as
//     kv/share/PROTOCOL.md says ends it, what it can make the server hold in
//     memory has limits (below), and none of its channels holds up another
//     session but as a writer does.
//  2. A head that a session's commit moved is published, and its word raised,
//     after it can be read and before the session is told.
//  3. After the server is stopped nothing that came later than that is done:
//     each request is either answered or not begun.
//
// Thread-safe.

#ifndef ACTORKV_KV_SHARE_SHARE_SERVER_H_
#define ACTORKV_KV_SHARE_SHARE_SERVER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kv/base/status.h"
#include "kv/files/host_mark.h"
#include "kv/files/opened_directory.h"
#include "kv/share/actor_slot.h"
#include "kv/share/call_messages.h"

namespace actorkv {

class Store;

// SessionInfo: a session, for people.
struct SessionInfo {
  uint32_t session = 0;
  uint32_t pid = 0;  // as the kernel says; 0: of a pid namespace not seen here
  uint32_t uid = 0;
  std::string program;
  std::string module;  // its version
  std::string sqlite_version;
  std::string engine_version;  // of the engine that it would own the store with
  uint64_t since_us = 0;       // of the wall clock, as all here
  uint64_t last_request_us = 0;
  size_t channel_count = 0;
  size_t open_actor_count = 0;
  size_t pin_count = 0;       // that are awake
  std::string writing_actor;  // one that it has the word of; empty: none
  // When the oldest commit was made that it reads, in the store's time; 0: it
  // reads none.
  uint64_t oldest_commit_us = 0;
  // Since when its process is seen to be stopped; 0: it is not.
  uint64_t stopped_since_us = 0;
  uint64_t requests = 0;
  uint64_t bytes_received = 0;
  uint64_t bytes_sent = 0;
};

class ShareServer {
 public:
  // Calls `add` with each row; its error ends the call. `keep_on` says whether
  // anybody still waits for the result.
  using Row = std::vector<CallValue>;
  using CallFunction = std::function<Status(
      const CallSpec& call, const std::function<Status(const Row&)>& add,
      const std::function<Status()>& keep_on)>;

  struct Parts {
    std::shared_ptr<Store> store;  // of which this process is the owner
    std::shared_ptr<OpenedDirectory> directory;
    std::string marker_id;  // of the store (kv/files/store_marker.h)
    uint64_t marker_inode = 0;
    // Hosts that had sessions at an owner before this one, for which words are
    // kept (kv/share/grace_period.h).
    std::vector<MarkNumber> hosts_beside;
    // For so long at most; a test gives itself more.
    std::chrono::milliseconds grace_time = kGraceTime;
    std::string sqlite_version;           // of this process, for people
    CallFunction call;                    // null: no CALL is answered
    std::function<void()> session_ended;  // called by a thread of the server
  };

  // Makes the socket, and serves from now on. Errors: those of
  // ShareListener::Make() and Board::Make(); kIOError where there is no thread.
  static Status Start(Parts parts, std::unique_ptr<ShareServer>* server);
  // Stops, without waiting for sessions to end what they do.
  virtual ~ShareServer() = default;
  ShareServer(const ShareServer&) = delete;
  ShareServer& operator=(const ShareServer&) = delete;

  // Begins no request any more, and waits for those under way until `give_up`;
  // then ends all sessions, telling them that the owner hands over. False where
  // a request took longer: its session ends without an answer. When this
  // returns nothing of the server uses the store. May be called once.
  virtual bool Stop(std::chrono::steady_clock::time_point give_up) = 0;

  // Waits until others had the time to reclaim what they held at the owner
  // before, or no longer than Parts::grace_time after the start.
  virtual void AwaitGrace() = 0;

  virtual size_t session_count() const = 0;
  // Functions that run for others at this moment.
  virtual int running_call_count() const = 0;
  virtual std::vector<SessionInfo> Sessions() = 0;

 protected:
  ShareServer() = default;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_SHARE_SERVER_H_
