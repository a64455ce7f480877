// The messages of an engine that is in another process: reads, commits, and
// what else Engine and EngineReader do (kv/engine/engine.h).
// kv/share/PROTOCOL.md has each byte.

#ifndef ACTORKV_KV_SHARE_ENGINE_MESSAGES_H_
#define ACTORKV_KV_SHARE_ENGINE_MESSAGES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "kv/base/types.h"
#include "kv/engine/engine.h"
#include "kv/share/actor_messages.h"
#include "kv/share/frame.h"
#include "kv/share/session_messages.h"
#include "kv/share/wire.h"
#include "kv/share/wire_status.h"

namespace actorkv {

// Of one GET or SEEK.
constexpr size_t kMaxKeysAsked = 1024;
// Of one COMMIT.
constexpr size_t kMaxHeadsMoved = 128;

// KeysRequest: asks about keys of a partition. `pin`: what the reader reads is
// kept by it, and a pin that was taken away is kConflict; kNoPin: by none.
template <Op op>
struct KeysRequest {
  static constexpr Op kOp = op;
  static constexpr uint8_t kFlags = 0;

  Partition partition = {PartitionKind::kCatalog, 0};
  uint32_t pin = kNoPin;
  std::vector<std::string_view> keys;

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    wire->All(&m->partition, &m->pin, &m->keys);
  }
};

// GET: the values of keys.
using GetRequest = KeysRequest<Op::kGet>;

struct GetAnswer {
  static constexpr Op kOp = Op::kGet;
  static constexpr uint8_t kFlags = kAnswerFlag;

  // One for each key, but of the first ones only where all would not fit into a
  // frame; one at least.
  std::vector<std::optional<std::string_view>> values;

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    wire->All(&m->values);
  }
};

// SEEK: for each key the first pair at or after it.
using SeekRequest = KeysRequest<Op::kSeek>;

struct SeekAnswer {
  static constexpr Op kOp = Op::kSeek;
  static constexpr uint8_t kFlags = kAnswerFlag;

  std::vector<std::optional<StoredPair>> found;  // as the values of GET

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    wire->All(&m->found);
  }
};

// SCAN: pairs at or after `start`, in order, up to both limits, but one in any
// case.
struct ScanRequest {
  static constexpr Op kOp = Op::kScan;
  static constexpr uint8_t kFlags = 0;

  Partition partition = {PartitionKind::kCatalog, 0};
  uint32_t pin = kNoPin;
  std::string_view start;
  uint32_t max_pairs = 0;
  uint32_t max_bytes = 0;  // of keys and values

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    wire->All(&m->partition, &m->pin, &m->start, &m->max_pairs, &m->max_bytes);
  }
};

struct ScanAnswer {
  static constexpr Op kOp = Op::kScan;
  static constexpr uint8_t kFlags = kAnswerFlag;

  bool is_end = false;  // nothing follows in the partition
  std::vector<StoredPair> pairs;

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    wire->All(&m->is_end, &m->pairs);
  }
};

// CommitOp and CommitGuard: those of a Batch.
struct CommitOp {
  Partition partition = {PartitionKind::kCatalog, 0};
  std::string_view key;
  std::optional<std::string_view> value;  // none: delete

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    wire->All(&m->partition, &m->key, &m->value);
  }
};

struct CommitGuard {
  Partition partition = {PartitionKind::kCatalog, 0};
  std::string_view key;
  std::optional<std::string_view> expected;  // none: it must not exist

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    wire->All(&m->partition, &m->key, &m->expected);
  }
};

// CommitHead: a head that the commit moves. What it is then is in the batch.
struct CommitHead {
  uint32_t slot = 0;
  // The pages that it changes and no others; none: not known.
  std::optional<std::vector<uint32_t>> changed_pages;
  uint32_t pin = kNoPin;  // holds the new head when it is done

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    wire->All(&m->slot, &m->changed_pages, &m->pin);
  }
};

// COMMIT: Store::Commit() in the owner, and the publication of the heads.
struct CommitRequest {
  static constexpr Op kOp = Op::kCommit;
  static constexpr uint8_t kFlags = 0;

  Durability durability = Durability::kBuffered;
  uint64_t newest_time_us = 0;  // the largest time of the store in the batch
  std::vector<CommitGuard> guards;
  std::vector<CommitOp> ops;
  std::vector<CommitHead> heads;

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    wire->All(&m->durability, &m->newest_time_us, &m->guards, &m->ops,
              &m->heads);
  }
};

struct CommitAnswer {
  static constexpr Op kOp = Op::kCommit;
  static constexpr uint8_t kFlags = kAnswerFlag;

  CommitOutcome outcome = CommitOutcome::kDone;
  WireStatus status;
  std::vector<uint64_t> head_seqs;  // of the heads, in order, when done

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    wire->All(&m->outcome, &m->status, &m->head_seqs);
  }
};

// Adds the guards and operations of `batch`, which the message refers to.
void AddBatch(const Batch& batch, CommitRequest* request);
// Returns the batch of a message, with copies of all that is in it.
Batch BatchOf(const CommitRequest& request);

// DROP, COMPACT and SYNC: as Engine.
struct DropRequest {
  static constexpr Op kOp = Op::kDrop;
  static constexpr uint8_t kFlags = 0;

  Partition partition = {PartitionKind::kCatalog, 0};

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    wire->All(&m->partition);
  }
};

struct CompactRequest {
  static constexpr Op kOp = Op::kCompact;
  static constexpr uint8_t kFlags = 0;

  Partition partition = {PartitionKind::kCatalog, 0};
  std::string_view begin;
  std::string_view end;  // empty: the end of the partition

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    wire->All(&m->partition, &m->begin, &m->end);
  }
};

using SyncRequest = EmptyRequest<Op::kSync>;

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_ENGINE_MESSAGES_H_
