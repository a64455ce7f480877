#include "kv/legacy/sound_pairs.h"

#include <vector>

#include "kv/base/coding.h"
#include "kv/engine/prefix_scan.h"
#include "kv/format/keys.h"
#include "kv/format/legacy_record.h"

namespace actorkv {

namespace {

constexpr size_t kNumberBytes = 4;  // at the end of the key of a chunk

// Goes to the next number. False where the key has none, or no more.
bool NextNumber(std::string* key) {
  if (key->size() <= kNumberBytes) return false;
  char* const number = key->data() + key->size() - kNumberBytes;
  if (LoadBig32(number) == ~uint32_t{0}) return false;
  StoreBig32(number, LoadBig32(number) + 1);
  return true;
}

}  // namespace

SoundPairs::SoundPairs(Engine* engine, LegacyId legacy)
    : legacy_(legacy),
      reader_(engine->NewReader()),
      window_(reader_.get(), LegacyPartition(legacy)) {}

Status SoundPairs::Get(std::string_view key,
                       std::optional<std::string>* value) {
  std::vector<std::optional<std::string>> values;
  Status s = reader_->Get(LegacyPartition(legacy_), {PairKey(key)}, &values);
  if (!s.ok() && s.code() != Code::kCorruption) return s;
  value->reset();
  std::string_view bytes;
  if (s.ok() && values[0].has_value() &&
      DecodePair(legacy_, key, *values[0], &bytes).ok()) {
    *value = std::string(bytes);
  }
  return Status::Ok();
}

// A window fails as a whole where one block of it is damaged; so the pair is
// asked for alone then.
Status SoundPairs::SeekStored(const std::string& key, bool* found,
                              std::string_view* found_key,
                              std::string_view* value) {
  Status s = window_.SeekOne(key, found, found_key, value);
  if (s.code() != Code::kCorruption) return s;
  return reader_->SeekOne(LegacyPartition(legacy_), key, found, found_key,
                          value);
}

Status SoundPairs::Seek(std::string_view key, std::optional<KeyValue>* pair) {
  std::string at = PairKey(key);
  int steps = 0;
  for (;;) {
    bool found = false;
    std::string_view stored_key;
    std::string_view stored;
    Status s = SeekStored(at, &found, &stored_key, &stored);
    if (s.code() == Code::kCorruption && ++steps <= kMaxSteps &&
        NextNumber(&at)) {
      continue;
    }
    if (!s.ok()) return s;
    if (!found) {
      pair->reset();
      return Status::Ok();
    }
    std::string_view found_key;
    std::string_view value;
    if (ParsePairKey(stored_key, &found_key).ok() &&
        DecodePair(legacy_, found_key, stored, &value).ok()) {
      *pair = KeyValue{std::string(found_key), std::string(value)};
      return Status::Ok();
    }
    at = KeyAfter(stored_key);
  }
}

}  // namespace actorkv
