#include "sql/history/diff_table.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sql/bind/table.h"
#include "sql/history/row_json.h"
#include "sql/history/value_json.h"
#include "sql/history/version.h"
#include "sql/history/version_diff.h"

namespace actorkv {

namespace {

constexpr char kDeclaration[] =
    "CREATE TABLE x(table_name TEXT, op TEXT, key TEXT, old TEXT, new TEXT,"
    " actor TEXT HIDDEN, from_point TEXT HIDDEN, to_point TEXT HIDDEN)";

enum ColumnIndex { kTableName, kOp, kKey, kOld, kNew, kActor };

constexpr uint64_t kRowsBetweenChecks = 64;

const char* OpName(RowChange change) {
  switch (change) {
    case RowChange::kInsert:
      return "insert";
    case RowChange::kDelete:
      return "delete";
    case RowChange::kUpdate:
      return "update";
  }
  return "unknown";
}

// Side is one of the two versions, as SQLite sees it.
struct Side {
  VersionSource source;
  Database db;
  std::vector<SchemaItem> schema;
  BtreeReader* reader = nullptr;
  RowJson rows;  // of the table that is compared
};

// A table that was renamed is another one, dropped and made: nothing in the
// file tells the two cases apart.
const SchemaItem* FindItem(const Side& side, const SchemaItem& like) {
  const auto found = std::find_if(
      side.schema.begin(), side.schema.end(), [&](const SchemaItem& item) {
        return item.type == like.type && item.name == like.name;
      });
  return found == side.schema.end() ? nullptr : &*found;
}

struct DiffRow {
  std::string table;
  std::string op;
  std::string key;
  std::string old_json;
  std::string new_json;
};

// TablePlan is a table to compare. A table that is of another kind in the two
// versions makes two plans, each with one version only.
struct TablePlan {
  std::string name;
  TableTrees trees;
  std::vector<std::string> key_columns;
};

class DiffRows : public RowSource {
 public:
  explicit DiffRows(Connection* connection) : connection_(connection) {}

  Status Open(const Target& target, const std::string& from,
              const std::string& to);

  Status Next(bool* has_row) override;

  void Column(int index, Result* result) const override {
    switch (index) {
      case kTableName:
        return result->Text(row_.table);
      case kOp:
        return result->Text(row_.op);
      case kKey:
        return result->Text(row_.key);
      case kOld:
        return result->TextOrNull(row_.old_json);
      case kNew:
        return result->TextOrNull(row_.new_json);
      default:
        return;
    }
  }

 private:
  Status OpenSide(const Target& target, const std::string& point, Side* side);
  Status AddTrees(const Side& side);
  void AddSchemaRows();
  Status PlanTables();
  Status PlanTable(const SchemaItem* from, const SchemaItem* to);
  Status KeyColumns(const Side& side, const SchemaItem& table,
                    std::vector<std::string>* columns);
  Status BeginTable(const TablePlan& plan);
  Status MakeRow(const ChangedRow& row);
  Status CheckReads();

