#include "kv/rocksdb/rocksdb_reader.h"

#include "kv/base/thrown.h"
#include "kv/rocksdb/rocksdb_keys.h"
#include "kv/rocksdb/rocksdb_status.h"

namespace actorkv {
namespace {

// The number of versions of a page that are stepped over at most. A step costs
// about an eighth of a search.
constexpr int kMaxVersionSteps = 4;

// Returns true when the iterator stands on a key that begins as `target` does,
// for `prefix_bytes`.
bool IsInside(const rocksdb::Iterator& iterator, std::string_view target,
              size_t prefix_bytes) {
  return iterator.key().starts_with(
      rocksdb::Slice(target.data(), prefix_bytes));
}

// Returns true when the first key at or after `target` is at most so many
// behind that on which the iterator stands, with the same prefix: so whoever
// reads key after key pays for a step, not for a search. Moves the iterator
// anyway.
bool StepsTo(rocksdb::Iterator* iterator, std::string_view target,
             size_t prefix_bytes, int max_steps) {
  if (!iterator->Valid() || !IsInside(*iterator, target, prefix_bytes) ||
      iterator->key().compare(target) >= 0) {
    return false;
  }
  for (int i = 0; i < max_steps; ++i) {
    iterator->Next();
    if (!iterator->Valid()) return false;
    if (iterator->key().compare(target) >= 0) return true;
  }
  return false;
}

std::string_view LogicalKey(const rocksdb::Iterator& iterator,
                            Partition partition) {
  std::string_view key = iterator.key().ToStringView();
  key.remove_prefix(PartitionPrefixBytes(partition));
  return key;
}

}  // namespace

RocksDbReader::RocksDbReader(RocksDbHandle* handle) : handle_(handle) {
  handle_->Register(this, &set_);
}

RocksDbReader::~RocksDbReader() { handle_->Unregister(this, &set_); }

// Touches no slot: there is no hold, and a reopen may be dropping them.
void RocksDbReader::Refresh() { ++session_; }

Status RocksDbReader::Prepare(Kind kind, rocksdb::Iterator** iterator) {
  IteratorSlot& slot = set_.slots[static_cast<size_t>(kind)];
  // The count is read before the iterator is made or refreshed: a write in
  // between makes the next session refresh once more, and is not missed.
  const uint64_t write_count = handle_->write_count();
  // Within a session the iterator stays as it is, and where nothing was written
  // a new session need not refresh it.
  if (slot.iterator != nullptr && slot.session != session_ &&
      slot.write_count != write_count) {
    // RocksDB may have to build the iterator anew inside, from all files.
    const bool fresh =
        handle_->Enter([&] { return slot.iterator->Refresh().ok(); });
    if (!fresh) slot.iterator.reset();
    slot.write_count = write_count;
  }
  slot.session = session_;
  if (slot.iterator == nullptr) {
    rocksdb::ReadOptions options;
    options.verify_checksums = true;
    // Without total order, a seek may skip what has another prefix than its
    // target; Position() takes only what has the same. prefix_same_as_start
    // would say that to RocksDB, but asserts that all keys it meets have a
    // whole prefix.
    options.total_order_seek = kind != Kind::kPage;
    const Family family =
        kind == Kind::kDefault ? Family::kDefault : Family::kChunks;
    slot.iterator.reset(handle_->Enter([&] {
      return handle_->db()->NewIterator(options, handle_->family(family));
    }));
    slot.write_count = write_count;
  }
  *iterator = slot.iterator.get();
  return Status::Ok();
}

Status RocksDbReader::Ended(Kind kind) {
  IteratorSlot& slot = set_.slots[static_cast<size_t>(kind)];
  const rocksdb::Status status = slot.iterator->status();
  if (status.ok()) return Status::Ok();
  slot.iterator.reset();  // an iterator keeps its error; a new one may do
  return FromRocksDb(status, "seek", handle_->directory());
}

template <typename Call>
Status RocksDbReader::Move(const Call& call) {
  if (!SpareMemory::Fill()) return Status::NoMemory();
  const SpareMemory::Use use;
  return OrUndo(call, [this] { DropIterators(); });
}

Status RocksDbReader::Position(Partition partition, std::string_view key,
                               rocksdb::Iterator** at) {
  return Move([&] { return PositionOnce(partition, key, at); });
}

Status RocksDbReader::PositionOnce(Partition partition, std::string_view key,
                                   rocksdb::Iterator** at) {
  SetPhysicalKey(partition, key, &target_);
  rocksdb::Iterator* iterator = nullptr;
  const bool is_branch = FamilyOf(partition) == Family::kChunks;
  if (is_branch && target_.size() >= kPagePrefixBytes) {
    if (Status s = Prepare(Kind::kPage, &iterator); !s.ok()) return s;
    // A step leads there where a delta was found, and its base is wanted.
    if (!StepsTo(iterator, target_, kPagePrefixBytes, kMaxVersionSteps)) {
      iterator->Seek(target_);
    }
    if (!iterator->Valid()) {
      if (Status s = Ended(Kind::kPage); !s.ok()) return s;
    } else if (IsInside(*iterator, target_, kPagePrefixBytes)) {
      *at = iterator;
      return Status::Ok();
    }
  }
  const Kind kind = is_branch ? Kind::kChunks : Kind::kDefault;
  if (Status s = Prepare(kind, &iterator); !s.ok()) return s;
  if (!StepsTo(iterator, target_, PartitionPrefixBytes(partition),
               /*max_steps=*/1)) {
    iterator->Seek(target_);
  }
  *at = nullptr;
  if (!iterator->Valid()) return Ended(kind);
  if (IsInside(*iterator, target_, PartitionPrefixBytes(partition))) {
    *at = iterator;
  }
  return Status::Ok();
}

Status RocksDbReader::Get(Partition partition,
                          const std::vector<std::string_view>& keys,
                          std::vector<std::optional<std::string>>* values) {
  Gate::Hold hold;
  if (Status s = handle_->Use(RocksDbHandle::Need::kRead, &hold); !s.ok()) {
    return s;
  }
  rocksdb::ColumnFamilyHandle* const family =
      handle_->family(FamilyOf(partition));
  std::vector<std::optional<std::string>> read;
  read.reserve(keys.size());
  rocksdb::PinnableSlice value;
  for (std::string_view key : keys) {
    SetPhysicalKey(partition, key, &target_);
    // A PinnableSlice keeps the block of its last value in the cache until
    // then.
    value.Reset();
    const rocksdb::Status got = handle_->Enter([&] {
      return handle_->db()->Get(rocksdb::ReadOptions(), family, target_,
                                &value);
    });
    if (got.IsNotFound()) {
      read.emplace_back(std::nullopt);
    } else if (!got.ok()) {
      return FromRocksDb(got, "get", handle_->directory());
    } else {
      read.emplace_back(value.ToString());
    }
  }
  *values = std::move(read);
  return Status::Ok();
}

Status RocksDbReader::Seek(Partition partition,
                           const std::vector<std::string_view>& keys,
                           std::vector<std::optional<KeyValue>>* found) {
  Gate::Hold hold;
  if (Status s = handle_->Use(RocksDbHandle::Need::kRead, &hold); !s.ok()) {
    return s;
  }
  std::vector<std::optional<KeyValue>> read;
  read.reserve(keys.size());
  for (std::string_view key : keys) {
    rocksdb::Iterator* at = nullptr;
    if (Status s = Position(partition, key, &at); !s.ok()) return s;
    if (at == nullptr) {
      read.emplace_back(std::nullopt);
    } else {
      read.emplace_back(KeyValue{std::string(LogicalKey(*at, partition)),
                                 at->value().ToString()});
    }
  }
  *found = std::move(read);
  return Status::Ok();
}

Status RocksDbReader::Scan(Partition partition, std::string_view start,
                           size_t limit, std::vector<KeyValue>* pairs) {
  Gate::Hold hold;
  if (Status s = handle_->Use(RocksDbHandle::Need::kRead, &hold); !s.ok()) {
    return s;
  }
  const Kind kind =
      FamilyOf(partition) == Family::kChunks ? Kind::kChunks : Kind::kDefault;
  rocksdb::Iterator* iterator = nullptr;
  if (Status s = Prepare(kind, &iterator); !s.ok()) return s;
  SetPhysicalKey(partition, start, &target_);
  const size_t prefix_bytes = PartitionPrefixBytes(partition);
  return Move([&]() -> Status {
    std::vector<KeyValue> read;
    for (iterator->Seek(target_); read.size() < limit && iterator->Valid() &&
                                  IsInside(*iterator, target_, prefix_bytes);
         iterator->Next()) {
      read.push_back(KeyValue{std::string(LogicalKey(*iterator, partition)),
                              iterator->value().ToString()});
    }
    if (!iterator->Valid()) {
      if (Status s = Ended(kind); !s.ok()) return s;
    }
    *pairs = std::move(read);
    return Status::Ok();
  });
}

// Visits with an iterator of its own, which does not fill RocksDB's cache.
Status RocksDbReader::Visit(Partition partition, std::string_view start,
                            const Visitor& visit) {
  Gate::Hold hold;
  if (Status s = handle_->Use(RocksDbHandle::Need::kRead, &hold); !s.ok()) {
    return s;
  }
  rocksdb::ReadOptions options;
  options.verify_checksums = true;
  options.fill_cache = false;
  options.total_order_seek = true;
  const OwnedIterator iterator(handle_->Enter([&] {
    return handle_->db()->NewIterator(options,
                                      handle_->family(FamilyOf(partition)));
  }));
  SetPhysicalKey(partition, start, &target_);
  const size_t prefix_bytes = PartitionPrefixBytes(partition);
  for (iterator->Seek(target_);
       iterator->Valid() && IsInside(*iterator, target_, prefix_bytes);
       iterator->Next()) {
    if (!visit(LogicalKey(*iterator, partition),
               iterator->value().ToStringView())) {
      return Status::Ok();
    }
  }
  if (iterator->status().ok()) return Status::Ok();
  return FromRocksDb(iterator->status(), "scan", handle_->directory());
}

Status RocksDbReader::SeekOne(Partition partition, std::string_view key,
                              bool* found, std::string_view* found_key,
                              std::string_view* value) {
  Gate::Hold hold;
  if (Status s = handle_->Use(RocksDbHandle::Need::kRead, &hold); !s.ok()) {
    return s;
  }
  rocksdb::Iterator* at = nullptr;
  if (Status s = Position(partition, key, &at); !s.ok()) return s;
  *found = at != nullptr;
  if (at == nullptr) return Status::Ok();
  found_key_ = LogicalKey(*at, partition);
  const rocksdb::Slice bytes = at->value();
  found_value_.assign(bytes.data(), bytes.size());
  *found_key = found_key_;
  *value = found_value_;
  return Status::Ok();
}

}  // namespace actorkv
