// Every field of every kind of record, by name, for people who look into a
// store (kv/inspect/pair_text.h). Names are those of the structs, with the unit
// at the end. Times are as they are stored: microseconds of the store's clock.
// Hashes and random numbers are hexadecimal digits.

#ifndef ACTORKV_KV_INSPECT_RECORD_JSON_H_
#define ACTORKV_KV_INSPECT_RECORD_JSON_H_

#include "kv/base/status.h"
#include "kv/format/chunk.h"
#include "kv/format/hints_record.h"
#include "kv/format/history_records.h"
#include "kv/format/legacy_record.h"
#include "kv/format/records.h"
#include "kv/inspect/json_fields.h"
#include "kv/store/clock_step.h"

namespace actorkv {

// Lists of pages and blocks are texts as "1-3 7": at most so many runs, and
// "..." behind them where there are more.
inline constexpr size_t kMaxShownRuns = 100;

// "sql", "import", ...
const char* OriginName(Origin origin);

void AddFields(const StoreRecord& record, JsonFields* fields);
void AddFields(const ActorEntry& entry, JsonFields* fields);
void AddFields(const Head& head, JsonFields* fields);
void AddFields(const CommitRecord& record, JsonFields* fields);
void AddFields(const BranchRecord& record, JsonFields* fields);
void AddFields(const StageRecord& record, JsonFields* fields);
void AddFields(const RestorePointRecord& record, JsonFields* fields);
void AddFields(const RestoreRecord& record, JsonFields* fields);
void AddFields(const ForkRecord& record, JsonFields* fields);
void AddFields(const SettingRecord& record, JsonFields* fields);
void AddFields(const HintsRecord& record, JsonFields* fields);
void AddFields(const LegacyRecord& record, JsonFields* fields);
void AddFields(const ClockStep& step, JsonFields* fields);

// The header, and what a payload says of itself: the base and the blocks of a
// delta, the place of a gap. Not the bytes of the page.
void AddFields(const DecodedChunk& chunk, JsonFields* fields);

// kCorruption where the list of pages in a record that decodes is none.
Status CheckPageList(const CommitRecord& record);

}  // namespace actorkv

#endif  // ACTORKV_KV_INSPECT_RECORD_JSON_H_
