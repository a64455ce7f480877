// CommitFold: before the records of commits expire, what they changed goes into
// the record of the next commit that stays, so that the way from one version to
// an older one (kv/history/change_trail.h) has no hole where reclaim was.
//
// Such a record says of its pages: stored by this commit, or by one of those
// between it and its base. It is whole at any moment: the new one is written
// with, or before, the removal of those that it stands for.
//
// Records come newest first, as they lie. Between two that stay is a run; of it
// only page numbers are in memory, those up to kMaxFoldPages. A run that cannot
// be told, because a record has no list, or is missing, is left out: then the
// trail has a hole, and who compares looks at each page.

#ifndef ACTORKV_KV_RECLAIM_COMMIT_FOLD_H_
#define ACTORKV_KV_RECLAIM_COMMIT_FOLD_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kv/base/types.h"
#include "kv/format/records.h"

namespace actorkv {

// Larger databases are left out: 4 MiB of page numbers.
constexpr PageNo kMaxFoldPages = PageNo{1} << 20;

class CommitFold {
 public:
  struct Update {
    std::string key;
    std::string value;
  };

  // A commit stays; those that follow are older.
  void Begin(const std::string& key, std::string_view value);
  // Those that follow are of no use to any that stays.
  void End() { keeper_.reset(); }

  // The next older one goes.
  void Add(const CommitRecord& expired);

  // What has to be written now, as far as it goes; once.
  std::optional<Update> Take();

 private:
  struct Keeper {
    std::string key;
    CommitRecord record;
  };

  void Compact();

  // None: nothing to fold into. Its base is that of the last one added.
  std::optional<Keeper> keeper_;
  std::vector<PageNo> pages_;  // with repetitions
  bool changed_ = false;       // since Begin() or Take()
};

}  // namespace actorkv

#endif  // ACTORKV_KV_RECLAIM_COMMIT_FOLD_H_
