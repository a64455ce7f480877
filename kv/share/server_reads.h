// ServerReads: GET, SEEK and SCAN of a channel, by a reader of the owner's
// engine.
//
// Invariants:
//  1. An answer takes about kMaxReadBytes, or one value, whatever is asked for.
//
// Of one thread.

#ifndef ACTORKV_KV_SHARE_SERVER_READS_H_
#define ACTORKV_KV_SHARE_SERVER_READS_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "kv/base/status.h"
#include "kv/engine/engine.h"
#include "kv/share/engine_messages.h"
#include "kv/share/request_memory.h"
#include "kv/share/request_scope.h"

namespace actorkv {

constexpr size_t kMaxReadBytes = size_t{4} << 20;

class ServerReads {
 public:
  ServerReads(ServerCore* core, const ServerSession* session);

  // Each answers. Errors: of the channel.
  Status Get(RequestScope* scope, const GetRequest& request);
  Status Seek(RequestScope* scope, const SeekRequest& request);
  Status Scan(RequestScope* scope, const ScanRequest& request);

 private:
  // What is asked for may be asked for, and there is memory for the answer.
  Status Check(RequestScope* scope, uint32_t pin, size_t key_count);
  Status TakeMemory(size_t bytes);
  // The next read sees what is there by then, and nothing is kept until then.
  void End();

  const std::unique_ptr<EngineReader> reader_;
  MemoryShare memory_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_SERVER_READS_H_
