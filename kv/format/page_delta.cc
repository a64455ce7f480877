#include "kv/format/page_delta.h"

#include <bitset>
#include <cstring>

#include "kv/base/coding.h"

namespace actorkv {

namespace {

constexpr size_t kChangedOffset = 8;
constexpr uint32_t kBlocksAtOnce = 16;  // compared at once, then one by one

}  // namespace

uint32_t PageBlocks::count() const {
  size_t count = 0;
  for (uint64_t word : words_) count += std::bitset<64>(word).count();
  return static_cast<uint32_t>(count);
}

// Blocks are added to those of the version before: a delta lists what may
// differ from its base, which is older than that one.
void PageBlocks::AddDifferences(std::string_view a, std::string_view b) {
  const size_t block_bytes = a.size() / kDeltaBlocks;
  for (uint32_t run = 0; run < kDeltaBlocks; run += kBlocksAtOnce) {
    const size_t begin = run * block_bytes;
    // Most of a page is the same: larger pieces are compared in fewer calls.
    if (std::memcmp(a.data() + begin, b.data() + begin,
                    kBlocksAtOnce * block_bytes) == 0) {
      continue;
    }
    for (uint32_t block = run; block < run + kBlocksAtOnce; ++block) {
      const size_t at = block * block_bytes;
      if (std::memcmp(a.data() + at, b.data() + at, block_bytes) != 0) {
        Add(block);
      }
    }
  }
}

void PageBlocks::AppendTo(std::string* out) const {
  for (uint64_t word : words_) AppendLittle64(out, word);
}

PageBlocks PageBlocks::Load(const char* bytes) {
  PageBlocks set;
  for (uint64_t& word : set.words_) {
    word = LoadLittle64(bytes);
    bytes += sizeof(word);
  }
  return set;
}

std::string EncodeDelta(const StoredForm& form, std::string_view page) {
  const size_t block_bytes = page.size() / kDeltaBlocks;
  std::string payload;
  // One allocation at the right size: a payload is made for each page of each
  // commit that changed little.
  payload.reserve(kDeltaHeaderBytes + form.changed.count() * block_bytes);
  AppendLittle64(&payload, form.base.value);
  form.changed.AppendTo(&payload);
  for (uint32_t block = 0; block < kDeltaBlocks; ++block) {
    if (!form.changed.Has(block)) continue;
    payload.append(page.substr(block * block_bytes, block_bytes));
  }
  return payload;
}

bool DecodeDelta(std::string_view payload, DecodedDelta* delta) {
  if (payload.size() <= kDeltaHeaderBytes) return false;
  DecodedDelta decoded;
  decoded.form.base = TxId{LoadLittle64(payload.data())};
  decoded.form.changed = PageBlocks::Load(payload.data() + kChangedOffset);
  decoded.blocks = payload.substr(kDeltaHeaderBytes);
  // The size of a block, and with it of the page, is not stored: it is what is
  // left over, divided by the number of blocks. A payload that does not divide
  // is of no page, and a page must have a legal size.
  const size_t count = decoded.form.changed.count();
  if (count == 0 || decoded.blocks.size() % count != 0) return false;
  const size_t page_size = decoded.blocks.size() / count * kDeltaBlocks;
  if (page_size > kMaxPageSize) return false;
  decoded.page_size = static_cast<uint32_t>(page_size);
  if (!IsLegalPageSize(decoded.page_size)) return false;
  *delta = decoded;
  return true;
}

// The blocks stand in the payload without their numbers, in the order of the
// set bits.
void ApplyDelta(const DecodedDelta& delta, char* page) {
  const size_t block_bytes = delta.page_size / kDeltaBlocks;
  const char* from = delta.blocks.data();
  for (uint32_t block = 0; block < kDeltaBlocks; ++block) {
    if (!delta.form.changed.Has(block)) continue;
    std::memcpy(page + block * block_bytes, from, block_bytes);
    from += block_bytes;
  }
}

}  // namespace actorkv
