// Layout view: shows an actor's stored pairs as pairs of layout 1.
//
// An actor may have pairs of layout 0, of layout 1, or of both, when a
// migration between them was interrupted. The view gives each pair under its
// key of layout 1, in the order of those keys. What is stored is not changed,
// so there is nothing to undo.
//
// Invariants:
//  1. Every stored pair is in the view once, but for VERSION of a workflow,
//     which layout 1 does not have. Two pairs that are the same in it (one of
//     each layout, equal values) are one.
//  2. Two different values for one key of layout 1 are an error that names the
//     stored keys. The view never chooses.
//  3. Memory: a pair and a few keys, whatever the number of pairs.

#ifndef ACTORKV_KV_RIVET_LAYOUT_VIEW_H_
#define ACTORKV_KV_RIVET_LAYOUT_VIEW_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "kv/rivet/legacy_keys.h"
#include "kv/rivet/pair_limits.h"
#include "kv/rivet/pairs.h"

namespace actorkv {

class LayoutOneView : public PairReader {
 public:
  // `stored` gives the pairs as they are. They must not change while the view
  // is used.
  explicit LayoutOneView(PairReader* stored);
  ~LayoutOneView() override;

  // Errors: those of `stored`; kNotSupported for a conflict (invariant 2).
  Status Get(std::string_view key, std::optional<std::string>* value) override;
  Status Seek(std::string_view key, std::optional<KeyValue>* pair) override;

 private:
  struct Stream;

  Status Advance(Stream* stream);

  PairReader* const stored_;
  std::vector<Stream> streams_;
};

// The number of keys of one sort that a report names, at most.
constexpr size_t kMaxNamedKeys = 8;

// The namespaces of layout 1 with a version in their second byte: 5 to 8.
constexpr uint8_t kFirstVersioned = 5;
constexpr size_t kVersionedCount = 4;

// NamedKeys: the keys of one sort that were found: how many, and the first of
// them.
struct NamedKeys {
  uint64_t count = 0;
  std::vector<std::string> first;  // keys, up to kMaxNamedKeys

  void Add(std::string_view key);
  // "3 keys: 0906, 0907, ..." for messages.
  std::string Text() const;
};

struct LayoutCount {
  // The number of pairs, by KeyLayout.
  std::array<uint64_t, 3> pair_count = {};
  uint64_t bytes = 0;  // keys and values together
};

// LayoutReport: what an actor's pairs are.
struct LayoutReport {
  std::array<LayoutCount, kLegacyNamespaceCount> spaces = {};
  // Unknown keys: those of a version of a namespace that is not known, by the
  // first byte of the namespace from kFirstVersioned on; the others.
  std::array<NamedKeys, kVersionedCount> unknown_versions = {};
  NamedKeys unknown;
  // Keys of layout 0 whose pair is also there under its key of layout 1...
  NamedKeys same;                        // ...with the same value
  NamedKeys conflicts;                   // ...with another value
  uint64_t database_conflict_count = 0;  // those of SQLite files
  NamedKeys dropped;         // VERSION of a workflow, not in layout 1
  NamedKeys large_messages;  // past kMaxQueueMessageBytes

  const LayoutCount& of(LegacyNamespace space) const {
    return spaces[static_cast<size_t>(space)];
  }
  // These count over all namespaces; kSame takes in unknown keys.
  uint64_t PairCount(KeyLayout layout) const;
  uint64_t PairCount() const;
  uint64_t Bytes() const;
  uint64_t SqliteBytes() const;

  // Counts one stored pair, whatever other pairs there are.
  void Count(std::string_view key, std::string_view value);

  // Says what there is to say of unknown keys: a note for each kind of them
  // above.
  std::vector<std::string> UnknownNotes() const;

  // Returns kNotSupported when there are conflicts, naming the first; ok
  // otherwise.
  Status CheckConflicts() const;
};

// Reads all pairs once, in stored order. Errors: those of `stored`.
Status CheckLayouts(PairReader* stored, LayoutReport* report);

// Says whether the stored `pair` is also there in the other layout, with
// another value. Errors: those of `stored`.
Status IsInConflict(PairReader* stored, const KeyValue& pair, bool* conflict);

}  // namespace actorkv

#endif  // ACTORKV_KV_RIVET_LAYOUT_VIEW_H_
