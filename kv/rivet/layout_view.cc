#include "kv/rivet/layout_view.h"

#include <algorithm>
#include <utility>

#include "kv/base/affix.h"
#include "kv/base/hex.h"
#include "kv/engine/prefix_scan.h"
#include "kv/rivet/pair_limits.h"

namespace actorkv {

namespace {

// Range: stored keys that begin with `from`, and that become keys of layout 1
// when `to` replaces it, which keeps their order. `exact`: the key `from`
// alone.
struct Range {
  std::string_view from;
  std::string_view to;
  bool exact;
};

// Within a range the order of layout 0 is that of layout 1; between ranges it
// is not. So each range is a stream, and Seek() merges them.
constexpr Range kRanges[] = {
    {{}, {}, false},                                // the same in layout 1
    {{"\x05", 1}, {"\x05\x01\x02", 3}, false},      // queue messages
    {{"\x06", 1}, {"\x05\x01\x01", 3}, true},       // queue metadata
    {{"\x07\x15", 2}, {"\x06\x01\x15", 3}, false},  // workflow
    {{"\x07\x15\x03\x15\x05", 5},                   // its INPUT, which is
     {"\x06\x01\x15\x03\x15\x04", 6},               // no longer in order
     true},                                         // with the others
    {{"\x08\x15", 2}, {"\x07\x01\x15", 3}, false},  // traces
    {{"\x09", 1}, {"\x08\x01", 2}, false},          // SQLite files
};

bool IsLayoutZero(std::string_view key, std::string_view value) {
  return ParseLegacyKey(key, value).layout == KeyLayout::kZero;
}

// Reads the value that is stored under the key `zero` of layout 0; nullopt also
// when the pair there is not of layout 0.
Status GetLayoutZero(PairReader* stored, const std::string& zero,
                     std::optional<std::string>* value) {
  if (Status s = stored->Get(zero, value); !s.ok()) return s;
  if (value->has_value() && !IsLayoutZero(zero, **value)) value->reset();
  return Status::Ok();
}

// Reads the value of the same pair in the other layout; nullopt: it is not
// there.
Status GetOther(PairReader* stored, const KeyValue& pair,
                std::optional<std::string>* other) {
  other->reset();
  const KeyLayout layout = ParseLegacyKey(pair.key, pair.value).layout;
  std::string key;
  if (layout == KeyLayout::kZero) {
    if (!LayoutOneKey(pair.key, pair.value, &key)) return Status::Ok();
    return stored->Get(key, other);
  }
  if (layout != KeyLayout::kOne || !LayoutZeroKey(pair.key, &key)) {
    return Status::Ok();
  }
  return GetLayoutZero(stored, key, other);
}

// Which of the two values counts cannot be known: the actor was written by two
// versions of Rivet, and either may have been the last. So it is an error, and
// no guess.
Status ConflictError(std::string_view zero, std::string_view one) {
  return Status::NotSupported(
      "the pair has one value in layout 0 and another in layout 1: key=" +
      BytesText(zero) + " layout_1_key=" + BytesText(one));
}

}  // namespace

// Stream: one of kRanges, from where a Seek() begins. The next pair that it
// gives is at or after `bound` in the view, and is `pair` when that has been
// read.
struct LayoutOneView::Stream {
  Range range;

  bool ended = false;
  std::string at;                // stored key to read on from
  std::string bound;             // the same in layout 1
  std::optional<KeyValue> pair;  // under its key of layout 1

  // No stored key in [gap_from, gap_to) is of this range; `gap_ends`: nor any
  // after it. So what one Seek() had to skip no other reads again.
  bool has_gap = false;
  bool gap_ends = false;
  std::string gap_from;
  std::string gap_to;

  void Begin(std::string_view key) {
    pair.reset();
    ended = false;
    // The view's order is that of layout 1, so `key` is compared with `to`, and
    // the stored key made from it.
    if (key <= range.to) {
      MoveTo(std::string(range.from));
    } else if (!range.exact && BeginsWith(key, range.to)) {
      MoveTo(std::string(range.from).append(key.substr(range.to.size())));
    } else {
      ended = true;
    }
    if (ended || !has_gap || at < gap_from || (at >= gap_to && !gap_ends)) {
      return;
    }
    if (gap_ends) {
      ended = true;
    } else {
      MoveTo(gap_to);
    }
  }

