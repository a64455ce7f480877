// VersionChecker: checks whether all pages of one version of an actor are
// sound. Reads each against its checksum and its page hash, and adds them up to
// the digest of the commit.
//
// The work goes in bounded pieces. Belongs to one thread at a time.

#ifndef ACTORKV_KV_INSPECT_VERSION_CHECK_H_
#define ACTORKV_KV_INSPECT_VERSION_CHECK_H_

#include <string>
#include <vector>

#include "kv/base/work_meter.h"
#include "kv/inspect/verify.h"
#include "kv/pages/branch_reader.h"
#include "kv/store/actor.h"

namespace actorkv {

class Store;

class VersionChecker {
 public:
  // `name` is the actor's, for the findings. The engine must outlive the
  // object.
  VersionChecker(Engine* engine, std::string name,
                 std::shared_ptr<const HeadState> version);

  // Has the pages that Step() reads added to a meter, which outlives this
  // object.
  void ShowIn(WorkMeter* work) { work_ = work; }

  // Does a piece of the work; adds to *findings. *done: there is no more.
  void Step(std::vector<Finding>* findings, bool* done);

  // Checks one page. *txid is that of the commit that stored it, 0 when that is
  // not known. Errors: kCorruption; kIOError.
  Status CheckPage(PageNo pgno, TxId* txid);

 private:
  Status HashOf(PageNo pgno, TxId* txid, uint64_t* page_hash);

  const std::string name_;
  const std::shared_ptr<const HeadState> version_;
  BranchReader reader_;
  WorkMeter* work_ = nullptr;
  PageNo next_page_ = 1;
  uint64_t digest_ = 0;
  bool pages_missing_ = false;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_INSPECT_VERSION_CHECK_H_
