#include "kv/inspect/version_check.h"

#include <utility>

namespace actorkv {

namespace {

constexpr PageNo kPagesAtOnce = 256;

constexpr char kMend[] =
    "SELECT * FROM actorkv_doctor(actor) finds the newest sound commit; other "
    "actors are not affected";

}  // namespace

VersionChecker::VersionChecker(Engine* engine, std::string name,
                               std::shared_ptr<const HeadState> version)
    : name_(std::move(name)), version_(std::move(version)), reader_(engine) {
  reader_.SetSnapshot(version_->head.snapshot, version_->lineage);
}

Status VersionChecker::HashOf(PageNo pgno, TxId* txid, uint64_t* page_hash) {
  const Snapshot& snapshot = version_->head.snapshot;
  *txid = TxId{};
  // The page is never stored, and has no part in the digest.
  if (pgno == LockPage(snapshot.page_size)) {
    *page_hash = 0;
    return Status::Ok();
  }
  PageVersion found;
  // A damaged page has a place, too, so the txid is set in any case.
  Status s = reader_.FindPage(pgno, &found);
  *txid = found.id.txid;
  if (!s.ok()) return s;
  std::string page(snapshot.page_size, '\0');
  if (Status unpacked =
          reader_.UnpackVersion(found, snapshot.page_size, page.data());
      !unpacked.ok()) {
    return unpacked;
  }
  // The chunk's checksum held, so the page was wrong when it was written: that
  // is what the page hash is for.
  if (PageHash(pgno, page) != found.chunk.page_hash) {
    return Status::Corruption("page hash mismatch: " + ChunkName(found.id));
  }
  if (pgno == 1) return reader_.HashPage(pgno, page_hash);  // with its stamp
  *page_hash = found.chunk.page_hash;
  return Status::Ok();
}

Status VersionChecker::CheckPage(PageNo pgno, TxId* txid) {
  uint64_t page_hash = 0;
  return HashOf(pgno, txid, &page_hash);
}

void VersionChecker::Step(std::vector<Finding>* findings, bool* done) {
  const Snapshot& snapshot = version_->head.snapshot;
  *done = false;
  for (PageNo i = 0; i < kPagesAtOnce && next_page_ <= snapshot.page_count;
       ++i, ++next_page_) {
    TxId txid;
    uint64_t page_hash = 0;
    AddWork(work_, snapshot.page_size);
    if (Status s = HashOf(next_page_, &txid, &page_hash); !s.ok()) {
      findings->push_back({name_, next_page_, txid, s.ToString(), kMend});
      pages_missing_ = true;
    }
    // A page that could not be read adds what it has, which is of no use: the
    // sum is not compared then.
    digest_ += page_hash;
  }
  if (next_page_ <= snapshot.page_count) return;
  *done = true;
  // The findings of the pages that do not count say it already.
  if (pages_missing_ || digest_ == version_->head.digest) return;
  findings->push_back(
      {name_, 0, snapshot.txid,
       "corruption: the pages do not add up to the digest of the commit",
       kMend});
}

}  // namespace actorkv
