// ShareClient: the session of this process with the owner of a store.
//
// It has a pool of channels, one for each thread that asks something at the
// same time, up to what the owner allows. Where the owner ends, whoever asks
// next finds the next one, or makes this process the owner (Parts::elect), and
// says HELLO there with what the session still holds. Then what was asked is
// asked again where that changes nothing (reads), or is safe (commits:
// StoreSide::Commit()).
//
// Invariants:
//  1. Nothing that an owner answered is used after its end but what never
//     changes. The words of its board are raised before the next owner is told
//     which pins are awake, so that no pin wakes unseen in between.
//  2. A request is sent to an owner once, and its answer counts only where it
//     comes from that owner.
//
// Thread-safe.

#ifndef ACTORKV_KV_SHARE_SHARE_CLIENT_H_
#define ACTORKV_KV_SHARE_SHARE_CLIENT_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kv/base/host_id.h"
#include "kv/base/status.h"
#include "kv/engine/engine.h"
#include "kv/files/opened_directory.h"
#include "kv/share/call_messages.h"
#include "kv/store/store_side.h"

namespace actorkv {

class Store;

// OwnerInfo: who owns the store, for people.
struct OwnerInfo {
  uint32_t pid = 0;
  std::string module;  // its version
  std::string sqlite_version;
  std::string engine_version;  // of the engine that has the store open
  uint32_t session = 0;
};

class ShareClient {
 public:
  struct Parts {
    std::shared_ptr<OpenedDirectory> directory;
    std::string path;       // of the store, for messages
    std::string marker_id;  // of the store (kv/files/store_marker.h)
    uint64_t marker_inode = 0;
    HostId host;  // of the session, over all its owners
    // Makes this process the owner, and serves, where nobody else is. Errors:
    // kBusy where another process is; others where this one cannot be, and then
    // somebody else is waited for. Called by any thread, one at a time.
    std::function<Status()> elect;
    // Those of the owner's engine: it is of the same kind, wherever it is.
    EngineLimits limits = {};
    // Whether another host is at work in the store (Engine::IsAlive()); null:
    // nothing is known of it.
    std::function<Status(const HostId& host, bool* alive)> is_alive;
    // Who this is, for people.
    std::string program;
    std::string module;  // its version
    std::string sqlite_version;
    std::string engine_version;  // "RocksDB 7.8.3"
  };

  // Connects to the owner, once: elects nobody. Errors: kNotFound where nobody
  // serves the store; kBusy where nobody listens, or the owner is full;
  // kNotSupported for a module of another protocol; kFenced where the directory
  // is another store's; kIOError, as for a process that may not write there, or
  // where there is no thread to watch the owner with.
  static Status Connect(Parts parts, std::shared_ptr<ShareClient>* client);
  // Waits for an election that is under way in a thread of its own: not to be
  // called with a lock that Parts::elect takes.
  virtual ~ShareClient() = default;
  ShareClient(const ShareClient&) = delete;
  ShareClient& operator=(const ShareClient&) = delete;

  // How long an owner that does not answer is waited for.
  virtual void SetOwnerWait(std::chrono::milliseconds wait) = 0;

  // The engine and the side of a store by this session: Store::OpenShared().
  virtual std::unique_ptr<Engine> NewEngine() = 0;
  virtual std::unique_ptr<StoreSide> NewSide() = 0;
  // What the side needs of the store that was made with it: its pins. Null: the
  // store goes, before its pins do, and no other owner is looked for any more.
  virtual void SetStore(Store* store) = 0;

  // Runs a function in the owner's process. Calls `visit` with each row, and
  // asks `keep_on` now and then. Errors: those of the function, of both; kBusy,
  // kIOError where the owner ended meanwhile, and whether it was done is not
  // known.
  using RowVisitor =
      std::function<Status(const std::vector<CallValue>& columns)>;
  virtual Status RunInOwner(const CallSpec& call, const RowVisitor& visit,
                            const std::function<Status()>& keep_on) = 0;

  virtual OwnerInfo owner() = 0;
  // How often another process became the owner.
  virtual uint64_t failover_count() const = 0;

 protected:
  ShareClient() = default;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_SHARE_CLIENT_H_
