// ServerChannel: one connection with another process, and the thread that
// serves it.
//
// Invariants:
//  1. The thread takes one request at a time, and answers it before the next.
//  2. It ends with its connection, with the process at the other end, after
//     what is no request, and when the server stops: then it says GOAWAY.

#ifndef ACTORKV_KV_SHARE_SERVER_CHANNEL_H_
#define ACTORKV_KV_SHARE_SERVER_CHANNEL_H_

#include <pthread.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "kv/base/status.h"
#include "kv/share/channel.h"
#include "kv/share/request_memory.h"
#include "kv/share/server_core.h"
#include "kv/share/server_session.h"
#include "kv/share/session_messages.h"

namespace actorkv {

class ServerChannel {
 public:
  // `ended` is called by the thread as the last thing that it does.
  ServerChannel(ServerCore* core, std::unique_ptr<ShareChannel> channel,
                std::function<void()> ended);
  ServerChannel(const ServerChannel&) = delete;
  ServerChannel& operator=(const ServerChannel&) = delete;

  // Begins to serve. False where there is no thread.
  [[nodiscard]] bool Start();
  // Waits for the thread. After Start(), once.
  void Join();
  bool has_ended() const { return has_ended_.load(); }
  // Ends the connection, under the thread.
  void Shutdown() { channel_->Shutdown(); }

 private:
  static void* Run(void* self);
  void Serve();
  Status ServeSession();
  // Waits for the next frame. *came is false where there is none any more.
  Status Next(ReceivedFrame* frame, bool* came);
  // Waits until something is there to receive. False: the channel is to end.
  bool WaitForFrame() const;
  void SayGoAway(const Status& status);

  ServerCore* const core_;
  const std::unique_ptr<ShareChannel> channel_;
  const std::function<void()> ended_;
  MemoryShare memory_;
  std::shared_ptr<ServerSession> session_;
  pthread_t thread_ = {};
  std::atomic<bool> has_ended_{false};
};

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_SERVER_CHANNEL_H_
