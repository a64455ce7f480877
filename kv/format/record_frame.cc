#include "kv/format/record_frame.h"

#include "kv/base/hash.h"

namespace actorkv {

namespace {

constexpr size_t kCheckBytes = 8;

uint64_t Check(std::string_view key, std::string_view body) {
  // The key is the seed: a record that was put under another key does not
  // verify.
  return Hash64(body, Hash64(key, 0));
}

Status Damaged(const char* what, const char* why) {
  return Status::Corruption(std::string(what) + " record damaged: " + why);
}

}  // namespace

std::string BeginRecord(uint8_t version) {
  return std::string(1, static_cast<char>(version));
}

void AppendByte(std::string* out, uint8_t byte) {
  out->push_back(static_cast<char>(byte));
}

// The check is the last thing in a record, so that a record is written in one
// pass and its fields have fixed offsets from the front.
std::string FinishRecord(std::string_view key, std::string body) {
  AppendLittle64(&body, Check(key, body));
  return body;
}

Status OpenRecord(const char* what, std::string_view key,
                  std::string_view value, FieldReader* fields) {
  return OpenRecord(RecordKind{what, 1}, key, value, fields);
}

Status OpenRecord(const RecordKind& kind, std::string_view key,
                  std::string_view value, FieldReader* fields) {
  const char* const what = kind.name;
  if (value.size() < 1 + kCheckBytes) return Damaged(what, "too short");
  const auto version = static_cast<uint8_t>(value[0]);
  // The version comes before the checksum: a newer one may have another frame.
  if (version == 0 || version > kind.version) {
    const std::string newest = std::to_string(kind.version);
    return Status::NotSupported(std::string(what) + " record version " +
                                std::to_string(version) +
                                " is not known; this version reads 1" +
                                (kind.version == 1 ? "" : " to " + newest));
  }
  std::string_view body = value.substr(0, value.size() - kCheckBytes);
  if (LoadLittle64(value.data() + body.size()) != Check(key, body)) {
    return Damaged(what, "checksum mismatch");
  }
  *fields = FieldReader(body.substr(1));
  return Status::Ok();
}

// A record with bytes left over is damage although its check holds: a field
// that only newer modules know comes with a newer version.
Status CloseRecord(const char* what, const FieldReader& fields) {
  if (!fields.ok() || !fields.rest().empty()) {
    return Damaged(what, "wrong length");
  }
  return Status::Ok();
}

// The check binds a record to its key, but not its fields to it: a writer with
// a bug, or a forged store, can have both right and different.
Status DisagreesWithKey(const char* what, const std::string& key_names,
                        const std::string& record_names) {
  return Status::Corruption(std::string(what) +
                            " record damaged: its key names " + key_names +
                            ", the record " + record_names);
}

}  // namespace actorkv
