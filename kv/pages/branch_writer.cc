#include "kv/pages/branch_writer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "kv/base/coding.h"
#include "kv/engine/engine_limits.h"
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
  base_reader_.UseCache(store_->cache_id(), actor_->changes());
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
      page_size_(page_size),
      rewrite_(source_->head.snapshot.page_count != 0 &&
               source_->head.snapshot.page_size != page_size_),
      base_reader_(store_->engine()),
      page_count_(rewrite_ ? 0 : source_->head.snapshot.page_count),
      base_limit_(page_count_) {
  base_reader_.SetSnapshot(source_->head.snapshot, source_->lineage);
}

BranchWriter::~BranchWriter() {
  staged_chunks_.reset();  // what lands after the drop would never be dropped
  if (stage_known_) store_->work()->AddDeadStage(actor_id(), stage_);
}

// The next commit reads the hashes of these pages.
void BranchWriter::CacheMadePages() noexcept {
  for (auto& [pgno, page] : made_pages_) {
    PageCache::Instance()->Insert({store_->cache_id(), branch(), pgno}, txid_,
                                  std::move(page));
  }
}

void BranchWriter::Detach(bool committed) noexcept {
  if (committed) CacheMadePages();
  // Where the commit could not take the stage record away, dropping the stage
  // does; it finds the branch record and keeps the branch.
  if (committed && stage_known_ &&
      !store_->engine()->limits().multi_partition_commit) {
    store_->work()->AddDeadStage(actor_id(), stage_);
  }
  stage_known_ = false;
}

bool BranchWriter::IsStaged(PageNo pgno) const {
  return pgno < staged_.size() && staged_[pgno];
}

ActorId BranchWriter::actor_id() const {
  return base_->exists || base_->is_legacy ? base_->entry.actor : new_actor_id_;
}

BranchId BranchWriter::branch() const {
  return stage_ != BranchId{} ? stage_ : base_->head.snapshot.branch;
}

Status BranchWriter::ReadPage(PageNo pgno, char* page) {
  if (!failed_.ok()) return failed_;
  auto it = pages_.find(pgno);
  if (it != pages_.end()) {
    std::memcpy(page, it->second.data(), page_size_);
    return Status::Ok();
  }
  if (IsStaged(pgno)) {
    BranchReader* reader = nullptr;
    if (Status s = staged_chunks_->Reader(&reader); !s.ok()) return s;
    return reader->ReadPage(pgno, page);
  }
  if (pgno <= base_limit_) return base_reader_.ReadPage(pgno, page);
  std::memset(page, 0, page_size_);
  return Status::Ok();
}

Status BranchWriter::WritePage(PageNo pgno, const char* page) {
  if (!failed_.ok()) return failed_;
  page_count_ = std::max(page_count_, pgno);
  if (pgno == LockPage(page_size_)) return Status::Ok();
  auto [it, is_new] = pages_.try_emplace(pgno);
  it->second.assign(page, page_size_);
  if (is_new) memory_bytes_ += page_size_;
  if (memory_bytes_ <= MemoryLimit(store_->engine())) return Status::Ok();
  return Stage();
}

Status BranchWriter::Truncate(uint32_t page_count) {
  if (failed_.ok()) failed_ = Cut(page_count);
  return failed_;
}

Status BranchWriter::Cut(uint32_t page_count) {
  if (!failed_.ok()) return failed_;
  for (auto it = pages_.upper_bound(page_count); it != pages_.end();) {
    it = pages_.erase(it);
    memory_bytes_ -= page_size_;
  }
  for (size_t pgno = page_count + size_t{1}; pgno < staged_.size(); ++pgno) {
    if (!staged_[pgno]) continue;
    uint64_t staged_hash = 0;
    uint64_t base_hash = 0;
    const auto page = static_cast<PageNo>(pgno);
    if (Status s = HashStaged(page, &staged_hash); !s.ok()) return s;
    if (Status s = HashOfBase(page, &base_hash); !s.ok()) return s;
    digest_delta_ -= staged_hash - base_hash;
    staged_[pgno] = false;
    --staged_count_;
  }
  base_limit_ = std::min(base_limit_, page_count);
  page_count_ = page_count;
  return Status::Ok();
}

