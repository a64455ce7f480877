#include "kv/pages/branch_writer.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "kv/engine/engine_limits.h"
#include "kv/format/get_record.h"
#include "kv/format/keys.h"
#include "kv/store/store.h"

namespace actorkv {

namespace {

// The memory of one transaction on an engine with small batches.
size_t MemoryLimit(Engine* engine) {
  return std::min(kTransactionMemoryBytes,
                  engine->limits().max_batch_bytes / 2);
}

}  // namespace

BranchWriter::BranchWriter(std::shared_ptr<Store> store,
                           std::shared_ptr<Actor> actor,
                           const std::shared_ptr<const HeadState>& base,
                           uint32_t page_size)
    : BranchWriter(std::move(store), std::move(actor), base, base, page_size) {
  base_pages_.UseCache(store_->cache_id(), actor_->changes());
}

BranchWriter::BranchWriter(std::shared_ptr<Store> store,
                           std::shared_ptr<Actor> actor,
                           std::shared_ptr<const HeadState> base,
                           const std::shared_ptr<const HeadState>& source)
    : BranchWriter(std::move(store), std::move(actor), std::move(base), source,
                   source->head.snapshot.page_count == 0
                       ? kMinPageSize
                       : source->head.snapshot.page_size) {}

BranchWriter::BranchWriter(std::shared_ptr<Store> store,
                           std::shared_ptr<Actor> actor,
                           std::shared_ptr<const HeadState> base,
                           std::shared_ptr<const HeadState> source,
                           uint32_t page_size)
    : store_(std::move(store)),
      actor_(std::move(actor)),
      base_(std::move(base)),
      source_(std::move(source)),
      base_pages_(store_->engine(), source_, page_size),
      pages_(page_size, base_pages_.page_count()),
      new_branch_(store_.get(), page_size),
      chunks_(&base_pages_, &new_branch_) {}

// A writer that was not detached has not committed, so nobody can name what it
// staged: dropping it needs no look at the store. What happened to a commit
// whose outcome is unknown is decided before, by Detach().
BranchWriter::~BranchWriter() { new_branch_.Drop(actor_id()); }

void BranchWriter::Detach(bool committed) noexcept {
  // Pages go to the cache only now: before the commit no snapshot can see them,
  // and after a commit that failed none ever will.
  if (committed) chunks_.CachePages(store_->cache_id());
  new_branch_.Detach(actor_id(), committed);
}

ActorId BranchWriter::actor_id() const {
  return base_->exists || base_->is_legacy ? base_->entry.actor : new_actor_id_;
}

BranchId BranchWriter::branch() const {
  return new_branch_.exists() ? new_branch_.id() : base_->head.snapshot.branch;
}

// --- Pages -------------------------------------------------------------------

Status BranchWriter::ReadPage(PageNo pgno, char* page) {
  if (!failed_.ok()) return failed_;
  const std::string* const written = pages_.Find(pgno);
  if (written != nullptr) {
    std::memcpy(page, written->data(), page_size());
    return Status::Ok();
  }
  // The order is that of age. What is in memory was written last; what is
  // staged was written before it, and hides the base.
  if (new_branch_.Has(pgno)) return new_branch_.Read(pgno, page);
  if (base_pages_.Shows(pgno)) return base_pages_.Read(pgno, page);
  std::memset(page, 0, page_size());
  return Status::Ok();
}

Status BranchWriter::WritePage(PageNo pgno, const char* page) {
  if (!failed_.ok()) return failed_;
  pages_.Put(pgno, page);
  if (memory_bytes() <= MemoryLimit(store_->engine())) return Status::Ok();
  return Stage();
}

Status BranchWriter::Truncate(uint32_t page_count) {
  if (failed_.ok()) failed_ = Cut(page_count);
  return failed_;
}

Status BranchWriter::Cut(uint32_t page_count) {
  pages_.Truncate(page_count);
  for (PageNo pgno = new_branch_.NextAfter(page_count); pgno != 0;
       pgno = new_branch_.NextAfter(pgno)) {
    if (Status s = chunks_.Unstage(pgno); !s.ok()) return s;
  }
  base_pages_.Cut(page_count);
  return Status::Ok();
}

Status BranchWriter::Differs(bool* differs) {
  *differs = true;
  if (page_count() != source_->head.snapshot.page_count) return Status::Ok();
  if (base_pages_.shown_count() != page_count() ||
      new_branch_.page_count() != 0) {
    return Status::Ok();
  }
  // The hash decides for most pages; bytes are compared only where it is the
  // same. The first page that differs ends the look.
  for (const auto& [pgno, page] : pages_.pages()) {
    OldPage old;
    if (Status s = base_pages_.Look(pgno, &old); !s.ok()) return s;
    if (!base_pages_.Equals(pgno, old, page, PageHash(pgno, page))) {
      return Status::Ok();
    }
  }
  *differs = false;
  return Status::Ok();
}

// --- The stage ---------------------------------------------------------------

// Takes the ids that the first chunk needs.
void BranchWriter::TakeIds(bool stage, Batch* batch) {
  // The txid is taken once, and stays taken when the commit fails
  // (kv/README.md, invariant 4): chunks under it may have landed.
  if (txid_ == TxId{}) txid_ = actor_->TakeTxId(source_->head.snapshot.txid);
  if (actor_id() == ActorId{}) new_actor_id_ = ActorId{store_->NewId(batch)};
  // A stage has a branch of its own, so that nothing of it lies where readers
  // look. So has what does not follow from the head of the branch: a restore, a
  // fork, and what comes after a commit that may still land.
  const bool fresh_branch = stage || !base_->exists || source_ != base_ ||
                            !store_->CanContinueBranch(actor_.get());
  if (fresh_branch && !new_branch_.exists()) {
    new_branch_.Create(
        BranchId{store_->NewId(batch, source_->head.snapshot.branch.value)});
  }
}

Status BranchWriter::BeginStage() {
  if (new_branch_.is_staged()) return Status::Ok();
  Batch batch;
  TakeIds(/*stage=*/true, &batch);
  return new_branch_.BeginStage(actor_id(), txid_, &batch);
}

Status BranchWriter::Stage() {
  if (failed_.ok()) failed_ = StagePages();
  return failed_;
}

Status BranchWriter::StagePages() {
  if (Status s = BeginStage(); !s.ok()) return s;
  // Page 1 stays in memory: SQLite writes it again at the commit, and its stamp
  // is not known before.
  if (Status s = pages_.TakeAfter(1,
                                  [this](PageNo pgno, const std::string& page) {
                                    return chunks_.Stage(pgno, page);
                                  });
      !s.ok()) {
    return s;
  }
  return new_branch_.Flush();
}

// --- Loading -----------------------------------------------------------------

bool BranchWriter::CanLoad(PageNo pgno) const {
  return source_->head.snapshot.page_count == 0 && pgno > 1 &&
         pgno != LockPage(page_size()) && !new_branch_.Has(pgno) &&
         pages_.Find(pgno) == nullptr;
}

Status BranchWriter::LoadPage(PageNo pgno, const char* page,
                              uint64_t page_hash) {
  if (!failed_.ok()) return failed_;
  if (!CanLoad(pgno)) return WritePage(pgno, page);
  failed_ = BeginStage();
  if (!failed_.ok()) return failed_;
  pages_.Grow(pgno);
  failed_ = chunks_.Load(pgno, std::string_view(page, page_size()), page_hash);
  return failed_;
}

Status BranchWriter::SaveLoad(LoadProgress* progress) {
  if (failed_.ok()) failed_ = BeginStage();
  if (failed_.ok()) failed_ = new_branch_.Finish();
  if (!failed_.ok()) return failed_;
  // The progress names only what Finish() has made sure is in the store. A
  // resume that trusted more would publish pages that are missing.
  progress->stage = new_branch_.id();
  progress->txid = txid_;
  progress->page_size = page_size();
  progress->last_page = page_count();
  progress->digest = chunks_.digest();
  progress->written_bytes = chunks_.written_bytes();
  return Status::Ok();
}

Status BranchWriter::CanResume(const LoadProgress& progress, bool* can_resume) {
  // Without the stage record the branch was dropped or committed. One that a
  // legacy record names is not dropped (kv/README.md, invariant 5).
  *can_resume = false;
  if (source_->head.snapshot.page_count != 0) return Status::Ok();
  return HasKey(store_->engine()->NewReader().get(), CatalogPartition(),
                StageKey(progress.stage), can_resume);
}

Status BranchWriter::ResumeLoad(const LoadProgress& progress, bool* resumed) {
  *resumed = false;
  bool can_resume = false;
  Status s = CanResume(progress, &can_resume);
  if (!s.ok() || !can_resume) return s;
  // A txid that this process gave away is not used again; of a process that is
  // gone nothing is under way.
  txid_ = actor_->TakeTxId(source_->head.snapshot.txid);
  if (progress.txid < txid_) return Status::Ok();
  if (txid_ < progress.txid) {
    txid_ = actor_->TakeTxId(TxId{progress.txid.value - 1});
  }
  new_branch_.Resume(progress.stage, txid_, progress.last_page);
  pages_.Grow(progress.last_page);
  chunks_.Resume(progress.digest, progress.written_bytes);
  *resumed = true;
  return Status::Ok();
}

// --- The commit --------------------------------------------------------------

// Invariant 2.
Status BranchWriter::Resize(uint32_t page_count) {
  if (page_count < this->page_count()) {
    if (Status s = Truncate(page_count); !s.ok()) return s;
  }
  pages_.Grow(page_count);
  if (!failed_.ok()) return failed_;
  std::string zeros;
  for (PageNo pgno = base_pages_.shown_count() + 1; pgno <= page_count;
       ++pgno) {
    if (pages_.Find(pgno) != nullptr || new_branch_.Has(pgno)) continue;
    zeros.resize(page_size());
    if (Status s = WritePage(pgno, zeros.data()); !s.ok()) return s;
  }
  return Status::Ok();
}

Status BranchWriter::PutPages(const CommitSpec& spec, Batch* batch) {
  chunks_.BeginCommit(branch(), txid_);
  for (const auto& [pgno, page] : pages_.pages()) {
    // Page 1 is last: what it holds depends on the stamp, and whether it is
    // stored at all on the rest (PutFirstPage()).
    if (pgno == 1) continue;
    if (Status s = chunks_.Put(pgno, page, batch); !s.ok()) return s;
  }
  if (new_branch_.is_staged()) {
    // The head must not be there before its pages are: batches of the stage
    // that are under way are waited for, and their errors end the commit.
    if (Status s = new_branch_.Finish(); !s.ok()) return s;
  }
  // PutFirstPage() subtracts page 1.
  for (PageNo pgno = std::max(page_count() + 1, PageNo{2});
       pgno <= base_pages_.page_count(); ++pgno) {
    if (Status s = chunks_.Remove(pgno); !s.ok()) return s;
  }
  return chunks_.PutFirstPage(pages_, spec.stamp, batch);
}

MadeVersion BranchWriter::Made(const CommitSpec& spec) const {
  MadeVersion made;
  made.actor = actor_id();
  made.snapshot.branch = branch();
  made.snapshot.txid = txid_;
  made.snapshot.page_count = page_count();
  made.snapshot.page_size = page_count() == 0 ? 0 : page_size();
  made.snapshot.stamp = spec.stamp;
  made.digest = chunks_.digest();
  made.first_page_hash = chunks_.first_page_hash();
  made.written_bytes = chunks_.written_bytes();
  made.begins_branch = new_branch_.exists();
  if (!made.begins_branch) {
    made.pages = chunks_.changed_pages();
    made.changed_page_count = static_cast<uint32_t>(made.pages.size());
    return made;
  }
  made.pages = new_branch_.Pages();
  made.changed_page_count = new_branch_.added_count();
  const bool has_lock_page = page_count() >= LockPage(page_size());
  made.is_whole =
      new_branch_.page_count() + (has_lock_page ? 1 : 0) >= page_count();
  // Elsewhere the stage record goes later, by itself: were it removed in a
  // batch before the head, a death in between would leave a stage that nobody
  // knows.
  made.ends_stage = new_branch_.is_staged() &&
                    store_->engine()->limits().multi_partition_commit;
  return made;
}

Status BranchWriter::Prepare(const CommitSpec& spec, const CommitStamp& stamp,
                             Batch* batch,
                             std::shared_ptr<const HeadState>* state) {
  // A page beside the pairs of a legacy actor would be a second truth. Only the
  // migration, which replaces them as a whole, may write.
  if (base_->is_legacy && spec.origin != Origin::kMigrate) {
    return Status::NotSupported(
        "the actor is legacy: it can be written after its migration: actor=" +
        actor_->name());
  }
  if (Status s = Resize(spec.page_count); !s.ok()) return s;
  TakeIds(/*stage=*/false, batch);
  if (new_branch_.is_staged()) {
    // A stage that was begun takes all the rest: a version is in one branch,
    // and its list of pages is made from there.
    if (Status s = Stage(); !s.ok()) return s;
  }
  if (Status s = PutPages(spec, batch); !s.ok()) return s;
  return CommitRecords(actor_->name(), *base_, *source_)
      .Put(spec, stamp, Made(spec), batch, state);
}

}  // namespace actorkv
