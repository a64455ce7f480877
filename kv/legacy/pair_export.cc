#include "kv/legacy/pair_export.h"

#include <algorithm>
#include <memory>
#include <string>

#include "kv/base/hex.h"
#include "kv/pages/branch_reader.h"
#include "kv/rivet/layout_view.h"
#include "kv/rivet/legacy_file.h"
#include "kv/rivet/legacy_keys.h"
#include "kv/rivet/merged_pairs.h"
#include "kv/rivet/pair_limits.h"

namespace actorkv {

namespace {

// The number of pairs between two looks at keep_on.
constexpr uint64_t kPairsAtOnce = 256;

class PairExport {
 public:
  PairExport(const PairExportSource& source,
             const std::function<Status()>& keep_on, PairSink* sink)
      : source_(source), keep_on_(keep_on), sink_(sink) {}

  Status Run();
  uint64_t bytes() const { return bytes_; }

 private:
  bool opaque() const {
    return source_.legacy.has_value() && source_.legacy->record.opaque();
  }
  // Opaque pairs have no place for a database.
  bool live() const { return source_.state->exists && !opaque(); }
  Status Add(std::string_view key, std::string_view value);
  Status AddStored();
  Status AddOthers(PairSource* others);
  Status AddDatabase();
  // These put the pages of a database together to chunks.
  Status AddPage(const std::string& page);
  Status AddChunk();

  const PairExportSource& source_;
  const std::function<Status()>& keep_on_;
  PairSink* const sink_;
  uint64_t bytes_ = 0;
  uint64_t count_ = 0;
  bool database_done_ = false;
  std::string chunk_;  // bytes that are not added yet, less than a chunk
  uint32_t chunk_index_ = 0;
};

Status PairExport::Add(std::string_view key, std::string_view value) {
  if (count_++ % kPairsAtOnce == 0) {
    if (Status s = keep_on_(); !s.ok()) return s;
  }
  if (!opaque()) {
    if (Status s = CheckPairSize(key, value, PairLimits{}); !s.ok()) {
      return s.WithContext("Rivet takes no such pair: key=" + BytesText(key));
    }
  }
  bytes_ += key.size() + value.size();
  AddWork(source_.work, key.size() + value.size());
  return sink_->Add(key, value);
}

Status PairExport::AddChunk() {
  const std::string key = LegacyChunkKey(LegacyTag::kMain, chunk_index_++);
  // The last chunk of a file may be short (kv/rivet/legacy_file.h, invariant
  // 1).
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
  if (source_.no_database) return Status::Ok();
  const ImagePages pages = source_.pages.has_value()
                               ? *source_.pages
                               : VersionPages(source_.engine, source_.state);
  // An empty database and none are told apart by what came: metadata with size
  // 0 would make a database of an actor that had none.
  if (pages.page_count == 0 && source_.legacy.has_value() &&
      source_.others == nullptr) {
    bool came = false;
    if (Status s = CameWithDatabase(source_.engine, *source_.legacy, &came);
        !s.ok() || !came) {
      return s;
    }
  }
  const uint64_t size = uint64_t{pages.page_count} * pages.page_size;
  if (Status s =
          Add(LegacyMetadataKey(LegacyTag::kMain), LegacyMetadataValue(size));
      !s.ok()) {
    return s;
  }
  std::string page(pages.page_size, '\0');
  for (PageNo pgno = 1; pgno <= pages.page_count; ++pgno) {
    if (Status s = pages.read(pgno, page.data()); !s.ok()) return s;
    if (Status s = AddPage(page); !s.ok()) return s;
  }
  return chunk_.empty() ? Status::Ok() : AddChunk();
}

Status PairExport::AddOthers(PairSource* others) {
  const std::string first_of_database = LegacyMetadataKey(LegacyTag::kMain);
  KeyValue pair;
  for (;;) {
    bool more = false;
    if (Status s = others->Next(&pair, &more); !s.ok()) return s;
    if (!more) return Status::Ok();
    // Pairs come in the order of their keys, so the database has its place
    // among them.
    if (live() && !database_done_ && pair.key >= first_of_database) {
      if (Status s = AddDatabase(); !s.ok()) return s;
    }
    // The stored pairs of SQLite files are in the database since the migration.
    if (live() && IsSqliteKey(pair.key)) continue;
    if (Status s = Add(pair.key, pair.value); !s.ok()) return s;
  }
}

Status PairExport::AddStored() {
  LegacyPairs stored(source_.engine, source_.legacy->record.legacy);
  if (opaque()) {
    return stored.ForEach([this](std::string_view key, std::string_view value) {
      return Add(key, value);
    });
  }
  LayoutOneView pairs(&stored);
  ReaderPairs in_order(&pairs);
  return AddOthers(&in_order);
}

Status PairExport::Run() {
  if (source_.others != nullptr) {
    if (Status s = AddOthers(source_.others); !s.ok()) return s;
  } else if (source_.legacy.has_value()) {
    if (Status s = AddStored(); !s.ok()) return s;
  }
  // All stored keys were before the database's, or there were none.
  if (live() && !database_done_) {
    if (Status s = AddDatabase(); !s.ok()) return s;
  }
  // Asked once more before the end: an export that was interrupted leaves no
  // file, and neither does one whose pairs went on the way.
  if (Status s = keep_on_(); !s.ok()) return s;
  if (source_.legacy.has_value()) {
    if (Status s = CheckPairsRemain(source_.engine, *source_.legacy); !s.ok()) {
      return s;
    }
  }
  return sink_->Finish();
}

}  // namespace

Status CameWithDatabase(Engine* engine, const LegacyActor& legacy, bool* came) {
  if (legacy.record.opaque()) {
    *came = false;
    return Status::Ok();
  }
  if (legacy.record.dropped_at_us != 0) {  // the pairs of SQLite files are gone
    *came = legacy.record.sqlite_bytes > 0;
    return Status::Ok();
  }
  LegacyPairs stored(engine, legacy.record.legacy);
  LayoutOneView pairs(&stored);
  std::optional<std::string> metadata;
  if (Status s = pairs.Get(LegacyMetadataKey(LegacyTag::kMain), &metadata);
      !s.ok()) {
    return s;
  }
  *came = metadata.has_value();
  return Status::Ok();
}

ImagePages VersionPages(Engine* engine,
                        const std::shared_ptr<const HeadState>& state) {
  const Snapshot& snapshot = state->head.snapshot;
  // The reader is shared with the function that is returned, which outlives
  // this call and may be copied.
  const auto reader = std::make_shared<BranchReader>(engine);
  reader->SetSnapshot(snapshot, state->lineage);
  return {snapshot.page_size, snapshot.page_count,
          [reader](PageNo pgno, char* page) {
            return reader->ReadPage(pgno, page);
          }};
}

Status ExportPairs(const PairExportSource& source,
                   const std::function<Status()>& keep_on, PairSink* sink,
                   uint64_t* bytes) {
  PairExport run(source, keep_on, sink);
  if (Status s = run.Run(); !s.ok()) return s;
  *bytes = run.bytes();
  return Status::Ok();
}

}  // namespace actorkv
