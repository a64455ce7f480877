#include "vfs/image_commit.h"

#include <utility>
#include <vector>

#include "kv/chunk.h"
#include "vfs/snapshot_reader.h"
#include "vfs/transaction.h"

namespace actorkv {

namespace {

// Copied between two looks at keep_on.
constexpr PageNo kPagesAtOnce = 256;

// Holds the actor's reservation while it lives.
class Reservation {
 public:
  explicit Reservation(std::shared_ptr<Actor> actor)
      : actor_(std::move(actor)) {}
  ~Reservation() {
    if (held_) actor_->Release(this);
  }
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;

  Status Take(const Snapshot& snapshot) {
    Status s = actor_->Reserve(this, snapshot, Generation{});
    held_ = s.ok();
    return s;
  }

 private:
  const std::shared_ptr<Actor> actor_;
  bool held_ = false;
};

// *digest: of all pages but the first, whose counters may change yet.
Status CopyPages(const ImageCommit& commit, Transaction* transaction,
                 uint64_t* digest) {
  RecoveredImage* const image = commit.image;
  const uint32_t page_size = image->page_size();
  std::string page(page_size, '\0');
  *digest = 0;
  for (PageNo pgno = 1; pgno <= image->page_count(); ++pgno) {
    if (pgno % kPagesAtOnce == 0) {
      if (Status s = commit.keep_on(); !s.ok()) return s;
    }
    if (pgno == LockPage(page_size)) continue;
    if (Status s = image->ReadPage(pgno, page.data()); !s.ok()) return s;
    if (pgno > 1) *digest += PageHash(pgno, page);
    if (Status s = transaction->Write(uint64_t{pgno - 1} * page_size, page_size,
                                      page.data());
        !s.ok()) {
      return s;
    }
  }
  return Status::Ok();
}

}  // namespace

Status CommitImage(const ImageCommit& commit) {
  std::shared_ptr<Actor> actor;
  std::shared_ptr<const HeadState> base;
  if (Status s = commit.store->OpenActor(commit.name, &actor); !s.ok()) {
    return s;
  }
  if (Status s = actor->Current(&base); !s.ok()) return s;
  if (base->exists) {
    return Status::AlreadyExists("the actor exists already: actor=" +
                                 commit.name);
  }
  Reservation reservation(actor);
  if (Status s = reservation.Take(base->head.snapshot); !s.ok()) return s;
  Transaction transaction(commit.store, actor, base);
  uint64_t digest = 0;
  if (Status s = CopyPages(commit, &transaction, &digest); !s.ok()) return s;
  if (commit.copied != nullptr) commit.copied();
  std::vector<PendingCommit> commits(1);
  if (Status s = transaction.Prepare(commit.origin, &commits[0]); !s.ok()) {
    return s;
  }
  std::string first_page;
  if (Status s = MakeFirstPage(commits[0], &first_page); !s.ok()) return s;
  if (!first_page.empty()) digest += PageHash(1, first_page);
  commits[0].spec.also = [&](const HeadState& made, Batch* batch) -> Status {
    if (made.head.digest != digest) {
      return Status::Corruption(
          "the pages to be stored are not those that were read: repeat it, "
          "and look at this machine's memory if it fails again: actor=" +
          commit.name);
    }
    if (commit.also != nullptr) commit.also(made, batch);
    return Status::Ok();
  };
  return CommitAll(commit.store.get(), commit.durability, &commits);
}

}  // namespace actorkv
