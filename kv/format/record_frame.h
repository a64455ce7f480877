// Record frame: goes around the fields of every record.
//
//   version(1) | fields, little-endian | check(8)
//
// check = XXH3_64bits(version and fields, seed = XXH3_64bits(key)), so that a
// record verifies only under its own key.

#ifndef ACTORKV_KV_FORMAT_RECORD_FRAME_H_
#define ACTORKV_KV_FORMAT_RECORD_FRAME_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "kv/base/coding.h"
#include "kv/base/status.h"

namespace actorkv {

// RecordKind: the name of a record in messages, and its newest version.
struct RecordKind {
  const char* name;
  uint8_t version;
};

// Returns the beginning of a record; fields are appended to it.
std::string BeginRecord(uint8_t version = 1);
void AppendByte(std::string* out, uint8_t byte);
std::string FinishRecord(std::string_view key, std::string body);

// Checks version and check sum; *fields reads what is between them. Errors:
// kNotSupported for a version that is not 1, kCorruption.
Status OpenRecord(const char* what, std::string_view key,
                  std::string_view value, FieldReader* fields);

// Opens a record of any version up to that of the kind; its first byte says
// which.
Status OpenRecord(const RecordKind& kind, std::string_view key,
                  std::string_view value, FieldReader* fields);

// Ends the reading. Errors: kCorruption unless all fields were read, and no
// more.
Status CloseRecord(const char* what, const FieldReader& fields);

// Returns kCorruption for a record that is whole and does not fit its key: it
// says what the one names and what the other.
Status DisagreesWithKey(const char* what, const std::string& key_names,
                        const std::string& record_names);

}  // namespace actorkv

#endif  // ACTORKV_KV_FORMAT_RECORD_FRAME_H_
