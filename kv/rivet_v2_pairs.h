// RivetV2Pairs: the database of a sqlite.bin (kv/rivet_v2.h) as the SQLite
// pairs that layout 1 would have for it, so that it can be checked and copied
// as those are (its pages and their chunks have the same size).

#ifndef ACTORKV_KV_RIVET_V2_PAIRS_H_
#define ACTORKV_KV_RIVET_V2_PAIRS_H_

#include <optional>
#include <string>
#include <string_view>

#include "kv/pairs.h"
#include "kv/rivet_v2.h"

namespace actorkv {

class RivetV2Pairs : public PairReader {
 public:
  // `database` must outlive it.
  explicit RivetV2Pairs(RivetV2Database* database);

  // Errors: those of RivetV2Database::ReadPage().
  Status Get(std::string_view key, std::optional<std::string>* value) override;
  Status Seek(std::string_view key, std::optional<KeyValue>* pair) override;

 private:
  RivetV2Database* const database_;
  const KeyValue metadata_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_RIVET_V2_PAIRS_H_
