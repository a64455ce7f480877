// The messages about actors that are open: their slots, heads and pages, and
// who waits to write. kv/share/PROTOCOL.md has each byte.

#ifndef ACTORKV_KV_SHARE_ACTOR_MESSAGES_H_
#define ACTORKV_KV_SHARE_ACTOR_MESSAGES_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "kv/base/types.h"
#include "kv/format/page_delta.h"
#include "kv/share/frame.h"
#include "kv/share/wire.h"

namespace actorkv {

// In the place of a pin's number: none is taken.
constexpr uint32_t kNoPin = 0xFFFF'FFFF;

// LineagePoint: a branch of an actor's lineage (kv/store/lineage.h).
struct LineagePoint {
  ActorId actor;
  BranchId branch;
  TxId txid;

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    wire->All(&m->actor, &m->branch, &m->txid);
  }
};

// PinFields: what a pin of a session holds (kv/store/pins.h): a snapshot, and
// the branches that its pages are looked for in.
struct PinFields {
  uint32_t pin = kNoPin;  // its number in the session's slate
  BranchId branch;
  TxId txid;
  uint32_t page_count = 0;  // pages
  uint32_t page_size = 0;   // bytes
  std::vector<LineagePoint> lineage;

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    wire->All(&m->pin, &m->branch, &m->txid, &m->page_count, &m->page_size,
              &m->lineage);
  }
};

// HeadFields: the newest state of an actor (HeadState of kv/store/actor.h; the
// way between the two is kv/share/head_fields.h). Entry and head are as stored,
// with their checksums. The lineage is as the owner has it in memory: a branch
// that was flattened has a shorter one than its records say.
struct HeadFields {
  bool exists = false;
  bool is_legacy = false;
  TxId txid_floor;
  Generation generation_floor;
  std::string_view entry_bytes;  // empty: the name is not in the catalog
  std::string_view head_bytes;   // empty: no head
  std::vector<LineagePoint> lineage;
  // The hash of page 1 of the head's snapshot, where the owner knows it.
  std::optional<uint64_t> first_page_hash;

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    wire->All(&m->exists, &m->is_legacy, &m->txid_floor, &m->generation_floor,
              &m->entry_bytes, &m->head_bytes, &m->lineage,
              &m->first_page_hash);
  }
};

// The bytes of a set of blocks.
constexpr size_t kWireBlocksBytes = kDeltaBlocks / 8;

// WirePage: a page as the owner has it in memory (kv/cache/cached_page.h): page
// 1 without its stamp.
struct WirePage {
  uint32_t pgno = 0;
  TxId txid;                 // of the commit that stored it
  uint64_t page_hash = 0;    // PageHash() of the bytes
  TxId base;                 // the two of StoredForm
  std::string_view changed;  // kWireBlocksBytes, as PageBlocks::AppendTo() does
  std::string_view bytes;

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    wire->All(&m->pgno, &m->txid, &m->page_hash, &m->base, &m->changed,
              &m->bytes);
  }
};

// OPEN: an actor gets a slot on the board, for as long as some session has it
// open. A session that has it open gets the slot that it has.
struct OpenRequest {
  static constexpr Op kOp = Op::kOpen;
  static constexpr uint8_t kFlags = 0;

  std::string_view actor;  // its name
  uint32_t pin = kNoPin;   // takes the head, and lets go of what it held

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    wire->All(&m->actor, &m->pin);
  }
};

struct OpenAnswer {
  static constexpr Op kOp = Op::kOpen;
  static constexpr uint8_t kFlags = kAnswerFlag;

  uint32_t slot = 0;
  uint64_t head_seq = 0;  // of the slot, when the head was this one
  HeadFields head;

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    wire->All(&m->slot, &m->head_seq, &m->head);
  }
};

// SlotRequest: says something of the actor in a slot.
template <Op op>
struct SlotRequest {
  static constexpr Op kOp = op;
  static constexpr uint8_t kFlags = 0;

  uint32_t slot = 0;

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    wire->All(&m->slot);
  }
};

// CLOSE: the end of one OPEN; after that of the last the session does not have
// the slot any more. No answer.
using CloseRequest = SlotRequest<Op::kClose>;

// HINTS: what the session learned of an actor, which it may have closed by now,
// as a record (kv/format/hints_record.h). No answer.
struct HintsRequest {
  static constexpr Op kOp = Op::kHints;
  static constexpr uint8_t kFlags = 0;

  std::string_view actor;  // its name
  std::string_view record;

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    wire->All(&m->actor, &m->record);
  }
};

// HEAD: the newest head of an actor, pinned for the session.
struct HeadRequest {
  static constexpr Op kOp = Op::kHead;
  static constexpr uint8_t kFlags = 0;

  uint32_t slot = 0;
  BranchId known_branch;  // the head that the session knows
  TxId known_txid;
  uint32_t pin = kNoPin;  // takes the new head, and lets go of what it held

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    wire->All(&m->slot, &m->known_branch, &m->known_txid, &m->pin);
  }
};

struct HeadAnswer {
  static constexpr Op kOp = Op::kHead;
  static constexpr uint8_t kFlags = kAnswerFlag;

  uint64_t head_seq = 0;           // of the slot, when the head was this one
  std::optional<HeadFields> head;  // none: it is the one that was known
  // What changed from the known head to this one; none: that is not known.
  std::optional<std::vector<uint32_t>> changed_pages;
  std::vector<WirePage> pages;  // some of those, as this head sees them

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    wire->All(&m->head_seq, &m->head, &m->changed_pages, &m->pages);
  }
};

// PIN: a pin takes a snapshot that need not be a head, and lets go of what it
// held. It counts where the commit's record is still there after the answer
// (kv/store/pins.h, invariant 2).
struct PinRequest {
  static constexpr Op kOp = Op::kPin;
  static constexpr uint8_t kFlags = 0;

  PinFields held;

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    wire->All(&m->held);
  }
};

// WAIT: until this session may write to the actor, first come, first served. A
// session that was given the word says so in the slot within kConfirmTime
// (kv/share/actor_slot.h), or the next one has it.
struct WaitRequest {
  static constexpr Op kOp = Op::kWait;
  static constexpr uint8_t kFlags = 0;

  uint32_t slot = 0;
  uint32_t timeout_us = 0;  // as long as it waits at most

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    wire->All(&m->slot, &m->timeout_us);
  }
};

struct WaitAnswer {
  static constexpr Op kOp = Op::kWait;
  static constexpr uint8_t kFlags = kAnswerFlag;

  bool is_granted = false;  // the writer's word is the session's

  template <typename Self, typename Wire>
  static void Fields(Self* m, Wire* wire) {
    wire->All(&m->is_granted);
  }
};

// YIELD: the session ended its turn, and somebody waits. No answer.
using YieldRequest = SlotRequest<Op::kYield>;

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_ACTOR_MESSAGES_H_