  void MoveTo(std::string stored_key) {
    at = std::move(stored_key);
    bound = std::string(range.to).append(at, range.from.size());
  }

  // Notes that nothing of this range is in [at, next).
  void NoteGap(const std::string& next) {
    // A gap grows only at its end: two that do not touch are not one.
    if (!has_gap || at != gap_to) gap_from = at;
    has_gap = true;
    gap_to = next;
  }
};

LayoutOneView::LayoutOneView(PairReader* stored) : stored_(stored) {
  for (const Range& range : kRanges) {
    streams_.emplace_back();
    streams_.back().range = range;
  }
}

LayoutOneView::~LayoutOneView() = default;

// Reads one stored pair further in the range, past one that does not belong to
// it, or to the end.
Status LayoutOneView::Advance(Stream* stream) {
  const Range& range = stream->range;
  if (range.exact) {
    std::optional<std::string> value;
    if (Status s = stored_->Get(range.from, &value); !s.ok()) return s;
    stream->ended = !value.has_value() || !IsLayoutZero(range.from, *value);
    if (!stream->ended) stream->pair = {stream->bound, std::move(*value)};
    return Status::Ok();
  }
  std::optional<KeyValue> found;
  if (Status s = stored_->Seek(stream->at, &found); !s.ok()) return s;
  if (!found.has_value() || !BeginsWith(found->key, range.from)) {
    stream->NoteGap(stream->at);
    stream->gap_ends = true;
    stream->ended = true;
    return Status::Ok();
  }
  std::string one;
  const std::string replaced =
      std::string(range.to).append(found->key, range.from.size());
  // Keys that begin the same may be of another meaning, or of layout 1
  // themselves: then another stream has them.
  if (LayoutOneKey(found->key, found->value, &one) && one == replaced) {
    stream->NoteGap(found->key);
    stream->gap_ends = false;
    stream->MoveTo(std::move(found->key));
    stream->pair = {std::move(one), std::move(found->value)};
    return Status::Ok();
  }
  const std::string next = KeyAfter(found->key);
  stream->NoteGap(next);
  stream->gap_ends = false;
  stream->MoveTo(next);
  return Status::Ok();
}

// Merges the streams, and reads on only in the one that may be first.
Status LayoutOneView::Seek(std::string_view key,
                           std::optional<KeyValue>* pair) {
  // All streams begin anew at every call: a view has no position, and what a
  // stream had to skip it knows by its gap.
  for (Stream& stream : streams_) stream.Begin(key);
  for (;;) {
    Stream* first = nullptr;
    for (Stream& stream : streams_) {
      if (stream.ended) continue;
      // Among two that may be first the one that is not read yet is taken: it
      // may have the same pair.
      if (first == nullptr || stream.bound < first->bound ||
          (stream.bound == first->bound && !stream.pair.has_value())) {
        first = &stream;
      }
    }
    if (first == nullptr) {
      pair->reset();
      return Status::Ok();
    }
    if (!first->pair.has_value()) {
      if (Status s = Advance(first); !s.ok()) return s;
      continue;
    }
    for (const Stream& other : streams_) {
      if (&other == first || other.ended || other.bound != first->bound) {
        continue;
      }
      // Every stream of the same bound is read by here.
      if (other.pair->value == first->pair->value) continue;
      std::string zero;
      // The key of layout 0 is for the message alone.
      (void)LayoutZeroKey(first->bound, &zero);
      return ConflictError(zero, first->bound);
    }
    *pair = std::move(first->pair);
    return Status::Ok();
  }
}

Status LayoutOneView::Get(std::string_view key,
                          std::optional<std::string>* value) {
  std::optional<std::string> one;
  std::optional<std::string> zero;
  std::string zero_key;
  if (Status s = stored_->Get(key, &one); !s.ok()) return s;
  // A key of layout 0 is no key of the view, whatever is stored under it.
  if (one.has_value() && IsLayoutZero(key, *one)) one.reset();
  if (LayoutZeroKey(key, &zero_key)) {
    if (Status s = GetLayoutZero(stored_, zero_key, &zero); !s.ok()) return s;
  }
  if (one.has_value() && zero.has_value() && *one != *zero) {
    return ConflictError(zero_key, key);
  }
  *value = one.has_value() ? std::move(one) : std::move(zero);
  return Status::Ok();
}

// --- The report --------------------------------------------------------------

void NamedKeys::Add(std::string_view key) {
  ++count;
  if (first.size() < kMaxNamedKeys) first.emplace_back(key);
}

std::string NamedKeys::Text() const {
  std::string text = std::to_string(count) + (count == 1 ? " key" : " keys");
  const char* separator = ": ";
  for (const std::string& key : first) {
    text.append(separator).append(BytesText(key));
    separator = ", ";
  }
  if (count > first.size()) text.append(", ...");
  return text;
}

uint64_t LayoutReport::PairCount(KeyLayout layout) const {
  uint64_t count = 0;
  for (const LayoutCount& space : spaces) {
    count += space.pair_count[static_cast<size_t>(layout)];
  }
  return count;
}

uint64_t LayoutReport::PairCount() const {
  return PairCount(KeyLayout::kZero) + PairCount(KeyLayout::kOne) +
         PairCount(KeyLayout::kSame);
}

uint64_t LayoutReport::Bytes() const {
  uint64_t bytes = 0;
  for (const LayoutCount& space : spaces) bytes += space.bytes;
  return bytes;
}

uint64_t LayoutReport::SqliteBytes() const {
  return of(LegacyNamespace::kSqliteMeta).bytes +
         of(LegacyNamespace::kSqliteChunk).bytes;
}

void LayoutReport::Count(std::string_view key, std::string_view value) {
  const LegacyKey parsed = ParseLegacyKey(key, value);
  LayoutCount& counted = spaces[static_cast<size_t>(parsed.space)];
  ++counted.pair_count[static_cast<size_t>(parsed.layout)];
  counted.bytes += key.size() + value.size();
  if (parsed.space == LegacyNamespace::kUnknown) {
    if (HasUnknownVersion(key)) {
      unknown_versions[static_cast<uint8_t>(key[0]) - kFirstVersioned].Add(key);
    } else {
      unknown.Add(key);
    }
  }
  if (parsed.space == LegacyNamespace::kQueueMessage &&
      value.size() > kMaxQueueMessageBytes) {
    large_messages.Add(key);
  }
  std::string one;
  // VERSION of a workflow is the only pair without a place in layout 1
  // (kv/rivet/legacy_keys.h).
  if (!LayoutOneKey(key, value, &one)) dropped.Add(key);
}

std::vector<std::string> LayoutReport::UnknownNotes() const {
  static const char* const kNames[kVersionedCount] = {"queue's", "workflow's",
                                                      "traces'", "database's"};
  std::vector<std::string> notes;
  for (size_t i = 0; i < kVersionedCount; ++i) {
    if (unknown_versions[i].count == 0) continue;
    notes.push_back(
        std::string("keys of an unknown version of the ") + kNames[i] +
        " namespace, kept as they are: " + unknown_versions[i].Text());
  }
  if (unknown.count > 0) {
    notes.push_back("keys of no known form, kept as they are: " +
                    unknown.Text());
  }
  return notes;
}

Status LayoutReport::CheckConflicts() const {
  if (conflicts.count == 0) return Status::Ok();
  return Status::NotSupported(
      "pairs have one value in layout 0 and another in layout 1, and which one "
      "counts is not known, " +
      conflicts.Text());
}

Status CheckLayouts(PairReader* stored, LayoutReport* report) {
  // A report of half the pairs would let a migration pass that the other half
  // forbids: *report changes only at the end.
  LayoutReport made;
  std::string at;
  for (;;) {
    std::optional<KeyValue> pair;
    if (Status s = stored->Seek(at, &pair); !s.ok()) return s;
    if (!pair.has_value()) break;
    at = KeyAfter(pair->key);
    made.Count(pair->key, pair->value);
    // Each conflict has one pair of layout 0, so it is counted once from there.
    if (!IsLayoutZero(pair->key, pair->value)) continue;
    std::optional<std::string> other;
    if (Status s = GetOther(stored, *pair, &other); !s.ok()) return s;
    if (!other.has_value()) continue;
    const bool same = *other == pair->value;
    (same ? made.same : made.conflicts).Add(pair->key);
    if (!same && IsSqliteKey(pair->key)) ++made.database_conflict_count;
  }
  *report = std::move(made);
  return Status::Ok();
}

Status IsInConflict(PairReader* stored, const KeyValue& pair, bool* conflict) {
  std::optional<std::string> other;
  if (Status s = GetOther(stored, pair, &other); !s.ok()) return s;
  *conflict = other.has_value() && *other != pair.value;
  return Status::Ok();
}

}  // namespace actorkv
