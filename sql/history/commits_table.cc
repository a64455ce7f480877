#include "sql/history/commits_table.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "kv/base/duration.h"
#include "kv/base/hex.h"
#include "kv/history/history.h"
#include "kv/inspect/record_json.h"
#include "sql/bind/actor_walk.h"
#include "sql/bind/store_times.h"
#include "sql/bind/table.h"

namespace actorkv {

namespace {

constexpr char kDeclaration[] =
    "CREATE TABLE x(actor TEXT, txid INTEGER, committed_at_ms INTEGER,"
    " commit_id TEXT, page_count INTEGER, changed_page_count INTEGER,"
    " written_bytes INTEGER, origin TEXT)";

enum ColumnIndex {
  kActor,
  kTxid,
  kCommittedAt,
  kCommitId,
  kPageCount,
  kChangedPageCount,
  kWrittenBytes,
  kOrigin,
};

std::string Hex(const CommitId& id) {
  return ToHex(std::string(id.begin(), id.end()));
}

class CommitRows : public RowSource {
 public:
  CommitRows(std::shared_ptr<Store> store, std::optional<std::string> only)
      : times_(TimesShown(store.get())),
        walk_(std::move(store), std::move(only)) {}

  Status Next(bool* has_row) override {
    for (;;) {
      // Commits are read one after the other: an actor may have a million.
      if (scan_ != nullptr) {
        if (Status s = scan_->Next(has_row, &record_); !s.ok() || *has_row) {
          return s.WithContext("actor=" + walk_.name());
        }
        scan_.reset();
      }
      if (Status s = BeginActor(has_row); !s.ok() || !*has_row) return s;
    }
  }

  void Column(int index, Result* result) const override {
    switch (index) {
      case kActor:
        return result->Text(walk_.name());
      case kTxid:
        return result->Int(record_.snapshot.txid.value);
      case kCommittedAt:
        return result->Int(times_.Wall(record_.committed_at_us) / kUsPerMs);
      case kCommitId:
        // The id names a commit across stores and renames, where a txid is one
        // of an actor's.
        return result->Text(Hex(record_.commit_id));
      case kPageCount:
        return result->Int(record_.snapshot.page_count);
      case kChangedPageCount:
        return result->Int(record_.changed_page_count);
      case kWrittenBytes:
        return result->Int(record_.written_bytes);
      case kOrigin:
        return result->Text(OriginName(record_.origin));
      default:
        return;
    }
  }

 private:
  Status BeginActor(bool* found) {
    // A damaged actor ends the table with its error: a list of commits with
    // some left out would look whole.
    if (Status s = walk_.NextReadable(found); !s.ok() || !*found) return s;
    // A reader for each actor, so that it shows what is there when its turn
    // comes.
    reader_ = walk_.engine()->NewReader();
    scan_ =
        std::make_unique<CommitScan>(reader_.get(), walk_.state().entry.actor);
    return Status::Ok();
  }

  const TimeMap times_;
  ActorWalk walk_;
  std::unique_ptr<EngineReader> reader_;  // of scan_
  std::unique_ptr<CommitScan> scan_;
  CommitRecord record_;
};

constexpr TableSpec kCommits = {"actorkv_commits", kDeclaration, kActor, 0,
                                OpenStoreRows<CommitRows>};

}  // namespace

int RegisterCommitsTable(Connection* connection) {
  return RegisterTables<kCommits>(connection);
}

}  // namespace actorkv
