#include "kv/pair_export.h"

#include <algorithm>
#include <memory>
#include <string>

#include "kv/branch_reader.h"
#include "kv/layout_view.h"
#include "kv/legacy_file.h"
#include "kv/legacy_keys.h"

namespace actorkv {

namespace {

// Pairs between two looks at keep_on.
constexpr uint64_t kPairsAtOnce = 256;

class PairExport {
 public:
  PairExport(const PairExportSource& source,
             const std::function<Status()>& keep_on, PairSink* sink)
      : source_(source), keep_on_(keep_on), sink_(sink) {}

  Status Run();
  uint64_t bytes() const { return bytes_; }

 private:
  bool live() const { return source_.state->exists; }
  Status Add(std::string_view key, std::string_view value);
  Status AddStored();
  Status AddDatabase();
  // Puts the pages of a database together to chunks.
  Status AddPage(const std::string& page);
  Status AddChunk();

  const PairExportSource& source_;
  const std::function<Status()>& keep_on_;
  PairSink* const sink_;
  uint64_t bytes_ = 0;
  uint64_t count_ = 0;
  bool database_done_ = false;
  std::string chunk_;  // what is not added yet, less than a chunk
  uint32_t chunk_index_ = 0;
};

Status PairExport::Add(std::string_view key, std::string_view value) {
  if (count_++ % kPairsAtOnce == 0) {
    if (Status s = keep_on_(); !s.ok()) return s;
  }
  bytes_ += key.size() + value.size();
  return sink_->Add(key, value);
}

Status PairExport::AddChunk() {
  const std::string key = LegacyChunkKey(LegacyTag::kMain, chunk_index_++);
  const size_t size = std::min(chunk_.size(), kLegacyChunkBytes);
  if (Status s = Add(key, std::string_view{chunk_}.substr(0, size)); !s.ok()) {
    return s;
  }
  chunk_.erase(0, size);
  return Status::Ok();
}

Status PairExport::AddPage(const std::string& page) {
  chunk_ += page;
  while (chunk_.size() >= kLegacyChunkBytes) {
    if (Status s = AddChunk(); !s.ok()) return s;
  }
  return Status::Ok();
}

Status PairExport::AddDatabase() {
  database_done_ = true;
  const Snapshot& snapshot = source_.state->head.snapshot;
  const uint64_t size = uint64_t{snapshot.page_count} * snapshot.page_size;
  if (Status s =
          Add(LegacyMetadataKey(LegacyTag::kMain), LegacyMetadataValue(size));
      !s.ok()) {
    return s;
  }
  BranchReader reader(source_.engine);
  reader.SetSnapshot(snapshot, source_.state->lineage);
  std::string page(snapshot.page_size, '\0');
  for (PageNo pgno = 1; pgno <= snapshot.page_count; ++pgno) {
    if (Status s = reader.ReadPage(pgno, page.data()); !s.ok()) return s;
    if (Status s = AddPage(page); !s.ok()) return s;
  }
  return chunk_.empty() ? Status::Ok() : AddChunk();
}

Status PairExport::AddStored() {
  LegacyPairs stored(source_.engine, source_.legacy->record.legacy);
  LayoutOneView pairs(&stored);
  const std::string first_of_database = LegacyMetadataKey(LegacyTag::kMain);
  std::optional<KeyValue> pair;
  std::string from;
  for (;;) {
    if (Status s = pairs.Seek(from, &pair); !s.ok()) return s;
    if (!pair.has_value()) return Status::Ok();
    from = pair->key + '\0';
    if (live() && !database_done_ && pair->key >= first_of_database) {
      if (Status s = AddDatabase(); !s.ok()) return s;
    }
    // They are in the database since the migration.
    if (live() && IsSqlite(ParseLegacyKey(pair->key).space)) continue;
    if (Status s = Add(pair->key, pair->value); !s.ok()) return s;
  }
}

Status PairExport::Run() {
  if (source_.legacy.has_value()) {
    if (Status s = AddStored(); !s.ok()) return s;
  }
  if (live() && !database_done_) {
    if (Status s = AddDatabase(); !s.ok()) return s;
  }
  if (Status s = keep_on_(); !s.ok()) return s;
  return sink_->Finish();
}

}  // namespace

Status ExportPairs(const PairExportSource& source,
                   const std::function<Status()>& keep_on, PairSink* sink,
                   uint64_t* bytes) {
  PairExport run(source, keep_on, sink);
  if (Status s = run.Run(); !s.ok()) return s;
  *bytes = run.bytes();
  return Status::Ok();
}

}  // namespace actorkv
