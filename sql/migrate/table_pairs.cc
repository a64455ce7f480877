#include "sql/migrate/table_pairs.h"

#include <algorithm>
#include <utility>

#include "kv/base/hex.h"
#include "kv/rivet/layout_view.h"
#include "kv/rivet/legacy_keys.h"
#include "kv/rivet/merged_pairs.h"
#include "kv/rivet/pair_limits.h"
#include "sql/history/version.h"
#include "sql/migrate/legacy_tables.h"
#include "sql/migrate/placed_rows.h"
#include "sql/migrate/rivet_rows.h"

namespace actorkv {

namespace {

// Returns how large the pairs of an actor may be.
PairLimits LimitsOf(const LegacyRecord& record) {
  if (record.opaque() || record.oversized_count > 0) return kStoredPairLimits;
  // Records of version 1 have no limits: they were Rivet's.
  if (record.limit_key_bytes == 0) return PairLimits{};
  return {record.limit_key_bytes, record.limit_value_bytes};
}

// SmallPairs: pairs of which each must be within the limits.
class SmallPairs : public PairSource {
 public:
  SmallPairs(std::unique_ptr<PairSource> pairs, const PairLimits& limits)
      : pairs_(std::move(pairs)), limits_(limits) {}

  Status Next(KeyValue* pair, bool* more) override {
    KeyValue read;
    if (Status s = pairs_->Next(&read, more); !s.ok() || !*more) return s;
    Status s = CheckPairSize(read.key, read.value, limits_);
    if (!s.ok()) {
      return s.WithContext("no pair can hold what the tables have: key=" +
                           BytesText(read.key));
    }
    *pair = std::move(read);
    return s;
  }

 private:
  const std::unique_ptr<PairSource> pairs_;
  const PairLimits limits_;
};

// Says whether Rivet's tables have no place for the pair.
bool HasNoTable(const KeyValue& pair) {
  if (IsSqliteKey(pair.key)) return false;
  const LegacyNamespace space = ParseLegacyKey(pair.key, pair.value).space;
  return space == LegacyNamespace::kTraces ||
         space == LegacyNamespace::kUnknown;
}

}  // namespace

Status ParsePairsFrom(const std::string& text, PairsFrom* from) {
  if (text == "tables") {
    *from = PairsFrom::kTables;
  } else if (text == "rivet-tables") {
    *from = PairsFrom::kRivetTables;
  } else {
    return Status::InvalidArgument("no option '" + text +
                                   "': it is 'tables', 'rivet-tables' or left "
                                   "out");
  }
  return Status::Ok();
}

Status TablePairs::OpenPlaced(const Actor& actor) {
  if (actor.legacy == nullptr) {
    return Status::InvalidArgument(
        "it never had pairs, so it has no tables of them");
  }
  const LegacyRecord& record = actor.legacy->record;
  // Keys of an opaque actor have no layout.
  PairReader* shown = view_.get();
  if (record.opaque()) shown = stored_.get();
  std::unique_ptr<PairSource> pairs;
  if (Status s =
          OpenPlacedPairs(database_.get(), record, shown, &tables_, &pairs);
      !s.ok()) {
    return s;
  }
  if (tables_.empty()) {
    return Status::InvalidArgument(
        "there is none of the tables _actorkv_..., which SELECT "
        "actorkv_migrate(actor, 'tables') makes");
  }
  others_ = std::make_unique<SmallPairs>(std::move(pairs), LimitsOf(record));
  return Status::Ok();
}

Status TablePairs::OpenRivet() {
  std::optional<RivetSchema> schema;
  if (Status s = FindRivetSchema(database_.get(), &schema); !s.ok()) return s;
  if (!schema.has_value()) {
    return Status::InvalidArgument(
        "there is none of Rivet's tables, _rivet_..., which SELECT "
        "actorkv_migrate(actor, 'rivet-tables') makes");
  }
  if (Status s = CheckAllMapped(database_.get(), *schema); !s.ok()) return s;
  std::unique_ptr<PairSource> rows;
  if (Status s = OpenRivetPairs(database_.get(), RivetPart::kAll, &rows);
      !s.ok()) {
    return s;
  }
  auto merged = std::make_unique<MergedPairs>();
  merged->Add(std::move(rows));
  // What the tables had no place for is where it was.
  if (view_ != nullptr) {
    merged->Add(std::make_unique<ReaderPairs>(view_.get(), HasNoTable));
  }
  tables_ = schema->tables;
  others_ = std::make_unique<SmallPairs>(std::move(merged), PairLimits{});
  return Status::Ok();
}

Status TablePairs::OpenRows(const Actor& actor, PairsFrom from) {
  if (Status s = OpenVersion(actor.target, *actor.state, &database_); !s.ok()) {
    return s;
  }
  if (actor.legacy != nullptr) {
    stored_ = std::make_unique<LegacyPairs>(actor.target.engine(),
                                            actor.legacy->record.legacy);
    view_ = std::make_unique<LayoutOneView>(stored_.get());
  }
  return from == PairsFrom::kTables ? OpenPlaced(actor) : OpenRivet();
}

Status TablePairs::RemoveRows(const Actor& actor,
                              const std::function<Status()>& keep_on) {
  // Tables that a migration made of the pairs go as well: nothing is to come
  // out twice.
  std::vector<SchemaTable> tables = PlacedTables();
  for (const SchemaTable& table : tables_) {
    const bool is_listed = std::any_of(
        tables.begin(), tables.end(), [&](const SchemaTable& listed) {
          return listed.name == table.name && listed.sql == table.sql;
        });
    if (!is_listed) tables.push_back(table);
  }
  whole_ = std::make_unique<ImagePairs>(
      VersionPages(actor.target.engine(), actor.state));
  if (Status s = RemoveTables(whole_.get(), tables, keep_on, &remaining_);
      !s.ok()) {
    return s;
  }
  if (remaining_.image == nullptr) {
    pages_ = VersionPages(actor.target.engine(), actor.state);
    return Status::Ok();
  }
  RecoveredImage* const image = remaining_.image.get();
  pages_ = ImagePages{
      image->page_size(), image->page_count(),
      [image](PageNo pgno, char* page) { return image->ReadPage(pgno, page); }};
  if (!remaining_.blank) return Status::Ok();
  // A database that is nothing but these tables is there for their sake, unless
  // the actor came with one.
  has_database_ = false;
  if (actor.legacy == nullptr) return Status::Ok();
  return CameWithDatabase(actor.target.engine(), *actor.legacy, &has_database_);
}

Status TablePairs::Open(const Actor& actor, PairsFrom from,
                        const std::function<Status()>& keep_on,
                        std::unique_ptr<TablePairs>* pairs) {
  std::unique_ptr<TablePairs> made(new TablePairs());
  if (Status s = made->OpenRows(actor, from); !s.ok()) return s;
  if (Status s = made->RemoveRows(actor, keep_on); !s.ok()) return s;
  *pairs = std::move(made);
  return Status::Ok();
}

std::unique_ptr<PairSource> TablePairs::TakeAll() {
  auto merged = std::make_unique<MergedPairs>();
  merged->Add(std::move(others_));
  if (has_database_) {
    image_ = std::make_unique<ImagePairs>(pages_);
    merged->Add(std::make_unique<ReaderPairs>(image_.get()));
  }
  return merged;
}

}  // namespace actorkv
