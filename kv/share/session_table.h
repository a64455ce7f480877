// SessionTable: the sessions of a ShareServer, by their numbers.
//
// Invariants:
//  1. A number is one session's at a time, and is given again as late as can
//     be: a word of a slot that names a session that ended is nobody's for a
//     while.
//
// Thread-safe.

#ifndef ACTORKV_KV_SHARE_SESSION_TABLE_H_
#define ACTORKV_KV_SHARE_SESSION_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "kv/base/status.h"
#include "kv/share/server_session.h"

namespace actorkv {

class SessionTable {
 public:
  SessionTable(SlotTable* slots, PinTable* pins) : slots_(slots), pins_(pins) {}
  SessionTable(const SessionTable&) = delete;
  SessionTable& operator=(const SessionTable&) = delete;

  // Makes a session, whose number and key it picks. Errors: kBusy where there
  // are kMaxSessions.
  Status Add(ServerSession::Parts parts,
             std::shared_ptr<ServerSession>* session);
  // Errors: kNotFound where no session has this number and key.
  Status Find(uint32_t number, uint64_t key,
              std::shared_ptr<ServerSession>* session);
  void Remove(uint32_t number);

  size_t size();
  std::vector<std::shared_ptr<ServerSession>> All();

 private:
  SlotTable* const slots_;
  PinTable* const pins_;
  std::mutex mutex_;
  std::map<uint32_t, std::shared_ptr<ServerSession>> sessions_;
  uint32_t last_number_ = 0;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_SESSION_TABLE_H_
