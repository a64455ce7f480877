#include "sql/salvage/salvage_tables.h"

#include <memory>
#include <string>
#include <utility>

#include "sql/bind/table.h"
#include "sql/salvage/open_salvage.h"
#include "sql/salvage/page_map.h"
#include "sql/salvage/table_salvage.h"

namespace actorkv {

namespace {

// SalvagedActor: the pages of an actor and what they are part of.
struct SalvagedActor {
  explicit SalvagedActor(std::unique_ptr<SalvagePages> opened)
      : pages(std::move(opened)), map(pages.get(), ReadShape) {}

  const std::unique_ptr<SalvagePages> pages;
  PageMap map;
};

Status OpenActor(Connection* connection, const std::string& actor,
                 const std::string& point,
                 std::unique_ptr<SalvagedActor>* opened) {
  std::unique_ptr<SalvagePages> pages;
  if (Status s = OpenSalvagePages(connection, actor, point, &pages); !s.ok()) {
    return s;
  }
  auto made = std::make_unique<SalvagedActor>(std::move(pages));
  if (Status s = made->map.Build(); !s.ok()) {
    return s.WithContext("actor=" + actor);
  }
  *opened = std::move(made);
  return Status::Ok();
}

// --- actorkv_salvage ---------------------------------------------------------

constexpr char kPagesDeclaration[] =
    "CREATE TABLE x(pgno INTEGER, part TEXT, readable INTEGER,"
    " actor TEXT HIDDEN, point TEXT HIDDEN)";

enum PagesColumn { kPgno, kPart, kReadable, kPagesActor };

class PageRows : public RowSource {
 public:
  explicit PageRows(std::unique_ptr<SalvagedActor> actor)
      : actor_(std::move(actor)) {}

  Status Next(bool* has_row) override {
    while (pgno_ < actor_->pages->page_count()) {
      part_ = actor_->map.PartOf(++pgno_);
      *has_row = !part_.is_readable || !part_.is_reached;
      if (*has_row) return Status::Ok();
    }
    *has_row = false;
    return Status::Ok();
  }

  void Column(int index, Result* result) const override {
    switch (index) {
      case kPgno:
        return result->Int(pgno_);
      case kPart:
        return result->ErrorText(PartText(actor_->map, part_));
      case kReadable:
        return result->Int(part_.is_readable ? 1 : 0);
      default:
        return;
    }
  }

 private:
  const std::unique_ptr<SalvagedActor> actor_;
  PageNo pgno_ = 0;
  PagePart part_;
};

Status OpenPageRows(Connection* connection, const TableArguments& arguments,
                    std::unique_ptr<RowSource>* rows) {
  if (!arguments[0].has_value()) {
    return Status::InvalidArgument(
        "it takes an actor: actorkv_salvage(actor [, point])");
  }
  std::unique_ptr<SalvagedActor> actor;
  if (Status s = OpenActor(connection, *arguments[0],
                           arguments[1].value_or("head"), &actor);
      !s.ok()) {
    return s;
  }
  *rows = std::make_unique<PageRows>(std::move(actor));
  return Status::Ok();
}

// --- actorkv_salvage_rows ----------------------------------------------------

constexpr char kRowsDeclaration[] =
    "CREATE TABLE x(rowid INTEGER, pgno INTEGER, row TEXT, certain INTEGER,"
    " actor TEXT HIDDEN, table_name TEXT HIDDEN, point TEXT HIDDEN)";

enum RowsColumn { kRowid, kRowPgno, kRow, kCertain, kRowsActor };

class SalvageRows : public RowSource {
 public:
  SalvageRows(std::unique_ptr<SalvagedActor> actor, uint32_t tree)
      : actor_(std::move(actor)), salvage_(&actor_->map, tree) {}

  Status Next(bool* has_row) override {
    if (row_count_++ % kRowsBetweenChecks == 0) {
      if (Status s = actor_->pages->KeepOn(); !s.ok()) return s;
    }
    return salvage_.Next(has_row, &row_);
  }

  void Column(int index, Result* result) const override {
    switch (index) {
      case kRowid:
        if (row_.has_rowid) result->SignedInt(row_.rowid);
        return;
      case kRowPgno:
        return result->Int(row_.pgno);
      case kRow:
        return result->TextOrNull(row_.json);
      case kCertain:
        return result->Int(row_.is_certain ? 1 : 0);
      default:
        return;
    }
  }

 private:
  static constexpr uint64_t kRowsBetweenChecks = 256;

  const std::unique_ptr<SalvagedActor> actor_;
  TableSalvage salvage_;
  uint64_t row_count_ = 0;
  SalvagedRow row_;
};

// Finds a table by its name, as SQLite compares names.
Status FindTable(const PageMap& map, const std::string& name, uint32_t* tree) {
  std::string names;
  for (size_t i = 0; i < map.trees().size(); ++i) {
    const StoredItem& item = map.trees()[i].item;
    if (item.type != "table") continue;
    if (sqlite3_stricmp(item.name.c_str(), name.c_str()) == 0) {
      *tree = static_cast<uint32_t>(i);
      return Status::Ok();
    }
    names += (names.empty() ? "" : ", ") + item.name;
  }
  return Status::NotFound(
      "no such table in what is left of the schema: " + name + "; there are " +
      names + ", and NULL for the rows of no known table");
}

Status OpenSalvageRows(Connection* connection, const TableArguments& arguments,
                       std::unique_ptr<RowSource>* rows) {
  if (!arguments[0].has_value()) {
    return Status::InvalidArgument(
        "it takes an actor and a table: actorkv_salvage_rows(actor, table "
        "[, point])");
  }
  std::unique_ptr<SalvagedActor> actor;
  uint32_t tree = kNoTree;
  if (Status s = OpenActor(connection, *arguments[0],
                           arguments[2].value_or("head"), &actor);
      !s.ok()) {
    return s;
  }
  if (arguments[1].has_value()) {
    if (Status s = FindTable(actor->map, *arguments[1], &tree); !s.ok()) {
      return s.WithContext("actor=" + *arguments[0]);
    }
  }
  *rows = std::make_unique<SalvageRows>(std::move(actor), tree);
  return Status::Ok();
}

constexpr TableSpec kSalvage = {"actorkv_salvage", kPagesDeclaration,
                                kPagesActor, 2, OpenPageRows};
constexpr TableSpec kSalvageRows = {"actorkv_salvage_rows", kRowsDeclaration,
                                    kRowsActor, 3, OpenSalvageRows};

}  // namespace

int RegisterSalvageTables(Connection* connection) {
  return RegisterTables<kSalvage, kSalvageRows>(connection);
}

}  // namespace actorkv
