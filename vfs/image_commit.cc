#include "vfs/image_commit.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "kv/chunk.h"
#include "vfs/snapshot_reader.h"
#include "vfs/transaction.h"

namespace actorkv {

namespace {

// Read at once, and between two looks at keep_on: large enough for the system
// calls not to count, small enough to be in the processor's cache when it is
// encoded.
constexpr uint32_t kReadBytes = uint32_t{256} << 10;

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
  const PageSource& source = commit.pages;
  const uint32_t page_size = source.page_size;
  if (source.page_count == 0) return Status::Ok();
  const bool large = uint64_t{source.page_count} * page_size > kMinLoadBytes;
  const uint32_t at_once = kReadBytes / page_size;
  std::string pages(size_t{at_once} * page_size, '\0');
  uint32_t count = 0;
  for (PageNo first = 1; first - 1 < source.page_count; first += count) {
    if (Status s = commit.keep_on(); !s.ok()) return s;
    count = std::min(at_once, source.page_count - first + 1);
    if (Status s = source.read(first, count, pages.data()); !s.ok()) return s;
    for (PageNo pgno = first; pgno - first < count; ++pgno) {
      if (pgno == LockPage(page_size)) continue;
      const std::string_view page = std::string_view(pages).substr(
          size_t{pgno - first} * page_size, page_size);
      if (pgno > 1) *digest += PageHash(pgno, page);
      Status s = large ? transaction->Load(pgno, page)
                       : transaction->Write(uint64_t{pgno - 1} * page_size,
                                            page_size, page.data());
      if (!s.ok()) return s;
    }
  }
  return Status::Ok();
}

}  // namespace

PageSource PagesOf(RecoveredImage* image) {
  PageSource pages;
  pages.page_size = image->page_size();
  pages.page_count = image->page_count();
  pages.read = [image](PageNo first, uint32_t count, char* buffer) {
    const uint32_t page_size = image->page_size();
    size_t copied = 0;
    return image->Read(uint64_t{first - 1} * page_size,
                       size_t{count} * page_size, buffer, &copied);
  };
  return pages;
}

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
