#include "kv/legacy/image_pairs.h"

#include <algorithm>
#include <utility>

#include "kv/rivet/legacy_file.h"

namespace actorkv {

namespace {

// Finds the first chunk, of `count`, whose key is not before `key`; count:
// none.
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

// A file in pairs has an end: indexes are 32 bits.
uint64_t SizeOf(const ImagePages& pages) {
  return std::min(uint64_t{pages.page_count} * pages.page_size,
                  kMaxLegacyFileBytes);
}

}  // namespace

ImagePairs::ImagePairs(ImagePages pages)
    : pages_(std::move(pages)),
      metadata_{LegacyMetadataKey(LegacyTag::kMain),
                LegacyMetadataValue(SizeOf(pages_))},
      chunk_count_(static_cast<uint32_t>(
          (SizeOf(pages_) + kLegacyChunkBytes - 1) / kLegacyChunkBytes)) {}

Status ImagePairs::Get(std::string_view key,
                       std::optional<std::string>* value) {
  std::optional<KeyValue> pair;
  if (Status s = Seek(key, &pair); !s.ok()) return s;
  value->reset();
  if (pair.has_value() && pair->key == key) *value = std::move(pair->value);
  return Status::Ok();
}

Status ImagePairs::Seek(std::string_view key, std::optional<KeyValue>* pair) {
  // Metadata sort before all chunks, and nothing sorts before them.
  if (key <= metadata_.key) {
    *pair = metadata_;
    return Status::Ok();
  }
  const uint32_t index = FirstChunk(key, chunk_count_);
  if (index == chunk_count_) {
    pair->reset();
    return Status::Ok();
  }
  KeyValue chunk;
  chunk.key = LegacyChunkKey(LegacyTag::kMain, index);
  if (Status s = ReadChunk(index, &chunk.value); !s.ok()) return s;
  *pair = std::move(chunk);
  return Status::Ok();
}

// Makes a chunk, which is a part of a page, or some pages.
Status ImagePairs::ReadChunk(uint32_t index, std::string* chunk) {
  const uint64_t begin = uint64_t{index} * kLegacyChunkBytes;
  const size_t size = pages_.page_size;
  const auto first = static_cast<PageNo>(begin / size + 1);
  // A large page is kept, as the chunks that it makes are asked for one after
  // the other.
  if (size > kLegacyChunkBytes) {
    if (page_no_ != first) {
      // A read that fails may leave half a page.
      page_no_ = 0;
      page_.resize(size);
      if (Status s = pages_.read(first, page_.data()); !s.ok()) return s;
      page_no_ = first;
    }
    *chunk = page_.substr(begin % size, kLegacyChunkBytes);
    return Status::Ok();
  }
  // The last chunk ends with the database, and is short then.
  const auto count = static_cast<PageNo>(std::min<uint64_t>(
      kLegacyChunkBytes / size, pages_.page_count - (first - 1)));
  chunk->assign(count * size, '\0');
  for (PageNo i = 0; i < count; ++i) {
    if (Status s = pages_.read(first + i, chunk->data() + i * size); !s.ok()) {
      return s;
    }
  }
  return Status::Ok();
}

}  // namespace actorkv
