// LegacyPages: the main file of a legacy actor as it stands, page by page.
//
// What is stored decides how large it is:
//  1. Its size is what page 1 says, where that is whole and its counters agree;
//     else what the metadata say; else where the last chunk ends.
//  2. A size above kMaxStoredFactor times what is stored is not believed: then
//     it ends with the last chunk, or at that limit.
// Where page 1 is lost the size of a page is not known, and taken for that of a
// chunk, which is what Rivet's databases have.

#ifndef ACTORKV_SQL_SALVAGE_LEGACY_PAGES_H_
#define ACTORKV_SQL_SALVAGE_LEGACY_PAGES_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "kv/legacy/sound_pairs.h"
#include "kv/rivet/layout_view.h"
#include "kv/rivet/legacy_file.h"
#include "kv/rivet/pairs.h"
#include "sql/salvage/salvage_pages.h"

namespace actorkv {

class Store;

constexpr uint64_t kMaxStoredFactor = 64;

// SizedPairs: pairs whose main file has the size that it is told to have.
class SizedPairs : public PairReader {
 public:
  // `pairs` must outlive it.
  explicit SizedPairs(PairReader* pairs) : pairs_(pairs) {}
  void set_size_bytes(uint64_t size_bytes) { size_bytes_ = size_bytes; }

  Status Get(std::string_view key, std::optional<std::string>* value) override;
  Status Seek(std::string_view key, std::optional<KeyValue>* pair) override {
    return pairs_->Seek(key, pair);
  }

 private:
  PairReader* const pairs_;
  uint64_t size_bytes_ = kMaxLegacyFileBytes;
};

class LegacyPages : public SalvagePages {
 public:
  LegacyPages(std::shared_ptr<Store> store, LegacyId legacy,
              std::function<Status()> keep_on);

  // Reads what is stored, once; to be called first. Errors: those of
  // OpenSalvagePages().
  Status Open();

  uint32_t page_size() const override { return page_size_; }
  PageNo page_count() const override { return page_count_; }
  Status Read(PageNo pgno, char* page, bool* sound) override;
  // Pairs never change.
  Status KeepOn() override { return keep_on_(); }

 private:
  struct Stored {
    uint64_t bytes = 0;
    uint64_t end = 0;  // of the last chunk
  };

  Status Count(Stored* stored);
  Status ClaimedBytes(uint64_t* bytes);

  const std::shared_ptr<Store> store_;
  const std::function<Status()> keep_on_;
  SoundPairs stored_;
  LayoutOneView view_;
  SizedPairs sized_;
  std::unique_ptr<LegacyFile> file_;
  uint32_t page_size_ = 0;
  PageNo page_count_ = 0;
};

}  // namespace actorkv

#endif  // ACTORKV_SQL_SALVAGE_LEGACY_PAGES_H_
