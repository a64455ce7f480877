#include "sql/commits_table.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "kv/catalog.h"
#include "kv/keys.h"
#include "sql/table.h"

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

constexpr size_t kCommitsAtOnce = 64;
constexpr size_t kBranchesAtOnce = 256;

std::string Hex(const CommitId& id) {
  static const char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const uint8_t byte : id) {
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  return text;
}

const char* OriginName(Origin origin) {
  switch (origin) {
    case Origin::kSql:
      return "sql";
    case Origin::kImport:
      return "import";
    case Origin::kMigrate:
      return "migrate";
    case Origin::kRestore:
      return "restore";
    case Origin::kFork:
      return "fork";
  }
  return "unknown";
}

bool BeginsWith(std::string_view key, std::string_view prefix) {
  return key.substr(0, prefix.size()) == prefix;
}

// The commits of one actor, newest first. Txids only go up, over all branches
// of an actor, so the branches are read by their first txid, from the last.
class CommitScan {
 public:
  CommitScan(Store* store, ActorId actor)
      : reader_(store->engine()->NewReader()), actor_(actor) {}

  Status LoadBranches() {
    std::string start = BranchRecordPrefix();
    for (;;) {
      std::vector<KeyValue> pairs;
      if (Status s = reader_->Scan(ActorPartition(actor_), start,
                                   kBranchesAtOnce, &pairs);
          !s.ok()) {
        return s;
      }
      for (const KeyValue& pair : pairs) {
        if (!BeginsWith(pair.key, BranchRecordPrefix())) return SortBranches();
        Branch branch;
        BranchRecord record;
        if (Status s = ParseBranchRecordKey(pair.key, &branch.id); !s.ok()) {
          return s;
        }
        if (Status s = DecodeRecord(pair.key, pair.value, &record); !s.ok()) {
          return s;
        }
        branch.first_txid = record.first_txid;
        branches_.push_back(branch);
      }
      if (pairs.size() < kBranchesAtOnce) return SortBranches();
      start = NameAfter(pairs.back().key);
    }
  }

  Status Next(bool* found, CommitRecord* record) {
    while (next_pair_ == pairs_.size()) {
      if (Status s = ReadOn(found); !s.ok() || !*found) return s;
    }
    const KeyValue& pair = pairs_[next_pair_++];
    *found = true;
    return DecodeRecord(pair.key, pair.value, record);
  }

 private:
  struct Branch {
    BranchId id;
    TxId first_txid;
  };

  Status SortBranches() {
    std::sort(branches_.begin(), branches_.end(),
              [](const Branch& a, const Branch& b) {
                return a.first_txid < b.first_txid;
              });
    return Status::Ok();
  }

  // Reads the next commits of the branch, or the first of the next one.
  // *more is false when there is no further branch.
  Status ReadOn(bool* more) {
    *more = true;
    const bool in_branch = pairs_.size() == kCommitsAtOnce;
    std::string start;
    if (in_branch) {
      start = NameAfter(pairs_.back().key);
    } else {
      *more = !branches_.empty();
      if (!*more) return Status::Ok();
      branch_ = branches_.back().id;
      branches_.pop_back();
      start = CommitPrefix(branch_);
    }
    next_pair_ = 0;
    if (Status s = reader_->Scan(ActorPartition(actor_), start, kCommitsAtOnce,
                                 &pairs_);
        !s.ok()) {
      return s;
    }
    const std::string prefix = CommitPrefix(branch_);
    const auto end = std::find_if(
        pairs_.begin(), pairs_.end(),
        [&](const KeyValue& pair) { return !BeginsWith(pair.key, prefix); });
    pairs_.erase(end, pairs_.end());
    return Status::Ok();
  }

  const std::unique_ptr<EngineReader> reader_;
  const ActorId actor_;
  std::vector<Branch> branches_;  // still to be read, oldest first
  BranchId branch_;
  std::vector<KeyValue> pairs_;
  size_t next_pair_ = 0;
};

class CommitRows : public RowSource {
 public:
  CommitRows(std::shared_ptr<Store> store, std::optional<std::string> only)
      : store_(std::move(store)), only_(std::move(only)) {
    if (only_.has_value()) next_name_ = *only_;
  }

  Status Next(bool* has_row) override {
    for (;;) {
      if (scan_ != nullptr) {
        if (Status s = scan_->Next(has_row, &record_); !s.ok() || *has_row) {
          return s.WithContext("actor=" + name_);
        }
        scan_.reset();
        next_name_ = NameAfter(name_);
      }
      if (Status s = BeginActor(has_row); !s.ok() || !*has_row) return s;
    }
  }

  void Column(int index, Result* result) const override {
    switch (index) {
      case kActor:
        return result->Text(name_);
      case kTxid:
        return result->Int(record_.snapshot.txid.value);
      case kCommittedAt:
        return result->Int(record_.committed_at_us / 1000);
      case kCommitId:
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
    std::shared_ptr<const HeadState> state;
    *found = false;
    Status s = NextActor(store_.get(), next_name_, found, &name_, &state);
    if (*found && only_.has_value() && name_ != *only_) {
      *found = false;
      return Status::Ok();
    }
    if (!s.ok() || !*found) return s;
    scan_ = std::make_unique<CommitScan>(store_.get(), state->entry.actor);
    return scan_->LoadBranches().WithContext("actor=" + name_);
  }

  const std::shared_ptr<Store> store_;
  const std::optional<std::string> only_;
  std::string next_name_;
  std::string name_;
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
