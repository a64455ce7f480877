// ImagePairs: shows the pages of a database as the SQLite pairs that layout 1
// would have for it, so that it can be read, checked and changed as those are.

#ifndef ACTORKV_KV_LEGACY_IMAGE_PAIRS_H_
#define ACTORKV_KV_LEGACY_IMAGE_PAIRS_H_

#include <optional>
#include <string>
#include <string_view>

#include "kv/pages/image.h"
#include "kv/rivet/pairs.h"

namespace actorkv {

// Belongs to one thread at a time.
class ImagePairs : public PairReader {
 public:
  // The source of `pages` must outlive the object.
  explicit ImagePairs(ImagePages pages);

  // Errors: those of the pages.
  Status Get(std::string_view key, std::optional<std::string>* value) override;
  Status Seek(std::string_view key, std::optional<KeyValue>* pair) override;

 private:
  Status ReadChunk(uint32_t index, std::string* chunk);

  const ImagePages pages_;
  const KeyValue metadata_;
  const uint32_t chunk_count_;
  // The last page that was read, where pages are larger than a chunk; 0: none.
  PageNo page_no_ = 0;
  std::string page_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_LEGACY_IMAGE_PAIRS_H_
