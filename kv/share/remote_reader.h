// RemoteReader: an EngineReader that asks the owner of the store.
//
// Each call is one request, or several where the answer is large; what is read
// is as the owner's engine is then. Where the owner ends, the next one is
// asked. What comes is checked to be what was asked for: pairs in order, and no
// more of them.

#ifndef ACTORKV_KV_SHARE_REMOTE_READER_H_
#define ACTORKV_KV_SHARE_REMOTE_READER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kv/engine/engine.h"
#include "kv/share/client_session.h"
#include "kv/share/engine_messages.h"

namespace actorkv {

// The bytes of keys and values of a scan that come with one answer: few at
// first, as most scans are short.
constexpr uint32_t kFirstPieceBytes = uint32_t{16} << 10;
constexpr uint32_t kPieceBytes = uint32_t{256} << 10;

class RemoteReader final : public EngineReader {
 public:
  // `session` lives longer.
  explicit RemoteReader(ClientSession* session) : session_(session) {}

  Status Get(Partition partition, const std::vector<std::string_view>& keys,
             std::vector<std::optional<std::string>>* values) override;
  Status Seek(Partition partition, const std::vector<std::string_view>& keys,
              std::vector<std::optional<KeyValue>>* found) override;
  Status Scan(Partition partition, std::string_view start, size_t limit,
              std::vector<KeyValue>* pairs) override;
  Status Visit(Partition partition, std::string_view start,
               const Visitor& visit) override;
  Status SeekOne(Partition partition, std::string_view key, bool* found,
                 std::string_view* found_key, std::string_view* value) override;
  // Nothing is remembered from one call to the next.
  void Refresh() override {}

 private:
  // Asks for all keys, in as many requests as that needs, and calls `add` with
  // each item of the answers, in order.
  template <typename Request, typename Answer, typename Item>
  Status AskForAll(Partition partition,
                   const std::vector<std::string_view>& keys,
                   std::vector<Item> Answer::*items,
                   const std::function<void(const Item&)>& add);
  // One piece of a scan: calls `visit` until it returns false. *next: where the
  // next piece begins. *is_over: there is none, or none is wanted.
  Status VisitPiece(ScanRequest* request, const Visitor& visit,
                    std::string* next, bool* is_over);
  Status VisitUpTo(Partition partition, std::string_view start, size_t limit,
                   const Visitor& visit);

  ClientSession* const session_;
  // Of the last SeekOne().
  SeekRequest seek_;
  std::string found_key_;
  std::string found_value_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_REMOTE_READER_H_
