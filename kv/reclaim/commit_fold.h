// CommitFold: before the records of commits expire, the pages that they changed
// go into the record of the next commit that stays, so that the way from one
// version to an older one (kv/history/change_trail.h) has no hole where reclaim
// was.
//
// Such a record says of its pages: stored by this commit, or by one of those
// between it and its base. It is whole at any moment: the new one is written
// with, or before, the removal of those that it stands for.
//
// Records come newest first, as they lie. Between two that stay is a run; of it
// only page numbers are in memory, those up to kMaxFoldPages. A run that cannot
// be told, because a record has no list, or is missing, is left out: then the
// trail has a hole, and a comparison looks at each page.

#ifndef ACTORKV_KV_RECLAIM_COMMIT_FOLD_H_
#define ACTORKV_KV_RECLAIM_COMMIT_FOLD_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kv/base/types.h"
#include "kv/format/records.h"

namespace actorkv {

// The size of the largest database that is folded, in pages: 4 MiB of page
// numbers.
constexpr PageNo kMaxFoldPages = PageNo{1} << 20;

class CommitFold {
 public:
  struct Update {
    std::string key;
    std::string value;
  };

  // Tells that a commit stays; those that follow are older.
  void Begin(const std::string& key, std::string_view value);
  // Tells that those that follow are of no use to any that stays.
  void End() { keeper_.reset(); }

  // Adds the next older commit, which goes.
  void Add(const CommitRecord& expired);

  // Gives what has to be written at this point, once.
  std::optional<Update> Take();

 private:
  struct Keeper {
    std::string key;
    CommitRecord record;
  };

  void Compact();

  // The commit that is folded into; none: there is none. Its base is that of
  // the last one added.
  std::optional<Keeper> keeper_;
  std::vector<PageNo> pages_;  // with repetitions
  bool changed_ = false;       // since Begin() or Take()
};

}  // namespace actorkv

#endif  // ACTORKV_KV_RECLAIM_COMMIT_FOLD_H_
