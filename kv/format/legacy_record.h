// Legacy record: has what is known of an actor that came as pairs of Rivet's
// layouts 0 and 1, and where its migration stands. The value of a stored pair
// is here as well. kv/FORMAT.md has each byte.
//
// The states, and what leads from one to the next:
//
//   import -> legacy -> importing -> live -> legacy     the last by undoing
//                          |  ^
//                          v  |
//                         failed     a failed migration can be tried again
//
// Pairs are never changed. So in every state they are what was imported, until
// they are dropped.

#ifndef ACTORKV_KV_FORMAT_LEGACY_RECORD_H_
#define ACTORKV_KV_FORMAT_LEGACY_RECORD_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kv/base/status.h"
#include "kv/base/types.h"
#include "kv/format/load_progress.h"

namespace actorkv {

// DO NOT CHANGE THESE ENUM VALUES: they are embedded in legacy records.
enum class LegacyState : uint8_t {
  kLegacy = 1,     // imported; there is no database of ours yet
  kImporting = 2,  // a migration is under way, or died
  kLive = 3,       // there is a database, and it counts
  kFailed = 4,     // the last migration failed; see `error`
};
enum class LegacyForm : uint8_t {
  kJsonLines = 1,
  kKvBin = 2,
  kArchive = 3,        // of a directory: kv.bin and metadata.json
  kRivetDatabase = 4,  // the directory of Rivet's engine
  kRows = 5,           // rows of a query
  kDriverFile = 6,     // a table kv, or a state file, of RivetKit's driver
  kOwnTables = 7,      // the actor's own database: its pairs were made anew
};
enum class LegacyPhase : uint8_t {
  kNone = 0,
  kImport = 1,   // the pairs into the store
  kLayouts = 2,  // what the keys are
  kRecover = 3,  // rollback journal, WAL
  kCopy = 4,     // pages
  kCheck = 5,    // quick_check of the result
  kCommit = 6,
  kTables = 7,  // other namespaces as tables
};
constexpr size_t kLegacyPhaseCount = 8;

// Bits of LegacyRecord::layouts: there are pairs of this layout.
constexpr uint8_t kHasLayoutZero = 1;
constexpr uint8_t kHasLayoutOne = 2;
// Alone: the pairs are not Rivet's, so their keys mean nothing.
constexpr uint8_t kOpaqueKeys = 4;

// These name the values: "legacy", "importing", ...; "jsonl", ...; "none",
// "import", ...
const char* LegacyStateName(LegacyState state);
const char* LegacyFormName(LegacyForm form);
const char* LegacyPhaseName(LegacyPhase phase);

// LeaseMark: says who is at work on the actor; see kv/legacy/legacy_lease.h.
struct LeaseMark {
  CommitId owner = {};  // unique in the world; zeros: nobody
  uint64_t taken_at_us = 0;
  uint64_t heartbeat_us = 0;

  bool taken() const { return owner != CommitId{}; }
};

constexpr size_t kMaxLegacyNotes = 32;
constexpr size_t kMaxLegacyNoteBytes = 1024;
constexpr size_t kMaxLegacyMetadataBytes = size_t{64} << 10;

struct LegacyRecord {
  LegacyState state = LegacyState::kLegacy;
  LegacyId legacy;  // names the partition of the pairs
  LegacyForm form = LegacyForm::kJsonLines;
  uint8_t layouts = 0;
  // These are as imported; dropping changes none of them.
  uint64_t pair_count = 0;
  uint64_t bytes = 0;         // keys and values together
  uint64_t sqlite_bytes = 0;  // those of SQLite files
  uint64_t imported_at_us = 0;
  // The limits of the import, and how many pairs are above one of them: such
  // are there only where somebody asked to keep them.
  uint32_t limit_key_bytes = 0;
  uint32_t limit_value_bytes = 0;
  uint64_t oversized_count = 0;

  uint32_t attempts = 0;  // migrations begun
  LegacyPhase phase = LegacyPhase::kNone;
  std::array<uint64_t, kLegacyPhaseCount> phase_us = {};  // time spent in each
  LeaseMark lease;
  TxId migrated_txid;  // 0: none, or live from the start
  uint64_t migrated_at_us = 0;
  uint64_t dropped_at_us = 0;  // the SQLite pairs; 0: they are there
  // The progress of a migration that copies a large database. The next one goes
  // on from there: pairs never change, and copied pages passed their checks.
  LoadProgress progress;
  // The txid and generation of the head that an undone migration had
  // (kv/legacy/legacy_undo.h): neither comes again.
  TxId last_txid;
  Generation last_generation;

  std::vector<std::string> repairs;   // by AddLegacyNote()
  std::vector<std::string> warnings;  // by AddLegacyNote()
  std::string error;  // the last migration's; cut to kMaxLegacyNoteBytes
  std::string metadata_json;  // as it came with an archive

  bool opaque() const { return layouts == kOpaqueKeys; }
  bool IsOversized(std::string_view key, std::string_view value) const {
    return oversized_count > 0 &&
           (key.size() > limit_key_bytes || value.size() > limit_value_bytes);
  }
};

// Adds `text`, cut to kMaxLegacyNoteBytes. The last of kMaxLegacyNotes says
// that there were more.
void AddLegacyNote(std::string_view text, std::vector<std::string>* notes);

std::string EncodeRecord(std::string_view key, const LegacyRecord& record);
// Errors: kNotSupported for another version, state or sort of keys;
// kCorruption.
Status DecodeRecord(std::string_view key, std::string_view value,
                    LegacyRecord* record);

// The bytes by which a pair's stored value is longer than the value.
constexpr size_t kPairFrameBytes = 9;

// Encodes the stored value of a pair. It verifies only as that pair, of those
// pairs.
std::string EncodePair(LegacyId legacy, std::string_view key,
                       std::string_view value);
// Decodes a pair; *value is a part of `stored`. Errors: as DecodeRecord(),
// naming the key.
Status DecodePair(LegacyId legacy, std::string_view key,
                  std::string_view stored, std::string_view* value);

}  // namespace actorkv

#endif  // ACTORKV_KV_FORMAT_LEGACY_RECORD_H_
