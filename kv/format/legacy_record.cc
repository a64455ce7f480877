#include "kv/format/legacy_record.h"

#include <algorithm>

#include "kv/base/hex.h"
#include "kv/format/keys.h"
#include "kv/format/record_frame.h"

namespace actorkv {

namespace {

constexpr char kWhat[] = "legacy";
// Version 1 has no limits and no count of pairs above them.
constexpr RecordKind kKind = {kWhat, 2};
// It takes the place of the last note, so that a list which is full says so.
constexpr char kMore[] = "and more, which are not listed";

// Appends a text: length(4) | bytes.
void AppendText(std::string* out, std::string_view text) {
  AppendLittle32(out, static_cast<uint32_t>(text.size()));
  out->append(text);
}

std::string ReadText(FieldReader* fields) {
  const uint32_t size = fields->Little32();
  return std::string(fields->Bytes(size));
}

// Appends texts: count(4) | texts.
void AppendTexts(std::string* out, const std::vector<std::string>& texts) {
  AppendLittle32(out, static_cast<uint32_t>(texts.size()));
  for (const std::string& text : texts) AppendText(out, text);
}

std::vector<std::string> ReadTexts(FieldReader* fields) {
  std::vector<std::string> texts;
  const uint32_t count = fields->Little32();
  // A count that is not true ends with the bytes, before it takes memory.
  for (uint32_t i = 0; i < count && fields->ok(); ++i) {
    texts.push_back(ReadText(fields));
  }
  return texts;
}

void AppendLease(std::string* out, const LeaseMark& lease) {
  out->append(lease.owner.begin(), lease.owner.end());
  AppendLittle64(out, lease.taken_at_us);
  AppendLittle64(out, lease.heartbeat_us);
}

LeaseMark ReadLease(FieldReader* fields) {
  LeaseMark lease;
  const std::string_view owner = fields->Bytes(lease.owner.size());
  std::copy(owner.begin(), owner.end(), lease.owner.begin());
  lease.taken_at_us = fields->Little64();
  lease.heartbeat_us = fields->Little64();
  return lease;
}

// Reads the times of phases; those that a later version adds are skipped.
void ReadPhases(FieldReader* fields, LegacyRecord* record) {
  const uint32_t count = fields->Little32();
  for (uint32_t i = 0; i < count && fields->ok(); ++i) {
    const uint64_t time_us = fields->Little64();
    if (i < kLegacyPhaseCount) record->phase_us[i] = time_us;
  }
}

// Appends the progress at the end of a record; it is there only where something
// was begun.
void AppendProgress(std::string* body, const LoadProgress& progress) {
  AppendLittle64(body, progress.stage.value);
  AppendLittle64(body, progress.txid.value);
  AppendLittle32(body, progress.page_size);
  AppendLittle32(body, progress.page_count);
  AppendLittle32(body, progress.last_page);
  AppendLittle64(body, progress.digest);
  AppendLittle64(body, progress.written_bytes);
}

LoadProgress ReadProgress(FieldReader* fields) {
  LoadProgress progress;
  progress.stage.value = fields->Little64();
  progress.txid.value = fields->Little64();
  progress.page_size = fields->Little32();
  progress.page_count = fields->Little32();
  progress.last_page = fields->Little32();
  progress.digest = fields->Little64();
  progress.written_bytes = fields->Little64();
  return progress;
}

// Cuts a text of UTF-8, without half a character at its end.
std::string_view CutText(std::string_view text) {
  if (text.size() <= kMaxLegacyNoteBytes) return text;
  size_t size = kMaxLegacyNoteBytes;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) {
    --size;
  }
  return text.substr(0, size);
}

// Returns what binds a pair to its place: the id of the pairs, then the stored
// key.
std::string PairPlace(LegacyId legacy, std::string_view key) {
  const std::string prefix = PairKey("");
  std::string place;
  // It is made for each pair that is read: with one piece of memory.
  place.reserve(sizeof legacy.value + prefix.size() + key.size());
  AppendBig64(&place, legacy.value);
  return place.append(prefix).append(key);
}

}  // namespace

// These names are shown in SQL (sql/README.md) and do not change; what is
// stored is the number.
const char* LegacyStateName(LegacyState state) {
  switch (state) {
    case LegacyState::kLegacy:
      return "legacy";
    case LegacyState::kImporting:
      return "importing";
    case LegacyState::kLive:
      return "live";
    case LegacyState::kFailed:
      return "failed";
  }
  return "unknown";
}

const char* LegacyFormName(LegacyForm form) {
  switch (form) {
    case LegacyForm::kJsonLines:
      return "jsonl";
    case LegacyForm::kKvBin:
      return "kv.bin";
    case LegacyForm::kArchive:
      return "archive";
    case LegacyForm::kDriverFile:
      return "driver";
    case LegacyForm::kOwnTables:
      return "tables";
    case LegacyForm::kRivetDatabase:
      return "rocksdb";
    case LegacyForm::kRows:
      return "rows";
  }
  return "unknown";
}

const char* LegacyPhaseName(LegacyPhase phase) {
  switch (phase) {
    case LegacyPhase::kNone:
      return "none";
    case LegacyPhase::kImport:
      return "import";
    case LegacyPhase::kLayouts:
      return "layouts";
    case LegacyPhase::kRecover:
      return "recover";
    case LegacyPhase::kCopy:
      return "copy";
    case LegacyPhase::kCheck:
      return "check";
    case LegacyPhase::kCommit:
      return "commit";
    case LegacyPhase::kTables:
      return "tables";
  }
  return "unknown";
}

