// RocksDbWriter: writes batches to an open database, with no regard to their
// guards, and keeps room on the disk for what must always be possible.
//
// Thread-safe.

#ifndef ACTORKV_KV_ROCKSDB_ROCKSDB_WRITER_H_
#define ACTORKV_KV_ROCKSDB_ROCKSDB_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kv/engine/guarded_commits.h"
#include "kv/rocksdb/rocksdb_handle.h"
#include "kv/rocksdb/space_reserve.h"

namespace rocksdb {
class WriteBatch;
}  // namespace rocksdb

namespace actorkv {

class RocksDbWriter : public BatchStore {
 public:
  // `handle` must outlive the object.
  explicit RocksDbWriter(RocksDbHandle* handle)
      : handle_(handle), space_(handle_->directory(), handle_->work_path()) {}

  // Errors: kNotSupported for a follower; kFenced where the path leads to
  // another directory, or nowhere.
  Status CheckWritable();

  // The same, and holds the database open for writing.
  Status UseForWriting(Gate::Hold* hold);

  Status Enter(Gate::Hold* hold, uint64_t* epoch) override;
  Status Holds(const Batch::Guard& guard, bool* holds) override;
  Status ClaimSpace(const Batch& batch, Durability durability) override;
  CommitResult Write(const std::vector<const Batch*>& batches,
                     Durability durability) noexcept override;

  // Writes what claims no space. REQUIRES: a Hold.
  CommitResult WriteAsIs(rocksdb::WriteBatch* batch, Durability durability);

 private:
  // These REQUIRE a Hold.
  Status Claim(size_t size_bytes, Claimant claimant);
  // After a look at the space.
  void KeepBallast(uint64_t memtable_bytes);
  // Begins to flush where a commit of so many bytes would be refused.
  void LookAtSpace(size_t wanted_bytes);
  rocksdb::WriteBatch Translate(const std::vector<const Batch*>& batches);

  RocksDbHandle* const handle_;
  SpaceReserve space_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_ROCKSDB_ROCKSDB_WRITER_H_