  Connection* const connection_;
  std::unique_ptr<WorkMeter> work_;  // before those that add to it
  Side from_;
  Side to_;
  std::unique_ptr<VersionPair> pair_;
  std::vector<DiffRow> schema_rows_;
  size_t next_schema_row_ = 0;
  std::vector<TablePlan> tables_;
  size_t next_table_ = 0;
  std::unique_ptr<TableDiff> diff_;  // of the table before next_table_
  uint64_t row_count_ = 0;
  DiffRow row_;
};

Status DiffRows::OpenSide(const Target& target, const std::string& point,
                          Side* side) {
  if (Status s = FindVersion(target, point, &side->source); !s.ok()) return s;
  if (Status s = OpenVersion(target, *side->source.version, &side->db);
      !s.ok()) {
    return s;
  }
  return ReadSchema(side->db.get(), &side->schema);
}

Status DiffRows::AddTrees(const Side& side) {
  const bool is_from = &side == &from_;
  // A database without pages has not even a schema.
  if (side.reader->page_count() == 0) return Status::Ok();
  // The schema table at page 1 is not in itself.
  if (Status s = pair_->AddTree(is_from, 1); !s.ok()) return s;
  for (const SchemaItem& item : side.schema) {
    if (item.root == 0) continue;
    if (Status s = pair_->AddTree(is_from, item.root); !s.ok()) {
      return s.WithContext(item.type + "=" + item.name);
    }
  }
  return Status::Ok();
}

void DiffRows::AddSchemaRows() {
  const auto add = [&](const SchemaItem* old_item, const SchemaItem* new_item) {
    const SchemaItem& item = old_item != nullptr ? *old_item : *new_item;
    schema_rows_.push_back({item.table, "schema", JsonText(item.name),
                            old_item == nullptr ? "" : SchemaJson(*old_item),
                            new_item == nullptr ? "" : SchemaJson(*new_item)});
  };
  for (const SchemaItem& item : from_.schema) {
    const SchemaItem* const other = FindItem(to_, item);
    // Root pages are not compared: VACUUM moves them, and the schema is the
    // same.
    if (other == nullptr || other->sql != item.sql) add(&item, other);
  }
  for (const SchemaItem& item : to_.schema) {
    if (FindItem(from_, item) == nullptr) add(nullptr, &item);
  }
}

// Reads the columns of the key; none for a table with rowids, which the kind of
// its root page tells.
Status DiffRows::KeyColumns(const Side& side, const SchemaItem& table,
                            std::vector<std::string>* columns) {
  columns->clear();
  PinnedBtreePage root;
  if (Status s = side.reader->ReadPage(table.root, &root); !s.ok()) return s;
  if (root.page.is_table()) return Status::Ok();
  if (Status s = ReadKeyColumns(side.db.get(), table.name, columns); !s.ok()) {
    return s;
  }
  if (!columns->empty()) return Status::Ok();
  return Status::Corruption("a table has the pages of an index");
}

Status DiffRows::PlanTable(const SchemaItem* from, const SchemaItem* to) {
  TablePlan older;
  TablePlan newer;
  if (from != nullptr && from->root != 0) {
    // A root of 0 is a virtual table, whose rows are in tables of their own.
    older.name = from->name;
    older.trees.from_root = from->root;
    if (Status s = KeyColumns(from_, *from, &older.key_columns); !s.ok()) {
      return s.WithContext("table=" + from->name);
    }
  }
  if (to != nullptr && to->root != 0) {
    newer.name = to->name;
    newer.trees.to_root = to->root;
    if (Status s = KeyColumns(to_, *to, &newer.key_columns); !s.ok()) {
      return s.WithContext("table=" + to->name);
    }
  }
  if (!older.name.empty() && !newer.name.empty() &&
      // Rows can be matched only by keys of the same form.
      older.key_columns == newer.key_columns) {
    newer.trees.from_root = older.trees.from_root;
    older.name.clear();
  }
  for (TablePlan* plan : {&older, &newer}) {
    plan->trees.key_columns = plan->key_columns.size();
    if (!plan->name.empty()) tables_.push_back(std::move(*plan));
  }
  return Status::Ok();
}

Status DiffRows::PlanTables() {
  for (const SchemaItem& item : from_.schema) {
    // Indexes have no rows of their own, views and triggers none at all.
    if (item.type != "table") continue;
    // Tables of the older version first, with what became of them; those that
    // are new come after.
    if (Status s = PlanTable(&item, FindItem(to_, item)); !s.ok()) return s;
  }
  for (const SchemaItem& item : to_.schema) {
    if (item.type != "table" || FindItem(from_, item) != nullptr) continue;
    if (Status s = PlanTable(nullptr, &item); !s.ok()) return s;
  }
  return Status::Ok();
}

Status DiffRows::CheckReads() {
  if (Status s = CheckRead(from_.source); !s.ok()) return s;
  return CheckRead(to_.source);
}

Status DiffRows::Open(const Target& target, const std::string& from,
                      const std::string& to) {
  // NOLINTNEXTLINE(modernize-make-unique): a meter cannot be moved.
  work_.reset(new WorkMeter(target.BeginWork(WorkKind::kDiff)));
  work_->Enter("pages");
  if (Status s = OpenSide(target, from, &from_); !s.ok()) return s;
  if (Status s = OpenSide(target, to, &to_); !s.ok()) return s;
  pair_ = std::make_unique<VersionPair>(from_.source, to_.source);
  from_.reader = pair_->from();
  to_.reader = pair_->to();
  from_.reader->ShowIn(work_.get());
  to_.reader->ShowIn(work_.get());
  Status s = pair_->Open([this] { return connection_->KeepOn(); });
  if (s.ok()) s = AddTrees(from_);
  if (s.ok()) s = AddTrees(to_);
  if (s.ok()) s = PlanTables();
  // Pages of an expired version can look damaged, so that it has expired counts
  // for more.
  if (Status read = CheckReads(); !read.ok()) s = read;
  if (!s.ok()) return s.WithContext(TargetName(target));
  work_->Enter("rows");
  // Schema rows come first: who reads rows of a table has seen what its columns
  // were.
  AddSchemaRows();
  return Status::Ok();
}

Status DiffRows::BeginTable(const TablePlan& plan) {
  // A root of 0 is a version that does not have the table.
  if (plan.trees.from_root != 0) {
    if (Status s = from_.rows.Open(from_.db.get(), from_.reader->encoding(),
                                   plan.name, plan.key_columns);
        !s.ok()) {
      return s;
    }
  }
  if (plan.trees.to_root != 0) {
    if (Status s = to_.rows.Open(to_.db.get(), to_.reader->encoding(),
                                 plan.name, plan.key_columns);
        !s.ok()) {
      return s;
    }
  }
  // One table at a time is compared: its scans and what they keep go when the
  // next one begins.
  diff_ = std::make_unique<TableDiff>(pair_.get(), plan.trees);
  return diff_->Open();
}

Status DiffRows::MakeRow(const ChangedRow& row) {
  DiffRow made;
  made.table = tables_[next_table_ - 1].name;
  made.op = OpName(row.change);
  const bool has_old = row.change != RowChange::kInsert;
  const bool has_new = row.change != RowChange::kDelete;
  // The key of a row that is there on both sides is the same in both.
  RowJson* const keys = has_old ? &from_.rows : &to_.rows;
  if (Status s = keys->Key(row, &made.key); !s.ok()) return s;
  if (has_old) {
    if (Status s = from_.rows.Read(row, &made.old_json); !s.ok()) return s;
  }
  if (has_new) {
    if (Status s = to_.rows.Read(row, &made.new_json); !s.ok()) return s;
  }
  row_ = std::move(made);
  return Status::Ok();
}

Status DiffRows::Next(bool* has_row) {
  *has_row = true;
  if (next_schema_row_ < schema_rows_.size()) {
    row_ = schema_rows_[next_schema_row_++];
    return Status::Ok();
  }
  // Asking runs a statement, so it is not done for each row.
  if (row_count_++ % kRowsBetweenChecks == 0) {
    if (Status s = connection_->KeepOn(); !s.ok()) return s;
  }
  for (;;) {
    if (diff_ != nullptr) {
      const std::string context = "table=" + tables_[next_table_ - 1].name;
      ChangedRow row;
      Status s = diff_->Next(has_row, &row);
      if (s.ok() && *has_row) s = MakeRow(row);
      if (Status read = CheckReads(); !read.ok()) s = read;
      if (!s.ok()) return s.WithContext(context);
      if (*has_row) return Status::Ok();
    }
    *has_row = next_table_ < tables_.size();
    if (!*has_row) return Status::Ok();
    const TablePlan& plan = tables_[next_table_++];
    Status s = BeginTable(plan);
    if (Status read = CheckReads(); !read.ok()) s = read;
    if (!s.ok()) return s.WithContext("table=" + plan.name);
  }
}

Status OpenRows(Connection* connection, const TableArguments& arguments,
                std::unique_ptr<RowSource>* rows) {
  if (!arguments[0].has_value() || !arguments[1].has_value()) {
    return Status::InvalidArgument(
        "it takes an actor and two points: actorkv_diff(actor, from, to)");
  }
  Target target;
  if (Status s =
          ResolveTarget(connection, *arguments[0], StoreUse::kRead, &target);
      !s.ok()) {
    return s;
  }
  auto made = std::make_unique<DiffRows>(connection);
  if (Status s =
          made->Open(target, *arguments[1], arguments[2].value_or("head"));
      !s.ok()) {
    return s;
  }
  *rows = std::move(made);
  return Status::Ok();
}

constexpr TableSpec kDiff = {"actorkv_diff", kDeclaration, kActor, 3, OpenRows};

}  // namespace

int RegisterDiffTable(Connection* connection) {
  return RegisterTables<kDiff>(connection);
}

}  // namespace actorkv
