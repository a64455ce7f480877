#include "kv/rivet_v2_pairs.h"

#include <utility>

#include "kv/legacy_file.h"

namespace actorkv {

namespace {

// The first chunk, of `count`, whose key is not before `key`; count: none.
uint32_t FirstChunk(std::string_view key, uint32_t count) {
  uint32_t first = 0;
  while (first < count) {
    const uint32_t middle = first + (count - first) / 2;
    if (LegacyChunkKey(LegacyTag::kMain, middle) < key) {
      first = middle + 1;
    } else {
      count = middle;
    }
  }
  return first;
}

}  // namespace

RivetV2Pairs::RivetV2Pairs(RivetV2Database* database)
    : database_(database),
      metadata_{LegacyMetadataKey(LegacyTag::kMain),
                LegacyMetadataValue(uint64_t{database->page_count()} *
                                    database->page_size())} {}

Status RivetV2Pairs::Get(std::string_view key,
                         std::optional<std::string>* value) {
  std::optional<KeyValue> pair;
  if (Status s = Seek(key, &pair); !s.ok()) return s;
  value->reset();
  if (pair.has_value() && pair->key == key) *value = std::move(pair->value);
  return Status::Ok();
}

Status RivetV2Pairs::Seek(std::string_view key, std::optional<KeyValue>* pair) {
  if (key <= metadata_.key) {
    *pair = metadata_;
    return Status::Ok();
  }
  const uint32_t index = FirstChunk(key, database_->page_count());
  if (index == database_->page_count()) {
    pair->reset();
    return Status::Ok();
  }
  KeyValue chunk;
  chunk.key = LegacyChunkKey(LegacyTag::kMain, index);
  if (Status s = database_->ReadPage(index + 1, &chunk.value); !s.ok()) {
    return s;
  }
  *pair = std::move(chunk);
  return Status::Ok();
}

}  // namespace actorkv
