#include "kv/rivet/rivet_v2_index.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include "kv/base/coding.h"
#include "kv/base/hex.h"
#include "kv/rivet/kv_bin.h"

namespace actorkv {

namespace {

using Kind = RivetV2Key::Kind;

constexpr size_t kTxidBytes = 8;
constexpr size_t kShownKeyBytes = 64;  // shown of a key that is not known

// A key of a store is there once. A file with the same key twice was made by
// putting two together, and which one counts nobody knows.
Status Twice(const RivetV2Key& key) {
  return Status::Corruption(ToText(key) + " is there twice");
}

template <typename Entry>
Status Push(const RivetV2Key& key, Entry entry, size_t limit,
            std::vector<Entry>* list) {
  if (list->size() == limit) {
    return Status::InvalidArgument(ToText(key) +
                                   " is one more than the limit of " +
                                   std::to_string(limit) + " of its kind");
  }
  list->push_back(entry);
  return Status::Ok();
}

// Sorts by `order`; *duplicate is the first entry that is there twice.
template <typename Entry, typename Order>
bool SortsWithout(Order order, std::vector<Entry>* list,
                  const Entry** duplicate) {
  const auto less = [&](const Entry& a, const Entry& b) {
    return order(a) < order(b);
  };
  // A file that was written in the order of its keys is looked at once; only
  // others are sorted.
  if (!std::is_sorted(list->begin(), list->end(), less)) {
    std::sort(list->begin(), list->end(), less);
  }
  const auto found = std::adjacent_find(
      list->begin(), list->end(),
      [&](const Entry& a, const Entry& b) { return order(a) == order(b); });
  if (found == list->end()) return true;
  *duplicate = &*found;
  return false;
}

}  // namespace

Status RivetV2Index::Build(std::unique_ptr<ByteSource> source) {
  ByteReader reader(std::move(source));
  while (true) {
    KvBinEntry entry;
    bool more = false;
    if (Status s =
            TakeKvBinEntry(&reader, kMaxRivetV2EntryBytes, &entry, &more);
        !s.ok()) {
      return s;
    }
    if (!more) break;
    RivetV2Key key;
    // A key that is not known may be one that matters: a page left out without
    // a word would be read as older, or as zeros.
    if (!ParseRivetV2Key(entry.pair.key, &key)) {
      return Status::Corruption(
          "a key that is not known: " +
          ToHex(entry.pair.key.substr(0, kShownKeyBytes)));
    }
    if (Status s = Take(key, entry.pair.value, entry.value_offset); !s.ok()) {
      return s;
    }
  }
  // The head may be anywhere in the file, so what depends on it is done after
  // the last entry.
  if (!has_head_) return Status::Corruption("/META is missing");
  if (Status s = Sort(); !s.ok()) return s;
  if (Status s = JoinPieces(); !s.ok()) return s;
  return CheckPages();
}

Status RivetV2Index::Take(const RivetV2Key& key, std::string_view value,
                          uint64_t offset) {
  const auto size = static_cast<uint32_t>(value.size());
  switch (key.kind) {
    case Kind::kMeta:
      if (std::exchange(has_head_, true)) return Twice(key);
      return DecodeRivetV2Head(value, &head_);
    case Kind::kShard:
      return Push(key, Shard{offset, size, key.number}, kMaxRivetV2Shards,
                  &shards_);
    case Kind::kDelta:
      return Push(key, Piece{key.txid, offset, size, key.number, 0},
                  kMaxRivetV2Pieces, &pieces_);
    case Kind::kPageIndex:
      break;
  }
  if (value.size() != kTxidBytes) {
    return Status::Corruption(ToText(key) + ": a value of " +
                              std::to_string(value.size()) +
                              " bytes, not of 8");
  }
  return Push(key, PageEntry{LoadBig64(value.data()), key.number},
              kMaxRivetV2DeltaPages, &pages_);
}

Status RivetV2Index::Sort() {
  const Shard* shard = nullptr;
  if (!SortsWithout([](const Shard& s) { return s.shard; }, &shards_, &shard)) {
    return Twice({Kind::kShard, 0, shard->shard});
  }
  const Piece* piece = nullptr;
  if (!SortsWithout(
          [](const Piece& p) { return std::make_pair(p.txid, p.chunk); },
          &pieces_, &piece)) {
    return Twice({Kind::kDelta, piece->txid, piece->chunk});
  }
  const PageEntry* page = nullptr;
  if (!SortsWithout([](const PageEntry& p) { return p.pgno; }, &pages_,
                    &page)) {
    return Twice({Kind::kPageIndex, 0, page->pgno});
  }
  // Pieces of a transaction that was never committed do not count.
  const auto committed_end =
      std::find_if(pieces_.begin(), pieces_.end(),
                   [&](const Piece& p) { return p.txid > head_.head_txid; });
  pieces_.erase(committed_end, pieces_.end());
  // Entries of pages past the database's end do not count either.
  const auto inside_end = std::find_if(
      pages_.begin(), pages_.end(),
      [&](const PageEntry& p) { return p.pgno > head_.db_size_pages; });
  pages_.erase(inside_end, pages_.end());
  return Status::Ok();
}

Status RivetV2Index::JoinPieces() {
  for (size_t i = 0; i < pieces_.size(); ++i) {
    const bool is_first = i == 0 || pieces_[i - 1].txid != pieces_[i].txid;
    // Pieces are numbered without holes, but their last one is not marked: a
    // piece that is missing at the end shows when the blob is read
    // (kv/rivet/ltx.h).
    const uint32_t wanted = is_first ? 0 : pieces_[i - 1].chunk + 1;
    if (pieces_[i].chunk != wanted) {
      return Status::Corruption(
          ToText({Kind::kDelta, pieces_[i].txid, wanted}) +
          " is missing, later pieces are there");
    }
    if (!is_first) {
      pieces_[i].begin = pieces_[i - 1].begin + pieces_[i - 1].size_bytes;
    }
  }
  return Status::Ok();
}

Status RivetV2Index::CheckPages() const {
  for (const PageEntry& page : pages_) {
    const std::string key = ToText({Kind::kPageIndex, 0, page.pgno});
    if (page.pgno == 0) {
      return Status::Corruption(key + ": there is no page 0");
    }
    if (page.txid > head_.head_txid) {
      return Status::Corruption(
          key + ": its newest version is of transaction " +
          std::to_string(page.txid) + ", the last commit is " +
          std::to_string(head_.head_txid));
    }
    const auto delta = std::lower_bound(
        pieces_.begin(), pieces_.end(), page.txid,
        [](const Piece& p, uint64_t txid) { return p.txid < txid; });
    if (delta == pieces_.end() || delta->txid != page.txid) {
      return Status::Corruption(key + ": it is in delta " +
                                std::to_string(page.txid) +
                                ", which is missing");
    }
  }
  return Status::Ok();
}

}  // namespace actorkv
