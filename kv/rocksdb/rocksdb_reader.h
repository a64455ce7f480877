// RocksDbReader: the EngineReader of RocksDB. Keeps iterators between calls,
// and gives them to the next reader when it goes
// (kv/rocksdb/rocksdb_iterators.h).
//
// A read of a page asks for the first key at or after (page, ~txid). On a
// branch partition that is tried first with an iterator that stays inside
// the page's prefix, so that prefix filters skip the files without the page;
// only when the page has nothing there, the next key of the partition is
// looked for without filters, as the contract of Seek demands.
//
// SeekOne() returns copies of what RocksDB has: the database may be reopened by
// another thread while the caller still looks at them.

#ifndef ACTORKV_KV_ROCKSDB_ROCKSDB_READER_H_
#define ACTORKV_KV_ROCKSDB_ROCKSDB_READER_H_

#include <memory>
#include <string>
#include <vector>

#include "kv/engine/engine.h"
#include "kv/rocksdb/rocksdb_handle.h"
#include "kv/rocksdb/rocksdb_iterators.h"

namespace actorkv {

class RocksDbReader : public EngineReader, private IteratorOwner {
 public:
  // `handle` must outlive the reader.
  explicit RocksDbReader(RocksDbHandle* handle);
  ~RocksDbReader() override;

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
  void Refresh() override;

 private:
  using Kind = IteratorKind;

  void DropIterators() override { set_ = IteratorSet(); }
  void LeaveIterators() override { set_.Leave(); }

  // All below REQUIRE a Hold.

  // Calls what moves iterators. One out of which something was thrown is not
  // used again.
  template <typename Call>
  Status Move(const Call& call);

  // The iterator of a kind, fresh.
  Status Prepare(Kind kind, rocksdb::Iterator** iterator);
  // Leaves *at on the first pair at or after `key` in the partition, or sets
  // it to null.
  Status Position(Partition partition, std::string_view key,
                  rocksdb::Iterator** at);
  Status PositionOnce(Partition partition, std::string_view key,
                      rocksdb::Iterator** at);
  // `iterator` has nothing more: by its end, or by an error.
  Status Ended(Kind kind);

  RocksDbHandle* const handle_;
  uint64_t session_ = 1;   // counts Refresh(); only the reader's thread
  IteratorSet set_;        // used under a Hold; reopening drops what is in it
  std::string target_;     // physical key of the current seek
  std::string found_key_;  // what the views of the last SeekOne point to
  std::string found_value_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_ROCKSDB_READER_H_
