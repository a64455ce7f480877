#include "vfs/migrate/image_commit.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kv/format/chunk.h"
#include "kv/pages/branch_reader.h"
#include "kv/store/store.h"
#include "kv/store/writer_queue.h"
#include "vfs/actor/transaction.h"

namespace actorkv {

namespace {

// The bytes that are read at once, and between two looks at keep_on: enough for
// the system calls not to count, and few enough to be in the processor's cache
// when they are encoded.
constexpr uint32_t kReadBytes = uint32_t{256} << 10;

// The bytes that may have to be copied again after a crash. Each save waits for
// what is under way, which takes as long as some 10 MiB.
constexpr uint64_t kSaveEachBytes = uint64_t{64} << 20;
constexpr uint64_t kBatchesPerSave = 4;  // the engine's largest ones

// Reservation: holds the actor's reservation while it lives: its writer leaves
// with it.
class Reservation {
 public:
  explicit Reservation(std::shared_ptr<Actor> actor)
      : actor_(std::move(actor)), writer_(actor_->writers()) {}
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;

  Status Take(const Snapshot& snapshot) {
    return actor_->Reserve(&writer_, snapshot, Generation{});
  }

 private:
  const std::shared_ptr<Actor> actor_;
  Writer writer_;
};

// PageCopy: copies the pages of an ImageCommit into its transaction.
class PageCopy {
 public:
  PageCopy(const ImageCommit& commit, Transaction* transaction);

  Status Run();

  // The sum of the hashes of all pages but the first, whose counters may change
  // yet.
  uint64_t digest() const { return digest_; }

 private:
  Status Resume();
  Status Copy(PageNo first, uint32_t count);
  Status SaveNowAndThen();

  const ImageCommit& commit_;
  const PageSource& source_;
  Transaction* const transaction_;
  const uint64_t size_bytes_;
  bool large_ = false;            // past the transaction's memory
  uint64_t save_each_bytes_ = 0;  // pages
  uint64_t saved_bytes_ = 0;
  PageNo last_ = 0;  // the last page that is copied
  uint64_t digest_ = 0;
  std::string buffer_;
};

PageCopy::PageCopy(const ImageCommit& commit, Transaction* transaction)
    : commit_(commit),
      source_(commit.pages),
      transaction_(transaction),
      size_bytes_(uint64_t{source_.page_count} * source_.page_size) {
  // Both sizes are in proportion where an engine takes less at once.
  const size_t batch_bytes = commit.store->engine()->limits().max_batch_bytes;
  large_ = size_bytes_ > std::min(kMinLoadBytes, batch_bytes / 4);
  save_each_bytes_ =
      std::min<uint64_t>(kSaveEachBytes / kBatchesPerSave, batch_bytes) *
      kBatchesPerSave;
}

// Goes on where the progress says, if it is of these pages.
Status PageCopy::Resume() {
  const LoadProgress& progress = commit_.progress;
  if (!large_ || !progress.begun() || progress.page_size != source_.page_size ||
      progress.page_count != source_.page_count) {
    return Status::Ok();
  }
  bool resumed = false;
  if (Status s = transaction_->Resume(progress, &resumed); !s.ok()) return s;
  if (!resumed) return Status::Ok();
  if (Status s = Copy(1, 1); !s.ok()) return s;  // page 1 is in no stage
  last_ = progress.last_page;
  saved_bytes_ = uint64_t{last_} * source_.page_size;
  AddWork(commit_.work, saved_bytes_ - source_.page_size);
  digest_ = progress.digest;
  return Status::Ok();
}

Status PageCopy::Copy(PageNo first, uint32_t count) {
  const uint32_t page_size = source_.page_size;
  if (Status s = commit_.keep_on(); !s.ok()) return s;
  if (Status s = source_.read(first, count, buffer_.data()); !s.ok()) return s;
  for (PageNo pgno = first; pgno - first < count; ++pgno) {
    // SQLite never reads or writes it, so an actor has no version of it.
    if (pgno == LockPage(page_size)) continue;
    const std::string_view page = std::string_view{buffer_}.substr(
        size_t{pgno - first} * page_size, page_size);
    const uint64_t page_hash = PageHash(pgno, page);
    if (pgno > 1) digest_ += page_hash;
    // A large image goes around the transaction's memory into a stage, and its
    // hashes with it: none is computed twice.
    Status s = large_ ? transaction_->Load(pgno, page, page_hash)
                      : transaction_->Write(uint64_t{pgno - 1} * page_size,
                                            page_size, page.data());
    if (!s.ok()) return s;
  }
  last_ = first + count - 1;
  AddWork(commit_.work, uint64_t{count} * page_size);
  return Status::Ok();
}

Status PageCopy::SaveNowAndThen() {
  const uint64_t copied_bytes = uint64_t{last_} * source_.page_size;
  if (!large_ || commit_.save == nullptr || last_ == source_.page_count ||
      copied_bytes - saved_bytes_ < save_each_bytes_) {
    return Status::Ok();
  }
  LoadProgress progress;
  if (Status s = transaction_->Save(&progress); !s.ok()) return s;
  progress.page_count = source_.page_count;
  saved_bytes_ = copied_bytes;
  // The record speaks of pages only when they are stored: Save() waited for
  // them.
  return commit_.save(progress);
}

Status PageCopy::Run() {
  if (source_.page_count == 0) return Status::Ok();
  const uint32_t at_once = kReadBytes / source_.page_size;
  buffer_.resize(size_t{at_once} * source_.page_size);
  if (Status s = Resume(); !s.ok()) return s;
  while (last_ < source_.page_count) {
    const uint32_t count = std::min(at_once, source_.page_count - last_);
    if (Status s = Copy(last_ + 1, count); !s.ok()) return s;
    if (Status s = SaveNowAndThen(); !s.ok()) return s;
  }
  return Status::Ok();
}

// Computes the hash of the page 1 that a prepared commit will make; 0 where it
// leaves no page.
Status HashFirstPage(const PendingCommit& commit, uint64_t* page_hash) {
  *page_hash = 0;
  if (commit.spec.page_count == 0) return Status::Ok();
  std::string page(commit.writer->page_size(), '\0');
  if (Status s = commit.writer->ReadPage(1, page.data()); !s.ok()) return s;
  if (commit.spec.stamp.has_value()) {
    ApplyStamp(*commit.spec.stamp, page.data());
  }
  *page_hash = PageHash(1, page);
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
  // The reservation keeps writers of this process away as long as pages are
  // copied; others are found by the guard of the head.
  if (Status s = reservation.Take(base->head.snapshot); !s.ok()) return s;
  Transaction transaction(commit.store, actor, base);
  PageCopy copy(commit, &transaction);
  if (Status s = copy.Run(); !s.ok()) return s;
  if (commit.copied != nullptr) {
    if (Status s = commit.copied(); !s.ok()) return s;
  }
  std::vector<PendingCommit> commits(1);
  if (Status s = transaction.Prepare(commit.origin, commits.data()); !s.ok()) {
    return s;
  }
  uint64_t first_page_hash = 0;
  if (Status s = HashFirstPage(commits[0], &first_page_hash); !s.ok()) return s;
  const uint64_t digest = copy.digest() + first_page_hash;
  commits[0].spec.also = [&](const HeadState& made, Batch* batch) -> Status {
    // The writer computed its digest from what it stores: a difference means
    // that bytes changed on the way.
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