Status BranchWriter::HashOfBase(PageNo pgno, uint64_t* page_hash) {
  const Snapshot& base = source_->head.snapshot;
  if (rewrite_ || pgno > base.page_count || pgno == LockPage(page_size_)) {
    *page_hash = 0;
    return Status::Ok();
  }
  if (pgno == 1 && source_->first_page_of == base) {
    *page_hash = source_->first_page_hash;
    return Status::Ok();
  }
  return base_reader_.HashPage(pgno, page_hash);
}

// Whether the page shows through from the base as it is, given its hash.
// Equal hashes are no proof: the hash is not made to resist an attacker.
Status BranchWriter::EqualsBase(PageNo pgno, const std::string& page,
                                uint64_t page_hash, uint64_t* base_hash,
                                bool* equal) {
  *equal = false;
  if (Status s = HashOfBase(pgno, base_hash); !s.ok()) return s;
  // What was cut does not show through, even where it is written back.
  if (pgno > base_limit_ || *base_hash != page_hash) return Status::Ok();
  std::string base_page(page_size_, '\0');
  if (Status s = base_reader_.ReadPage(pgno, base_page.data()); !s.ok()) {
    return s;
  }
  *equal = base_page == page;
  return Status::Ok();
}

Status BranchWriter::Differs(bool* differs) {
  *differs = true;
  if (page_count_ != source_->head.snapshot.page_count) return Status::Ok();
  if (base_limit_ != page_count_ || staged_count_ != 0) return Status::Ok();
  for (const auto& [pgno, page] : pages_) {
    uint64_t base_hash = 0;
    bool equal = false;
    if (Status s =
            EqualsBase(pgno, page, PageHash(pgno, page), &base_hash, &equal);
        !s.ok()) {
      return s;
    }
    if (!equal) return Status::Ok();
  }
  *differs = false;
  return Status::Ok();
}

// Takes the ids that the first chunk needs.
void BranchWriter::TakeIds(bool stage, Batch* batch) {
  if (txid_ == TxId{}) txid_ = actor_->TakeTxId(source_->head.snapshot.txid);
  if (actor_id() == ActorId{}) new_actor_id_ = ActorId{store_->NewId(batch)};
  const bool fresh_branch = stage || !base_->exists || source_ != base_ ||
                            !store_->CanContinueBranch(actor_.get());
  if (fresh_branch && stage_ == BranchId{}) {
    stage_ = BranchId{store_->NewId(batch)};
  }
}

// The record of the stage, before there is anything in it.
Status BranchWriter::BeginStage() {
  if (stage_known_) return Status::Ok();
  Batch batch;
  TakeIds(/*stage=*/true, &batch);
  StageRecord record;
  record.actor = actor_id();
  record.created_at_us = stage_.value;
  const std::string key = StageKey(stage_);
  batch.Put(CatalogPartition(), key, EncodeRecord(key, record));
  staged_chunks_ =
      std::make_unique<StageWriter>(store_.get(), stage_, txid_, page_size_);
  stage_known_ = true;
  return store_->Commit(batch, Durability::kBuffered)
      .status.WithContext("staging");
}

Status BranchWriter::Stage() {
  if (failed_.ok()) failed_ = StagePages();
  return failed_;
}

Status BranchWriter::StagePages() {
  if (Status s = BeginStage(); !s.ok()) return s;
  for (auto it = pages_.upper_bound(1); it != pages_.end();) {
    if (Status s = PutPage(it->first, it->second, nullptr); !s.ok()) return s;
    it = pages_.erase(it);
    memory_bytes_ -= page_size_;
  }
  return staged_chunks_->Flush();
}

Status BranchWriter::HashStaged(PageNo pgno, uint64_t* page_hash) {
  BranchReader* reader = nullptr;
  if (Status s = staged_chunks_->Reader(&reader); !s.ok()) return s;
  return reader->HashPage(pgno, page_hash);
}

// Invariant 2: every page by which the database grew gets a version.
Status BranchWriter::FillGrowth() {
  std::string zeros;
  for (PageNo pgno = base_limit_ + 1; pgno <= page_count_; ++pgno) {
    if (pages_.count(pgno) != 0 || IsStaged(pgno)) continue;
    zeros.resize(page_size_);
    if (Status s = WritePage(pgno, zeros.data()); !s.ok()) return s;
  }
  return Status::Ok();
}

