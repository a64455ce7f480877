// ServerSession: what a session of another process holds in the owner of a
// store: actors that are open, pins, words of slots, and its channels.
//
// A process that is stopped keeps what it reads from being removed, for
// `session_pin_ms` (kv/store/retention.h): then its pins are taken away, and it
// finds that when it goes on (kv/share/slate.h).
//
// Invariants:
//  1. All that it holds ends with it (End()), which comes when its last channel
//     has gone.
//  2. A number that came in a message is looked up here before it is used.
//
// Thread-safe: its channels have a thread each.

#ifndef ACTORKV_KV_SHARE_SERVER_SESSION_H_
#define ACTORKV_KV_SHARE_SERVER_SESSION_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "kv/base/status.h"
#include "kv/engine/engine.h"
#include "kv/share/channel.h"
#include "kv/share/share_server.h"
#include "kv/share/slate.h"
#include "kv/share/slot_table.h"
#include "kv/share/unshared_fd.h"
#include "kv/store/pins.h"

namespace actorkv {

// SlotOfSession: a slot that a session has open, and the head that it was given
// last for it; null: none.
struct SlotOfSession {
  std::shared_ptr<OpenSlot> open;
  std::shared_ptr<const HeadState> sent;
  // OPENs that are not closed yet: channels are served in no order.
  size_t open_count = 0;
};

class ServerSession {
 public:
  struct Parts {
    uint32_t number = 0;
    uint64_t key = 0;
    PeerProcess peer;
    std::string program;
    std::string module;
    std::string sqlite_version;
    std::string engine_version;
    std::unique_ptr<Slate> slate;
  };

  ServerSession(Parts parts, SlotTable* slots, PinTable* pins);
  ~ServerSession();
  ServerSession(const ServerSession&) = delete;
  ServerSession& operator=(const ServerSession&) = delete;

  uint32_t number() const { return parts_.number; }
  uint64_t key() const { return parts_.key; }
  const PeerProcess& peer() const { return parts_.peer; }
  const Slate& slate() const { return *parts_.slate; }
  // Readable when its process has ended; negative where that is not known.
  int process_fd() const { return process_.get(); }

  // A channel comes, and goes. Errors: kBusy for too many, or where the session
  // ends.
  Status AddChannel(ShareChannel* channel);
  // True for the last: End() is to be called.
  bool RemoveChannel(ShareChannel* channel);
  // Ends all channels, whose threads then go.
  void Shutdown();

  // Opens an actor; the slot that it has where it has it open.
  Status OpenSlotOf(const std::string& name, SlotOfSession* slot);
  void CloseSlot(uint32_t number);
  // It had the writer's word of the actor at the owner before: the actor is
  // open from now on, without an OPEN, and the word its again where it is kept.
  void ReclaimWord(const std::string& name);
  // Errors: kInvalidArgument for a slot that the session does not have.
  Status FindSlot(uint32_t number, SlotOfSession* slot);
  // The session was given this head.
  void NoteSent(uint32_t number, std::shared_ptr<const HeadState> state);

  // Calls `use` with the pin of this number, one at a time; with null for
  // kNoPin. Errors: kInvalidArgument for a number that no pin has; those of
  // `use`.
  Status UsePin(uint32_t number, const std::function<Status(Pin*)>& use);
  // Looks whether its process is stopped. Once it has been for `pin_time` (0:
  // never), what it reads is not kept any longer. Returns how many pins were
  // taken away. By one thread, now and then.
  size_t LookAfter(std::chrono::milliseconds pin_time);

  // Errors: kInvalidArgument for a number that no pin has; kConflict for a pin
  // that holds nothing. kNoPin is ok.
  Status CheckPin(uint32_t number);

  void End();

  void NoteRequest(size_t received_bytes);
  void NoteSentBytes(size_t bytes);
  // `reader`: of the store.
  SessionInfo Info(EngineReader* reader);

 private:
  struct SessionPin {
    std::mutex mutex;
    Pin pin;
  };
  using Pins = std::vector<std::pair<uint32_t, std::shared_ptr<SessionPin>>>;

  // *slot: with so many OPENs more.
  Status AddSlot(const std::string& name, size_t opens, SlotOfSession* slot);
  Pins AwakePins();
  size_t TakePinsAway();
  // When the oldest commit was made that a pin holds; 0: none does, or it is
  // not known.
  uint64_t OldestCommitUs(EngineReader* reader, const Pins& pins);

  const Parts parts_;
  SlotTable* const slots_;
  PinTable* const pin_table_;
  const uint64_t since_us_;
  UnsharedFd process_;
  std::atomic<uint64_t> last_request_us_{0};
  std::atomic<uint64_t> requests_{0};
  std::atomic<uint64_t> received_bytes_{0};
  std::atomic<uint64_t> sent_bytes_{0};
  // Since when its process is seen to be stopped; 0: it is not.
  std::atomic<uint64_t> stopped_since_us_{0};

  std::mutex mutex_;  // of what follows
  bool is_ending_ = false;
  std::vector<ShareChannel*> channels_;
  std::unordered_map<uint32_t, SlotOfSession> open_slots_;
  std::unordered_map<uint32_t, std::shared_ptr<SessionPin>> pins_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_SERVER_SESSION_H_
