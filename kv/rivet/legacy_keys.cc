#include "kv/rivet/legacy_keys.h"

#include <cstring>

#include "kv/base/affix.h"
#include "kv/base/hex.h"

namespace actorkv {

namespace {

using Space = LegacyNamespace;

constexpr char kTupleStart = 0x15;  // an integer of one byte
constexpr uint8_t kMaxTag = 3;

constexpr size_t kMessageIdBytes = 8;
constexpr char kMaxVersion = 15;               // likely the last one ever
constexpr size_t kQueueMetaBytes = 2 + 8 + 4;  // version, next id, size
constexpr size_t kNoAlarmBytes = 2 + 1;        // version, 0
constexpr size_t kAlarmBytes = 2 + 1 + 8;      // version, 1, time
constexpr size_t kAlarmFlag = 2;               // its offset
constexpr size_t kChunkTailBytes = 1 + 4;      // tag, index

// The prefixes; each has its length beside it because some hold zeros.
constexpr std::string_view kMessageOne("\x05\x01\x02", 3);
constexpr std::string_view kMetaOne("\x05\x01\x01", 3);
constexpr std::string_view kMetaZero("\x06", 1);  // an alarm has it, too
constexpr std::string_view kWorkflowOne("\x06\x01", 2);
constexpr std::string_view kWorkflowZero("\x07", 1);
constexpr std::string_view kTracesOne("\x07\x01", 2);
constexpr std::string_view kTracesZero("\x08", 1);
constexpr std::string_view kSqliteOne("\x08\x01", 2);
constexpr std::string_view kSqliteZero("\x09", 1);

// Two workflow fields of layout 0, and the place of INPUT in layout 1.
constexpr std::string_view kVersionZero("\x07\x15\x03\x15\x04", 5);
constexpr std::string_view kInputZero("\x07\x15\x03\x15\x05", 5);
constexpr std::string_view kInputOne("\x06\x01\x15\x03\x15\x04", 6);

// Returns true when a tuple follows the prefix: an integer of one byte, and
// perhaps more.
// Asks for one byte more than the start of a tuple: an integer has a value.
bool HasTuple(std::string_view key, std::string_view prefix) {
  return BeginsWith(key, prefix) && key.size() >= prefix.size() + 2 &&
         key[prefix.size()] == kTupleStart;
}

// Tells the namespace of a SQLite key. `tail`: file(1) tag(1), or file(1)
// tag(1) index(4).
Space SqliteSpace(std::string_view tail) {
  if (tail.size() < 2 || static_cast<uint8_t>(tail[1]) > kMaxTag) {
    return Space::kUnknown;
  }
  if (tail[0] == 0 && tail.size() == 2) return Space::kSqliteMeta;
  if (tail[0] == 1 && tail.size() == 1 + kChunkTailBytes) {
    return Space::kSqliteChunk;
  }
  return Space::kUnknown;
}

LegacyKey Known(Space space, KeyLayout layout) {
  if (space == Space::kUnknown) return {};
  return {space, layout};
}

// Returns true for a second byte that may be the version of a namespace of
// layout 1.
bool CouldBeVersion(char byte) { return byte > 0 && byte <= kMaxVersion; }

LegacyKey ParseQueueKey(std::string_view key) {
  // Ids count from 1 and are big-endian, so their first byte is 0 for longer
  // than any queue lives.
  if (key.size() == 1 + kMessageIdBytes && !CouldBeVersion(key[1])) {
    return {Space::kQueueMessage, KeyLayout::kZero};
  }
  if (key == kMetaOne) return {Space::kQueueMeta, KeyLayout::kOne};
  if (BeginsWith(key, kMessageOne) &&
      key.size() == kMessageOne.size() + kMessageIdBytes) {
    return {Space::kQueueMessage, KeyLayout::kOne};
  }
  return {};
}

// Tells by its value what the key 6 means: see the header.
LegacyKey ParseSix(std::string_view value) {
  if (value.size() == kQueueMetaBytes) {
    return {Space::kQueueMeta, KeyLayout::kZero};
  }
  if ((value.size() == kNoAlarmBytes && value[kAlarmFlag] == 0) ||
      (value.size() == kAlarmBytes && value[kAlarmFlag] == 1)) {
    return {Space::kAlarm, KeyLayout::kSame};
  }
  return {};
}

std::string Replaced(std::string_view key, std::string_view from,
                     std::string_view to) {
  return std::string(to).append(key.substr(from.size()));
}

}  // namespace

const char* LegacyNamespaceName(LegacyNamespace space) {
  switch (space) {
    case Space::kState:
      return "state";
    case Space::kConnections:
      return "connections";
    case Space::kInspector:
      return "inspector";
    case Space::kUser:
      return "user";
    case Space::kQueueMessage:
      return "queue_message";
    case Space::kQueueMeta:
      return "queue_meta";
    case Space::kWorkflow:
      return "workflow";
    case Space::kTraces:
      return "traces";
    case Space::kSqliteMeta:
      return "sqlite_meta";
    case Space::kSqliteChunk:
      return "sqlite_chunk";
    case Space::kAlarm:
      return "alarm";
    case Space::kUnknown:
      break;
  }
  return "unknown";
}

LegacyKey ParseLegacyKey(std::string_view key, std::string_view value) {
  if (key.empty()) return {};
  switch (key[0]) {
    case 1:
      return Known(key.size() == 1 ? Space::kState : Space::kUnknown,
                   KeyLayout::kSame);
    case 2:
      return Known(key.size() > 1 ? Space::kConnections : Space::kUnknown,
                   KeyLayout::kSame);
    case 3:
      return Known(key.size() == 1 ? Space::kInspector : Space::kUnknown,
                   KeyLayout::kSame);
    // Under 4 all keys are the user's, of any length: nothing of Rivet's is
    // there.
    case 4:
      return {Space::kUser, KeyLayout::kSame};
    case 5:
      return ParseQueueKey(key);
    case 6:
      // The one key that only its value can tell: metadata of the queue in
      // layout 0, or an alarm in both.
      if (key == kMetaZero) return ParseSix(value);
      if (!HasTuple(key, kWorkflowOne)) return {};
      return {Space::kWorkflow, KeyLayout::kOne};
    case 7:
      if (HasTuple(key, kWorkflowZero)) {
        return {Space::kWorkflow, KeyLayout::kZero};
      }
      if (!HasTuple(key, kTracesOne)) return {};
      return {Space::kTraces, KeyLayout::kOne};
    case 8:
      if (HasTuple(key, kTracesZero)) return {Space::kTraces, KeyLayout::kZero};
      if (!BeginsWith(key, kSqliteOne)) return {};
      return Known(SqliteSpace(key.substr(kSqliteOne.size())), KeyLayout::kOne);
    case 9:
      return Known(SqliteSpace(key.substr(kSqliteZero.size())),
                   KeyLayout::kZero);
    default:
      return {};
  }
}

// The value is not needed: it tells apart only what the key 6 may be.
bool IsSqliteKey(std::string_view key) {
  const Space space = ParseLegacyKey(key, {}).space;
  return space == Space::kSqliteMeta || space == Space::kSqliteChunk;
}

bool HasUnknownVersion(std::string_view key) {
  constexpr char kKnownVersion = 1;
  constexpr char kFirst = 5;
  constexpr char kLast = 8;
  if (key.size() < 2 || key[0] < kFirst || key[0] > kLast) return false;
  // The byte that layout 0 has there: the begin of a tuple, or of the id of a
  // message.
  const char layout_zero = key[0] == kFirst ? '\0' : kTupleStart;
  return key[1] != kKnownVersion && key[1] != layout_zero;
}

bool LayoutOneKey(std::string_view key, std::string_view value,
                  std::string* one) {
  const LegacyKey parsed = ParseLegacyKey(key, value);
  if (parsed.layout != KeyLayout::kZero) {
    *one = std::string(key);
    return true;
  }
  // Before the others: it is a key of a workflow, and has no place in layout 1.
  if (key == kVersionZero) return false;
  if (key == kInputZero) {
    *one = std::string(kInputOne);
  } else if (parsed.space == Space::kQueueMessage) {
    *one = Replaced(key, key.substr(0, 1), kMessageOne);
  } else if (parsed.space == Space::kQueueMeta) {
    *one = std::string(kMetaOne);
  } else if (parsed.space == Space::kWorkflow) {
    *one = Replaced(key, kWorkflowZero, kWorkflowOne);
  } else if (parsed.space == Space::kTraces) {
    *one = Replaced(key, kTracesZero, kTracesOne);
  } else {
    *one = Replaced(key, kSqliteZero, kSqliteOne);
  }
  return true;
}

bool LayoutZeroKey(std::string_view one, std::string* zero) {
  // Without the value, as none of layout 1 needs it: the key 6 is not of layout
  // 1.
  const LegacyKey parsed = ParseLegacyKey(one, {});
  if (parsed.layout != KeyLayout::kOne) return false;
  std::string found;
  // It is answered before the way back is tried: that would ask for the value
  // of the key 6.
  if (one == kMetaOne) {
    *zero = std::string(kMetaZero);
    return true;
  }
  if (one == kInputOne) {
    found = std::string(kInputZero);
  } else if (parsed.space == Space::kQueueMessage) {
    found = Replaced(one, kMessageOne, std::string_view("\x05", 1));
  } else if (parsed.space == Space::kWorkflow) {
    found = Replaced(one, kWorkflowOne, kWorkflowZero);
  } else if (parsed.space == Space::kTraces) {
    found = Replaced(one, kTracesOne, kTracesZero);
  } else {
    found = Replaced(one, kSqliteOne, kSqliteZero);
  }
  // The way back must lead here again: (3, 5) of layout 1 is no field that
  // layout 0 had, and some ids are none there.
  std::string back;
  if (!LayoutOneKey(found, {}, &back) || back != one) return false;
  *zero = std::move(found);
  return true;
}

}  // namespace actorkv
