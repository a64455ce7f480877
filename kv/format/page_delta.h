// PageDelta: has a page as the blocks in which it differs from another version
// of it, the base.
//
//   offset  bytes  field
//        0      8  base_txid, little-endian: of the base, a version of the
//                  same page in the same branch that is stored whole
//        8     32  changed: bit i % 8 of byte i / 8 is 1 when block i follows
//       40      n  the blocks, in order, each page size / 256 bytes
//
// A delta has at least one block, so its length tells the page size.
//
// Invariants:
//  1. The base of a delta is whole: there are no chains, and a page is read
//     with two lookups at most.
//  2. The base is in the branch of the delta. Branches are dropped as a whole,
//     and within one nobody removes a version before the deltas that have it
//     as their base (kv/reclaim/actor_reclaim.h).

#ifndef ACTORKV_KV_FORMAT_PAGE_DELTA_H_
#define ACTORKV_KV_FORMAT_PAGE_DELTA_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "kv/base/types.h"

namespace actorkv {

constexpr uint32_t kDeltaBlocks = 256;
constexpr size_t kDeltaHeaderBytes = 40;

// The largest number of blocks. A delta with more is not worth it: the next
// ones have these blocks again. With d new blocks a commit, n deltas and a
// whole page cost 256 + d * n * n / 2 blocks for n + 1 commits, which is least
// near n * d = 64 for d of about 8 (one row of 100 bytes), and flat around it.
constexpr uint32_t kMaxDeltaBlocks = 64;

// The smallest page that is stored as a delta: in smaller ones the 64 bytes
// beside the blocks weigh more.
constexpr uint32_t kMinDeltaPageSize = 1024;  // bytes

// PageBlocks: a set of the 256 blocks of a page.
class PageBlocks {
 public:
  void Add(uint32_t block) { words_[block / 64] |= Bit(block); }
  bool Has(uint32_t block) const {
    return (words_[block / 64] & Bit(block)) != 0;
  }
  uint32_t count() const;

  // Adds the blocks in which the pages differ. REQUIRES: both have the same
  // legal page size.
  void AddDifferences(std::string_view a, std::string_view b);

  void AppendTo(std::string* out) const;
  static PageBlocks Load(const char* bytes);

 private:
  static uint64_t Bit(uint32_t block) { return uint64_t{1} << block % 64; }

  std::array<uint64_t, kDeltaBlocks / 64> words_ = {};
};

// StoredForm: how a version of a page lies in its branch: what the next version
// of the page has to know to become a delta.
struct StoredForm {
  TxId base;           // the whole version's; 0: the branch has none
  PageBlocks changed;  // blocks in which this version may differ from it
};

// Encodes the payload of `page` as a delta. REQUIRES: the page is the base but
// for form.changed, which is not empty.
std::string EncodeDelta(const StoredForm& form, std::string_view page);

struct DecodedDelta {
  StoredForm form;
  uint32_t page_size = 0;   // bytes
  std::string_view blocks;  // into the payload
};

// Returns false when `payload` is no delta of a page of a legal size.
bool DecodeDelta(std::string_view payload, DecodedDelta* delta);

// Makes the base, delta.page_size bytes at `page`, into the page.
void ApplyDelta(const DecodedDelta& delta, char* page);

}  // namespace actorkv

#endif  // ACTORKV_KV_FORMAT_PAGE_DELTA_H_
