#include "kv/legacy/legacy_drop.h"

#include <optional>
#include <string_view>
#include <vector>

#include "kv/base/wall_clock.h"
#include "kv/engine/prefix_scan.h"
#include "kv/format/keys.h"
#include "kv/format/legacy_record.h"
#include "kv/legacy/legacy_lease.h"
#include "kv/legacy/legacy_store.h"
#include "kv/rivet/legacy_keys.h"
#include "kv/store/store.h"

namespace actorkv {

namespace {

constexpr size_t kDropAtOnce = 256;  // pairs

// Where the pairs of SQLite files are in layout 1, and in layout 0.
constexpr std::string_view kSqliteStarts[] = {{"\x08\x01", 2}, {"\x09", 1}};

// One batch of pairs of SQLite files, from *at on; *at becomes empty where
// there are no more. Pairs are not verified: a damaged one goes as well.
Status DropSome(Store* store, LegacyId legacy, std::string_view prefix,
                std::string* at, uint64_t* bytes) {
  const Partition partition = LegacyPartition(legacy);
  // Half of the limit leaves room for the last pair, whose size is known only
  // when it is read.
  const size_t max_bytes = store->engine()->limits().max_batch_bytes / 2;
  // A reader for each batch: one that is held would keep what is dropped on the
  // disk.
  const std::unique_ptr<EngineReader> reader = store->engine()->NewReader();
  Batch batch;
  uint64_t dropped = 0;
  std::string next = *at;
  for (size_t i = 0; i < kDropAtOnce && batch.size_bytes() < max_bytes; ++i) {
    bool found = false;
    std::string_view stored_key;
    std::string_view key;
    std::string_view value;
    if (Status s = reader->SeekOne(partition, PairKey(next), &found,
                                   &stored_key, &value);
        !s.ok()) {
      return s;
    }
    if (!found || !ParsePairKey(stored_key, &key).ok() ||
        key.substr(0, prefix.size()) != prefix) {
      next.clear();
      break;
    }
    next = KeyAfter(key);
    // Traces of layout 0 begin with the same byte, and stay.
    if (!IsSqliteKey(key)) continue;
    batch.Delete(partition, stored_key);
    dropped +=
        key.size() + value.size() - std::min(value.size(), kPairFrameBytes);
  }
  if (!batch.empty()) {
    // Batches need no sync of their own. A crash leaves some of the pairs,
    // which a second call drops.
    const CommitResult result = store->Commit(batch, Durability::kBuffered);
    if (!result.done()) return result.status;
  }
  *at = std::move(next);
  *bytes += dropped;
  return Status::Ok();
}

}  // namespace

Status DropLegacy(const std::shared_ptr<Store>& store, const std::string& name,
                  const std::function<Status()>& keep_on, uint64_t* bytes) {
  std::unique_ptr<LegacyLease> lease;
  if (Status s = LegacyLease::Acquire(store, name, &lease); !s.ok()) return s;
  if (lease->record().opaque()) {
    return Status::InvalidArgument(
        "its pairs are opaque, so none of them is of a database: actor=" +
        name);
  }
  if (lease->record().state != LegacyState::kLive) {
    return Status::InvalidArgument(
        std::string("the actor is ") + LegacyStateName(lease->record().state) +
        ", its only database is in the legacy pairs: migrate it first: actor=" +
        name);
  }
  // The mark goes first: from here on nobody relies on those pairs.
  if (Status s = lease->Update([&](LegacyRecord* record) {
        // A drop that was interrupted keeps the time of its beginning.
        if (record->dropped_at_us == 0) record->dropped_at_us = WallClockUs();
      });
      !s.ok()) {
    return s;
  }
  uint64_t dropped = 0;
  for (const std::string_view prefix : kSqliteStarts) {
    for (std::string at(prefix); !at.empty();) {
      if (Status s = keep_on(); !s.ok()) return s;
      if (Status s = lease->Renew(); !s.ok()) return s;
      if (Status s = DropSome(store.get(), lease->record().legacy, prefix, &at,
                              &dropped);
          !s.ok()) {
        return s;
      }
    }
  }
  if (Status s = lease->Release(); !s.ok()) return s;
  // The caller is told how much was dropped, so it is dropped for good before.
  if (Status s = store->engine()->Sync(); !s.ok()) return s;
  *bytes = dropped;
  return Status::Ok();
}

}  // namespace actorkv
