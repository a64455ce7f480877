// Legacy keys: the keys of an actor's pairs, what they mean in Rivet's layouts
// 0 and 1, and where a pair of layout 0 is found in layout 1. The parts of a
// SQLite file in layout 1 are for kv/rivet/legacy_file.h to know. Integers are
// big-endian.
//
//   namespace        layout 0                  layout 1
//   state            1                         the same
//   connections      2 conn_id                 the same
//   inspector        3                         the same
//   user             4 anything                the same
//   queue_message    5 id(8)                   5 1 2 id(8)
//   queue_meta       6, value of 14 bytes      5 1 1
//   alarm            6, value of 3 or 11       the same
//   workflow         7 tuple                   6 1 tuple
//   traces           8 tuple                   7 1 tuple
//   sqlite_meta      9 0 tag                   8 1 0 tag
//   sqlite_chunk     9 1 tag index(4)          8 1 1 tag index(4)
//
// A tuple begins with a small integer, so its first byte is 0x15; that byte
// and the lengths tell the layouts apart, key by key. Tag: 0 main file, 1
// rollback journal, 2 WAL, 3 shared memory.
//
// The key 6 had two meanings in turn, and its value tells which:
//
//   queue metadata, layout 0     version u16, next id u64, size u32
//   alarm, Rivet 2.3.0 to 2.3.4  version u16, 0; or version u16, 1, time i64
//
// The second byte of a namespace of layout 1 is its version. Ids of messages
// count from 1, so none has a small number there, and what has may be of a
// version that is not known: it is unknown, whatever its length.
//
// Two fields of a workflow have other numbers in layout 1: (3, 4) was VERSION,
// which is gone; INPUT was (3, 5) and is (3, 4).
//
// A pair of none of these forms is unknown. Unknown pairs and those under 4,
// whatever they look like, are the same in both layouts: what is not certain is
// never moved.

#ifndef ACTORKV_KV_RIVET_LEGACY_KEYS_H_
#define ACTORKV_KV_RIVET_LEGACY_KEYS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace actorkv {

enum class LegacyNamespace : uint8_t {
  kState,
  kConnections,
  kInspector,
  kUser,
  kQueueMessage,
  kQueueMeta,
  kWorkflow,
  kTraces,
  kSqliteMeta,
  kSqliteChunk,
  kAlarm,
  kUnknown,
};
constexpr size_t kLegacyNamespaceCount = 12;

// Names the namespace: "state", "queue_message", ..., "unknown".
const char* LegacyNamespaceName(LegacyNamespace space);

enum class KeyLayout : uint8_t { kZero = 0, kOne = 1, kSame = 2 };

struct LegacyKey {
  LegacyNamespace space = LegacyNamespace::kUnknown;
  KeyLayout layout = KeyLayout::kSame;
};

LegacyKey ParseLegacyKey(std::string_view key, std::string_view value);

// Returns true for a key of the SQLite files, in either layout; the key alone
// tells.
bool IsSqliteKey(std::string_view key);

// Returns true when `key` is of a namespace of layout 1 that has versions, but
// of a version that is not known.
bool HasUnknownVersion(std::string_view key);

// Sets *one to the key of the same pair in layout 1; `key` itself unless it is
// of layout 0. False when the pair has no place there: VERSION of a workflow.
bool LayoutOneKey(std::string_view key, std::string_view value,
                  std::string* one);

// Sets *zero to the key of layout 0 that LayoutOneKey() takes to `one`, if the
// pair that is stored there is of layout 0. False when there is none.
bool LayoutZeroKey(std::string_view one, std::string* zero);

}  // namespace actorkv

#endif  // ACTORKV_KV_RIVET_LEGACY_KEYS_H_
