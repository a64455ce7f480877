// ServerCore: what the threads of a ShareServer share.

#ifndef ACTORKV_KV_SHARE_SERVER_CORE_H_
#define ACTORKV_KV_SHARE_SERVER_CORE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

#include "kv/base/errand.h"
#include "kv/share/board.h"
#include "kv/share/board_time.h"
#include "kv/share/grace_period.h"
#include "kv/share/request_memory.h"
#include "kv/share/session_table.h"
#include "kv/share/share_server.h"
#include "kv/share/slot_table.h"
#include "kv/store/store.h"

namespace actorkv {

// The part of the memory of all requests that is for answers.
constexpr size_t kMaxAnswerMemory = kMaxRequestMemory / 4;

// What the next owner has to read of the log before it can serve, about.
constexpr uint64_t kSharedLogBytes = uint64_t{8} << 20;

struct ServerCore {
  ServerCore(ShareServer::Parts of_server, std::shared_ptr<Board> of_owner,
             uint64_t of_incarnation)
      : parts(std::move(of_server)),
        board(std::move(of_owner)),
        incarnation(of_incarnation),
        time(board),
        grace(parts.directory->work_path(), parts.hosts_beside,
              parts.grace_time),
        slots(parts.store, board, incarnation | 1, !grace.IsOver()),
        sessions(&slots, parts.store->pins()) {}

  // Others wait for the next owner from now on, should this one end. It writes
  // out what is in the log, which the first session need not wait for.
  void LimitLog() {
    std::call_once(is_log_limited, [this] {
      if (!log_limit.Send()) static_cast<void>(log_limit.Finish());
    });
  }

  // The host holds what it held at the owner before.
  void NoteJoined(const HostId& host) {
    if (grace.NoteJoined(host)) slots.EndKeeping();
  }

  const ShareServer::Parts parts;
  const std::shared_ptr<Board> board;
  const uint64_t incarnation;
  BoardTime time;
  GracePeriod grace;
  SlotTable slots;
  SessionTable sessions;
  // Two, so that who has a request in memory never waits for another one that
  // does.
  RequestMemory requests{kMaxRequestMemory - kMaxAnswerMemory};
  RequestMemory answers{kMaxAnswerMemory};
  std::once_flag is_log_limited;
  Errand log_limit{
      [this] { parts.store->engine()->LimitLog(kSharedLogBytes); }};
  // Functions that run for others.
  std::atomic<int> running_calls{0};
  // No request is begun any more.
  std::atomic<bool> is_stopping{false};
  // What is under way is given up where that can be.
  std::atomic<bool> is_given_up{false};
  // Readable from when the server stops.
  int stop_fd = -1;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_SERVER_CORE_H_
