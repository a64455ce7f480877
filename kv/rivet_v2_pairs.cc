#include "kv/rivet_v2_pairs.h"

#include <utility>

#include "kv/coding.h"
#include "kv/legacy_file.h"

namespace actorkv {

RivetV2Pairs::RivetV2Pairs(RivetV2Database* database)
    : database_(database),
      metadata_{LegacyMetadataKey(LegacyTag::kMain),
                LegacyMetadataValue(uint64_t{database->page_count()} *
                                    database->page_size())} {}

Status RivetV2Pairs::ReadChunk(uint32_t index, KeyValue* pair) {
  KeyValue read;
  read.key = LegacyChunkKey(LegacyTag::kMain, index);
  if (Status s = database_->ReadPage(index + 1, &read.value); !s.ok()) return s;
  *pair = std::move(read);
  return Status::Ok();
}

Status RivetV2Pairs::Get(std::string_view key,
                         std::optional<std::string>* value) {
  std::optional<KeyValue> pair;
  if (Status s = Seek(key, &pair); !s.ok()) return s;
  value->reset();
  if (pair.has_value() && pair->key == key) *value = std::move(pair->value);
  return Status::Ok();
}

Status RivetV2Pairs::Seek(std::string_view key, std::optional<KeyValue>* pair) {
  pair->reset();
  if (key <= metadata_.key) {
    *pair = metadata_;
    return Status::Ok();
  }
  // The first chunk whose key is not before `key`.
  const std::string first = LegacyChunkKey(LegacyTag::kMain, 0);
  uint32_t index = 0;
  if (key > first) {
    constexpr size_t kIndexBytes = sizeof(uint32_t);
    const size_t prefix = first.size() - kIndexBytes;
    if (key.substr(0, prefix) != std::string_view(first).substr(0, prefix)) {
      return Status::Ok();
    }
    std::string number(key.substr(prefix, kIndexBytes));
    const bool past = key.size() > first.size();
    number.resize(kIndexBytes, '\0');
    index = LoadBig32(number.data());
    if (past && index == UINT32_MAX) return Status::Ok();
    index += past ? 1 : 0;
  }
  if (index >= database_->page_count()) return Status::Ok();
  KeyValue chunk;
  if (Status s = ReadChunk(index, &chunk); !s.ok()) return s;
  *pair = std::move(chunk);
  return Status::Ok();
}

}  // namespace actorkv
