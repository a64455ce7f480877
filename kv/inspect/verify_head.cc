// This part of Verifier reads the pages of an actor's head.

#include <utility>

#include "kv/format/get_record.h"
#include "kv/format/keys.h"
#include "kv/history/history.h"
#include "kv/inspect/verify.h"
#include "kv/store/store.h"

namespace actorkv {

namespace {

constexpr PageNo kPagesAtOnce = 256;

// The number of times that a head is read again that moves while it is pinned.
constexpr int kHeadAttempts = 100;

}  // namespace

Status Verifier::ReadHead(std::optional<std::string>* bytes) {
  return GetValue(reader_.get(), ActorPartition(actor_), HeadKey(), bytes);
}

// Loads and pins the head. One that moved on before it was pinned may have lost
// its pages: the next one counts.
Status Verifier::LoadHead() {
  std::optional<std::string> now;
  if (Status s = ReadHead(&now); !s.ok()) return s;
  for (int i = 0;; ++i) {
    if (!now.has_value()) return Status::Corruption("head record missing");
    const std::string bytes = *now;
    // Read before the head: HeadExpired() must not miss what comes after it.
    epoch_ = store_->epoch();
    Status pinned = PinHead(bytes);
    if (Status s = ReadHead(&now); !s.ok()) return s;
    if (now == bytes || i >= kHeadAttempts) return pinned;
  }
}

Status Verifier::PinHead(const std::string& bytes) {
  if (Status s = DecodeRecord(HeadKey(), bytes, &head_); !s.ok()) return s;
  std::shared_ptr<const Lineage> lineage;
  if (Status s = LoadLineageOf(reader_.get(), actor_, head_.snapshot, &lineage);
      !s.ok()) {
    return s;
  }
  // The pin keeps the pages of this head from reclaim as long as they are read,
  // which is many steps of a statement.
  store_->pins()->Add(head_.snapshot, lineage, &pin_);
  pages_ = std::make_unique<BranchReader>(store_->engine());
  pages_->SetSnapshot(head_.snapshot, std::move(lineage));
  return Status::Ok();
}

bool Verifier::HeadExpired() {
  HeadState version;
  version.exists = true;
  version.entry.actor = actor_;
  version.head = head_;
  // Pins of a follower hold nothing: the process that writes does not see them.
  return CheckNotExpired(store_, version, &epoch_).code() == Code::kConflict;
}

// Checks that the head says the same as the record of its commit, but for the
// generation, which a takeover raises.
Status Verifier::CheckHeadCommit() {
  const Snapshot& snapshot = head_.snapshot;
  const std::string key = CommitKey(snapshot.branch, snapshot.txid);
  std::optional<std::string> value;
  if (Status s = GetValue(reader_.get(), ActorPartition(actor_), key, &value);
      !s.ok()) {
    return s;
  }
  if (!value.has_value()) {
    return Status::Corruption("the head's commit record is missing");
  }
  CommitRecord record;
  // A record that does not decode was reported with the others.
  if (!DecodeRecord(key, *value, &record).ok()) return Status::Ok();
  if (record.commit_id == head_.commit_id && record.digest == head_.digest &&
      record.snapshot.page_count == snapshot.page_count) {
    return Status::Ok();
  }
  return Status::Corruption("the head differs from its commit record");
}

void Verifier::BeginPages(std::vector<Finding>* findings) {
  // Reclaim leaves of such an actor what forks need
  // (kv/reclaim/actor_reclaim.h).
  if (state_ == ActorState::kDeleted && has_no_name_ && !has_head_) {
    EndActor();
    return;
  }
  const bool was_live =
      !legacy_.has_value() || legacy_->state == LegacyState::kLive;
  // The actor is legacy, or was when it was deleted.
  if (!has_head_ && (state_ == ActorState::kLegacy ||
                     (state_ == ActorState::kDeleted && !was_live))) {
    if (legacy_.has_value() && was_live) {
      Report(Status::Corruption("the legacy record says that the actor is "
                                "live, but it has no head"),
             0, {}, findings);
    }
    EndActor();
    return;
  }
  Status s = LoadHead();
  if (!s.ok()) {
    Report(s, 0, {}, findings);
    EndActor();
    return;
  }
  s = CheckHeadCommit();
  if (!s.ok()) Report(s, 0, head_.snapshot.txid, findings);
  next_page_ = 1;
  digest_ = 0;
  pages_missing_ = false;
  page_.assign(head_.snapshot.page_size, '\0');
}

void Verifier::StepPages(std::vector<Finding>* findings) {
  if (pages_ == nullptr) {
    BeginPages(findings);
    return;
  }
  const Snapshot& snapshot = head_.snapshot;
  EnterWork(work_, "pages", uint64_t{snapshot.page_count} * snapshot.page_size);
  // Findings are kept back until the head is known to be there still: a
  // follower may have read pages that reclaim was removing.
  std::vector<Finding> found;
  for (PageNo i = 0; i < kPagesAtOnce && next_page_ <= snapshot.page_count;
       ++i, ++next_page_) {
    if (next_page_ == LockPage(snapshot.page_size)) continue;
    AddWork(work_, snapshot.page_size);
    const Status s = pages_->ReadPage(next_page_, page_.data());
    if (s.ok()) {
      // The hash is made from what was read, not from what the chunk says: so
      // the digest is of the pages that a reader gets.
      digest_ += PageHash(next_page_, page_);
    } else {
      Report(s.WithContext("page of the head"), next_page_, snapshot.txid,
             &found);
      pages_missing_ = true;
    }
  }
  if (HeadExpired()) {
    pages_.reset();  // then there is a newer head to read
    return;
  }
  findings->insert(findings->end(), found.begin(), found.end());
  if (next_page_ <= snapshot.page_count) return;
  CheckDigest(findings);
  EndActor();
}

// Checks the digest. Where pages could not be read it says nothing new.
void Verifier::CheckDigest(std::vector<Finding>* findings) {
  if (pages_missing_) AddSalvage("pages of the head cannot be read", findings);
  if (pages_missing_ || digest_ == head_.digest) return;
  Report(Status::Corruption("the pages of the head do not add up to its "
                            "digest: a page is stale or damaged"),
         0, head_.snapshot.txid, findings);
}

}  // namespace actorkv