void AddLegacyNote(std::string_view text, std::vector<std::string>* notes) {
  if (notes->size() >= kMaxLegacyNotes) {
    notes->back() = kMore;
    return;
  }
  notes->emplace_back(CutText(text));
}

std::string EncodeRecord(std::string_view key, const LegacyRecord& record) {
  std::string body = BeginRecord(kKind.version);
  AppendByte(&body, static_cast<uint8_t>(record.state));
  AppendLittle64(&body, record.legacy.value);
  AppendByte(&body, static_cast<uint8_t>(record.form));
  AppendByte(&body, record.layouts);
  AppendLittle64(&body, record.pair_count);
  AppendLittle64(&body, record.bytes);
  AppendLittle64(&body, record.sqlite_bytes);
  AppendLittle64(&body, record.imported_at_us);
  AppendLittle32(&body, record.attempts);
  AppendByte(&body, static_cast<uint8_t>(record.phase));
  AppendLease(&body, record.lease);
  AppendLittle64(&body, record.migrated_txid.value);
  AppendLittle64(&body, record.migrated_at_us);
  AppendLittle64(&body, record.dropped_at_us);
  AppendLittle64(&body, record.last_txid.value);
  AppendLittle64(&body, record.last_generation.value);
  AppendLittle32(&body, kLegacyPhaseCount);
  for (const uint64_t time_us : record.phase_us) AppendLittle64(&body, time_us);
  AppendTexts(&body, record.repairs);
  AppendTexts(&body, record.warnings);
  AppendText(&body, CutText(record.error));
  AppendText(&body, record.metadata_json);
  AppendLittle32(&body, record.limit_key_bytes);
  AppendLittle32(&body, record.limit_value_bytes);
  AppendLittle64(&body, record.oversized_count);
  if (record.progress.begun()) AppendProgress(&body, record.progress);
  return FinishRecord(key, std::move(body));
}

Status DecodeRecord(std::string_view key, std::string_view value,
                    LegacyRecord* record) {
  FieldReader fields({});
  if (Status s = OpenRecord(kKind, key, value, &fields); !s.ok()) return s;
  const bool has_limits = value[0] != 1;
  LegacyRecord decoded;
  const uint8_t state = fields.Byte();
  decoded.state = static_cast<LegacyState>(state);
  decoded.legacy.value = fields.Little64();
  decoded.form = static_cast<LegacyForm>(fields.Byte());
  decoded.layouts = fields.Byte();
  decoded.pair_count = fields.Little64();
  decoded.bytes = fields.Little64();
  decoded.sqlite_bytes = fields.Little64();
  decoded.imported_at_us = fields.Little64();
  decoded.attempts = fields.Little32();
  decoded.phase = static_cast<LegacyPhase>(fields.Byte());
  decoded.lease = ReadLease(&fields);
  decoded.migrated_txid.value = fields.Little64();
  decoded.migrated_at_us = fields.Little64();
  decoded.dropped_at_us = fields.Little64();
  decoded.last_txid.value = fields.Little64();
  decoded.last_generation.value = fields.Little64();
  ReadPhases(&fields, &decoded);
  decoded.repairs = ReadTexts(&fields);
  decoded.warnings = ReadTexts(&fields);
  decoded.error = ReadText(&fields);
  decoded.metadata_json = ReadText(&fields);
  if (has_limits) {
    decoded.limit_key_bytes = fields.Little32();
    decoded.limit_value_bytes = fields.Little32();
    decoded.oversized_count = fields.Little64();
  }
  // Most records end here: a migration that is done, or never began, has no
  // progress. Records of modules that did not keep any end here as well.
  if (!fields.rest().empty()) decoded.progress = ReadProgress(&fields);
  if (Status s = CloseRecord(kWhat, fields); !s.ok()) return s;
  // The checksum held, so this is no damage: a newer module knows a state that
  // this one must not act on. The form and the phase are only shown, and may be
  // newer.
  if (state < static_cast<uint8_t>(LegacyState::kLegacy) ||
      state > static_cast<uint8_t>(LegacyState::kFailed)) {
    return Status::NotSupported("legacy state " + std::to_string(state) +
                                " is not known");
  }
  if (decoded.layouts > kOpaqueKeys) {
    return Status::NotSupported("legacy keys of sort " +
                                std::to_string(decoded.layouts) +
                                " are not known");
  }
  *record = std::move(decoded);
  return Status::Ok();
}

// The place of a pair is its partition and its key: a pair that was copied to
// another actor, or under another key, does not verify there.
std::string EncodePair(LegacyId legacy, std::string_view key,
                       std::string_view value) {
  std::string body = BeginRecord();
  body.append(value);
  return FinishRecord(PairPlace(legacy, key), std::move(body));
}

Status DecodePair(LegacyId legacy, std::string_view key,
                  std::string_view stored, std::string_view* value) {
  FieldReader fields({});
  Status s = OpenRecord("legacy pair", PairPlace(legacy, key), stored, &fields);
  if (!s.ok()) return s.WithContext("key=" + BytesText(key));
  *value = fields.rest();
  return Status::Ok();
}

}  // namespace actorkv
