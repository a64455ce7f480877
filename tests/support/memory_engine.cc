#include "tests/support/memory_engine.h"

#include <limits>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <utility>

#include "kv/engine/engine_limits.h"

namespace actorkv {
namespace {

// std::less<>: lookups by string_view. Compares as unsigned bytes.
using Pairs = std::map<std::string, std::string, std::less<>>;

// Everything that is stored, behind one lock: a commit is atomic and visible
// at once because it holds the lock exclusively.
class MemoryStore {
 public:
  std::shared_lock<std::shared_mutex> ReadLock() const {
    return std::shared_lock<std::shared_mutex>(mutex_);
  }
  std::unique_lock<std::shared_mutex> WriteLock() {
    return std::unique_lock<std::shared_mutex>(mutex_);
  }

  // REQUIRES: a lock is held while the pairs are used.
  const Pairs& At(Partition partition) const {
    static const auto* const empty = new Pairs;  // leaked on purpose
    const auto it = partitions_.find({partition.kind, partition.id});
    return it == partitions_.end() ? *empty : it->second;
  }

  // REQUIRES: the write lock.
  Pairs* Mutable(Partition partition) {
    return &partitions_[{partition.kind, partition.id}];
  }
  void Erase(Partition partition) {
    partitions_.erase({partition.kind, partition.id});
  }

 private:
  mutable std::shared_mutex mutex_;
  std::map<std::pair<PartitionKind, uint64_t>, Pairs> partitions_;
};

// Reads the live store: a session here sees later commits too, which the
// contract of EngineReader allows.
class MemoryReader : public EngineReader {
 public:
  explicit MemoryReader(const MemoryStore* store) : store_(store) {}

  Status Get(Partition partition, const std::vector<std::string_view>& keys,
             std::vector<std::optional<std::string>>* values) override {
    const auto lock = store_->ReadLock();
    const Pairs& pairs = store_->At(partition);
    values->clear();
    for (std::string_view key : keys) {
      const auto it = pairs.find(key);
      values->push_back(it == pairs.end() ? std::nullopt
                                          : std::make_optional(it->second));
    }
    return Status::Ok();
  }

  Status Seek(Partition partition, const std::vector<std::string_view>& keys,
              std::vector<std::optional<KeyValue>>* found) override {
    const auto lock = store_->ReadLock();
    const Pairs& pairs = store_->At(partition);
    found->clear();
    for (std::string_view key : keys) {
      const auto it = pairs.lower_bound(key);
      if (it == pairs.end()) {
        found->push_back(std::nullopt);
      } else {
        found->push_back(KeyValue{it->first, it->second});
      }
    }
    return Status::Ok();
  }

  Status Scan(Partition partition, std::string_view start, size_t limit,
              std::vector<KeyValue>* pairs) override {
    const auto lock = store_->ReadLock();
    const Pairs& all = store_->At(partition);
    pairs->clear();
    for (auto it = all.lower_bound(start);
         it != all.end() && pairs->size() < limit; ++it) {
      pairs->push_back(KeyValue{it->first, it->second});
    }
    return Status::Ok();
  }

  Status SeekOne(Partition partition, std::string_view key, bool* found,
                 std::string_view* found_key,
                 std::string_view* value) override {
    const auto lock = store_->ReadLock();
    const Pairs& pairs = store_->At(partition);
    const auto it = pairs.lower_bound(key);
    *found = it != pairs.end();
    if (!*found) return Status::Ok();
    // Copied, because a commit may replace the pair while the caller looks.
    found_ = KeyValue{it->first, it->second};
    *found_key = found_.key;
    *value = found_.value;
    return Status::Ok();
  }

  void Refresh() override {}

 private:
  const MemoryStore* const store_;
  KeyValue found_;  // what the views of the last SeekOne point to
};

class MemoryEngine : public Engine {
 public:
  explicit MemoryEngine(EngineLimits limits) : limits_(limits) {}

  const EngineLimits& limits() const override { return limits_; }

  std::unique_ptr<EngineReader> NewReader() override {
    return std::make_unique<MemoryReader>(&store_);
  }

  CommitResult Commit(const Batch& batch, Durability) override {
    if (Status s = CheckBatchLimits(batch, limits_); !s.ok()) {
      return {CommitOutcome::kFailed, s};
    }
    const auto lock = store_.WriteLock();
    for (const Batch::Guard& guard : batch.guards()) {
      if (!Holds(guard)) {
        return {CommitOutcome::kConflict,
                Status::Conflict("a guarded key has another value")};
      }
    }
    for (size_t i = 0; i < batch.op_count(); ++i) Apply(batch.op(i));
    return {};
  }

  HostId owner() const override { return owner_; }
  Status IsAlive(const HostId& host, bool* alive) override {
    *alive = host == owner_;
    return Status::Ok();
  }

  Status Drop(Partition partition) override {
    const auto lock = store_.WriteLock();
    store_.Erase(partition);
    return Status::Ok();
  }

  Status Compact(Partition, std::string_view, std::string_view) override {
    return Status::Ok();
  }

  Status Sync() override { return Status::Ok(); }

  Status CatchUp(std::atomic<uint64_t>*) override { return Status::Ok(); }

  Status Checkpoint(const std::string&, uint64_t*) override {
    return Status::NotSupported("a memory engine has no files");
  }

  Status ListDamage(std::vector<EngineDamage>* damage) override {
    damage->clear();
    return Status::Ok();
  }

  std::string Describe() const override { return "memory"; }

 private:
  const HostId owner_{0, RandomId()};
  bool Holds(const Batch::Guard& guard) const {
    const Pairs& pairs = store_.At(guard.partition);
    const auto it = pairs.find(guard.key);
    if (it == pairs.end()) return !guard.expected.has_value();
    return guard.expected == it->second;
  }

  void Apply(const Batch::Op& op) {
    Pairs* pairs = store_.Mutable(op.partition);
    if (op.value.has_value()) {
      pairs->insert_or_assign(std::string(op.key), std::string(*op.value));
    } else if (auto it = pairs->find(op.key); it != pairs->end()) {
      pairs->erase(it);
    }
  }

  const EngineLimits limits_;
  MemoryStore store_;
};

}  // namespace

EngineLimits UnboundedLimits() {
  constexpr size_t kNoLimit = std::numeric_limits<size_t>::max();
  return EngineLimits{kNoLimit, kNoLimit, kNoLimit, true};
}

std::unique_ptr<Engine> NewMemoryEngine(EngineLimits limits) {
  return std::make_unique<MemoryEngine>(limits);
}

}  // namespace actorkv
