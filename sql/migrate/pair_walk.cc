#include "sql/migrate/pair_walk.h"

#include <utility>

#include "kv/base/affix.h"
#include "kv/rivet/layout_view.h"
#include "sql/bind/sql_statement.h"
#include "sql/history/version.h"

namespace actorkv {

namespace {

// PrefixPairs: the pairs of a reader whose keys begin with a prefix.
class PrefixPairs : public PairSource {
 public:
  PrefixPairs(PairReader* reader, std::string prefix)
      : reader_(reader), prefix_(std::move(prefix)), from_(prefix_) {}

  Status Next(KeyValue* pair, bool* more) override {
    std::optional<KeyValue> found;
    if (Status s = reader_->Seek(from_, &found); !s.ok()) return s;
    *more = found.has_value() && BeginsWith(found->key, prefix_);
    if (!*more) return Status::Ok();
    from_ = found->key + '\0';  // the least key behind it
    *pair = std::move(*found);
    return Status::Ok();
  }

 private:
  PairReader* const reader_;
  const std::string prefix_;
  std::string from_;
};

}  // namespace

Status PairWalk::BeginStored(bool* has) {
  const std::unique_ptr<EngineReader> reader = walk_.engine()->NewReader();
  legacy_ = LegacyActor();
  Status loaded = LoadLegacy(reader.get(), walk_.name(), &legacy_);
  *has = loaded.ok();
  if (!loaded.ok()) {
    return loaded.code() == Code::kNotFound || IsDamage(loaded) ? Status::Ok()
                                                                : loaded;
  }
  // Opaque pairs are no queue and no workflow, whatever their keys look like.
  *has = spec_.part == RivetPart::kAll || !legacy_.record.opaque();
  if (!*has) return Status::Ok();
  stored_ =
      std::make_unique<LegacyPairs>(walk_.engine(), legacy_.record.legacy);
  PairReader* shown = stored_.get();
  if (spec_.part != RivetPart::kAll) {
    view_ = std::make_unique<LayoutOneView>(stored_.get());
    shown = view_.get();
  }
  pairs_ = std::make_unique<PrefixPairs>(shown, spec_.prefix);
  return Status::Ok();
}

Status PairWalk::BeginTables(bool* has) {
  *has = false;
  if (!walk_.state().exists || walk_.state().head.snapshot.page_count == 0) {
    return Status::Ok();
  }
  Database database;
  std::optional<RivetSchema> schema;
  const Target target = {walk_.store(), walk_.name()};
  Status s = OpenVersion(target, walk_.state(), &database);
  if (s.ok()) s = FindRivetSchema(database.get(), &schema);
  // A database that cannot be read, or has what only looks like Rivet's, has no
  // pairs to show.
  if (!s.ok() || !schema.has_value()) return Status::Ok();
  if (s = OpenRivetPairs(database.get(), spec_.part, &pairs_); !s.ok()) {
    return s;
  }
  if (spec_.part == RivetPart::kAll) {
    unmapped_rows_ = std::make_unique<UnmappedRows>();
    if (s = unmapped_rows_->Open(database.get(), *schema); !s.ok()) return s;
  }
  database_ = std::move(database);
  schema_ = std::move(schema);
  *has = true;
  return Status::Ok();
}

Status PairWalk::Begin(bool* more) {
  bool has = false;
  // What reads goes before what it reads from.
  unmapped_rows_.reset();
  pairs_.reset();
  view_.reset();
  stored_.reset();
  while (!has) {
    if (!stored_done_) {
      stored_done_ = true;
      if (Status s = BeginTables(&has); !s.ok()) return s;
      continue;
    }
    database_.reset();
    if (Status s = walk_.Next(more); !s.ok() || !*more) return s;
    if (!walk_.status().ok() && !IsDamage(walk_.status())) {
      return walk_.status();
    }
    if (!walk_.status().ok() || walk_.is_deleted()) continue;
    stored_done_ = false;
    if (Status s = BeginStored(&has); !s.ok()) return s;
  }
  *more = true;
  return Status::Ok();
}

Status PairWalk::NextUnmapped(bool* has) {
  *has = false;
  if (unmapped_rows_ == nullptr) return Status::Ok();
  UnmappedRow row;
  if (Status s = unmapped_rows_->Next(&row, has); !s.ok() || !*has) return s;
  pair_ = KeyValue();
  unmapped_ = std::move(row);
  return Status::Ok();
}

Status PairWalk::NextInPlace(bool* has) {
  *has = false;
  if (pairs_ == nullptr) return NextUnmapped(has);
  if (Status s = pairs_->Next(&pair_, has); !s.ok() || *has) return s;
  pairs_.reset();
  if (from_tables()) return NextUnmapped(has);
  const Status s = CheckPairsRemain(walk_.engine(), legacy_);
  // An actor that was purged is passed over as one that was never there.
  return s.code() == Code::kNotFound ? Status::Ok() : s;
}

Status PairWalk::Next(bool* has_pair, bool* new_actor) {
  unmapped_.reset();
  *new_actor = false;
  if (pairs_ != nullptr || unmapped_rows_ != nullptr) {
    Status s = NextInPlace(has_pair);
    if (!s.ok()) return s.WithContext("actor=" + walk_.name());
    if (*has_pair) return s;
  }
  for (bool more = true;;) {
    Status s = Begin(&more);
    if (s.ok() && !more) {
      *has_pair = false;
      return s;
    }
    if (s.ok()) s = NextInPlace(has_pair);
    if (!s.ok()) return s.WithContext("actor=" + walk_.name());
    *new_actor = true;
    if (*has_pair) return s;
  }
}

Status PairWalk::Get(const std::string& key,
                     std::optional<std::string>* value) {
  if (!from_tables()) {
    // Another view than the one that is being read, which stays where it is.
    LegacyPairs stored(walk_.engine(), legacy_.record.legacy);
    return LayoutOneView(&stored).Get(key, value);
  }
  SqlStatement row;
  bool has_row = false;
  if (Status s = row.Prepare(database_.get(),
                             "SELECT value FROM _rivet_wf_kv WHERE key = ?1");
      !s.ok()) {
    return s;
  }
  row.BindBlob(1, key);
  if (Status s = row.Step(&has_row); !s.ok()) return s;
  value->reset();
  if (has_row) *value = row.Bytes(0);
  return Status::Ok();
}

}  // namespace actorkv