// Invariant 3, for pages that a shrink takes away.
Status BranchWriter::SubtractRemoved() {
  if (rewrite_) return Status::Ok();  // PutRecords() drops the whole digest
  // PutFirstPage() subtracts page 1.
  for (PageNo pgno = std::max(page_count_ + 1, PageNo{2});
       pgno <= source_->head.snapshot.page_count; ++pgno) {
    uint64_t base_hash = 0;
    if (Status s = HashOfBase(pgno, &base_hash); !s.ok()) return s;
    digest_delta_ -= base_hash;
  }
  return Status::Ok();
}

// `old_page` is as stored; null: it does not show through.
void BranchWriter::MakeFirstPage(const CommitSpec& spec,
                                 const PagePin& old_page) {
  const std::optional<uint32_t>& old_stamp = source_->head.snapshot.stamp;
  auto it = pages_.find(1);
  if (it != pages_.end()) {
    first_page_ = it->second;
  } else if (old_page != nullptr) {
    first_page_ = old_page->page();
    if (old_stamp.has_value()) ApplyStamp(*old_stamp, first_page_.data());
  } else {
    first_page_.assign(page_size_, '\0');
  }
  if (spec.stamp.has_value()) ApplyStamp(*spec.stamp, first_page_.data());
}

// Page 1 is hashed with the stamp, and stored when more than its stamp
// differs.
Status BranchWriter::PutFirstPage(const CommitSpec& spec, Batch* batch) {
  const Snapshot& base = source_->head.snapshot;
  uint64_t old_hash = 0;
  if (Status s = HashOfBase(1, &old_hash); !s.ok()) return s;
  digest_delta_ -= old_hash;
  PagePin old_page;
  if (base.page_count > 0 && !rewrite_) {
    if (Status s = base_reader_.PinPage(1, &old_page); !s.ok()) return s;
  }
  if (page_count_ == 0) return Status::Ok();
  MakeFirstPage(spec, base_limit_ >= 1 ? old_page : nullptr);
  first_page_hash_ = PageHash(1, first_page_);
  digest_delta_ += first_page_hash_;
  // Without a stamp in the head page 1 is as stored, so it must be stored.
  const bool loses_stamp = base.stamp.has_value() && !spec.stamp.has_value();
  if (old_page != nullptr && stage_ == BranchId{} && !loses_stamp) {
    const bool is_same = base.stamp.has_value()
                             ? EqualBesidesStamp(old_page->page(), first_page_)
                             : old_page->page() == first_page_;
    if (is_same) return Status::Ok();
  }
  return PutChunk(1, first_page_, first_page_hash_, batch);
}

bool BranchWriter::HoldsEveryPage() const {
  const PageNo lock_page = LockPage(page_size_);
  return staged_count_ + (page_count_ >= lock_page ? 1 : 0) >= page_count_;
}

Status BranchWriter::Prepare(const CommitSpec& spec, const CommitStamp& stamp,
                             Batch* batch,
                             std::shared_ptr<const HeadState>* state) {
  if (base_->is_legacy && spec.origin != Origin::kMigrate) {
    return Status::NotSupported(
        "the actor is legacy: it can be written after its migration: actor=" +
        actor_->name());
  }
  if (spec.page_count < page_count_) {
    if (Status s = Truncate(spec.page_count); !s.ok()) return s;
  }
  page_count_ = spec.page_count;
  if (!failed_.ok()) return failed_;
  if (Status s = FillGrowth(); !s.ok()) return s;
  TakeIds(/*stage=*/false, batch);
  if (stage_known_) {
    if (Status s = Stage(); !s.ok()) return s;
  }
  for (const auto& [pgno, page] : pages_) {
    if (pgno == 1) continue;
    if (Status s = PutPage(pgno, page, batch); !s.ok()) return s;
  }
  if (staged_chunks_ != nullptr) {
    if (Status s = staged_chunks_->Finish(); !s.ok()) return s;
  }
  if (Status s = SubtractRemoved(); !s.ok()) return s;
  if (Status s = PutFirstPage(spec, batch); !s.ok()) return s;
  auto made = std::make_shared<HeadState>(*base_);
  if (Status s = PutRecords(spec, stamp, batch, made.get()); !s.ok()) return s;
  *state = std::move(made);
  return Status::Ok();
}

Status BranchWriter::PutRecords(const CommitSpec& spec,
                                const CommitStamp& stamp, Batch* batch,
                                HeadState* state) {
  const ActorId actor = actor_id();
  Head& head = state->head;
  if (!base_->exists) {
    head = Head{};
    head.generation = Generation{base_->generation_floor.value + 1};
  }
  head.snapshot.branch = branch();
  head.snapshot.txid = txid_;
  head.snapshot.page_count = page_count_;
  head.snapshot.page_size = page_count_ == 0 ? 0 : page_size_;
  head.snapshot.stamp = spec.stamp;
  head.digest = (rewrite_ ? 0 : source_->head.digest) + digest_delta_;
  head.committed_at_us = stamp.committed_at_us;
  head.commit_id = stamp.commit_id;
  head.stored_bytes += written_bytes_;
  state->first_page_of = page_count_ == 0 ? Snapshot{} : head.snapshot;
  state->first_page_hash = first_page_hash_;
  if (!base_->exists) MakeEntry(stamp, state);
  if (spec.also != nullptr) {
    if (Status s = spec.also(*state, batch); !s.ok()) return s;
  }

  if (stage_ != BranchId{}) PutBranchRecord(actor, batch, state);
  CommitRecord record;
  record.generation = head.generation;
  record.snapshot = head.snapshot;
  record.digest = head.digest;
  record.committed_at_us = head.committed_at_us;
  record.commit_id = head.commit_id;
  record.changed_page_count = changed_page_count_;
  record.written_bytes = written_bytes_;
  record.origin = spec.origin;
  record.base_txid = source_->head.snapshot.txid;
  record.page_list = ListPages();
  record.replaced_txid =
      base_->exists ? base_->head.snapshot.txid : base_->txid_floor;
  const std::string commit_key = CommitKey(branch(), txid_);
  const Partition partition = ActorPartition(actor);
  batch->Put(partition, commit_key, EncodeRecord(commit_key, record));
  state->head_bytes = EncodeRecord(HeadKey(), head);
  batch->Put(partition, HeadKey(), state->head_bytes);
  std::optional<std::string_view> expected;
  if (base_->exists) expected = base_->head_bytes;
  batch->AddGuard(partition, HeadKey(), expected);
  if (!base_->exists) PutCatalogEntry(*state, batch);
  return Status::Ok();
}

void BranchWriter::PutBranchRecord(ActorId actor, Batch* batch,
                                   HeadState* state) {
  auto lineage = std::make_shared<Lineage>();
  lineage->push_back({actor, stage_, txid_});
  BranchRecord record;
  record.first_txid = txid_;
  record.chunk_count = changed_page_count_;
  record.created_at_us = stage_.value;
  if (source_->exists && !HoldsEveryPage()) {
    const Snapshot& base = source_->head.snapshot;
    record.parent = BranchPoint{source_->entry.actor, base.branch, base.txid};
    lineage->push_back(*record.parent);
    lineage->insert(lineage->end(), source_->lineage->begin() + 1,
                    source_->lineage->end());
  }
  const std::string key = BranchRecordKey(stage_);
  batch->Put(ActorPartition(actor), key, EncodeRecord(key, record));
  if (stage_known_ && store_->engine()->limits().multi_partition_commit) {
    batch->Delete(CatalogPartition(), StageKey(stage_));
  }
  state->lineage = std::move(lineage);
}

// The entry of an actor that had no head.
void BranchWriter::MakeEntry(const CommitStamp& stamp, HeadState* state) {
  ActorEntry& entry = state->entry;
  if (!base_->is_legacy) {
    entry = ActorEntry{};
    entry.actor = new_actor_id_;
    entry.created_at_us = stamp.committed_at_us;
    entry.stamp_floor = base_->entry.stamp_floor;
    entry.cookie_floor = base_->entry.cookie_floor;
  }
  entry.state = ActorState::kLive;
  state->exists = true;
  state->is_legacy = false;
  state->entry_bytes = EncodeRecord(ActorEntryKey(actor_->name()), entry);
}

// Takes the name in the catalog, and keeps the entry of a deleted actor that
// had it before.
void BranchWriter::PutCatalogEntry(const HeadState& state, Batch* batch) {
  const std::string key = ActorEntryKey(actor_->name());
  std::optional<std::string_view> expected;
  if (!base_->entry_bytes.empty()) expected = base_->entry_bytes;
  if (expected.has_value() && !base_->is_legacy) {
    const std::string old_key = DeletedEntryKey(base_->entry.actor);
    batch->Put(CatalogPartition(), old_key,
               EncodeRecord(old_key, base_->entry));
  }
  batch->Put(CatalogPartition(), key, state.entry_bytes);
  batch->AddGuard(CatalogPartition(), key, expected);
}

}  // namespace actorkv
