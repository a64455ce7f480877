#include "sql/bind/table.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include "kv/base/per_process.h"
#include "vfs/sqlite/file_methods.h"
#include "vfs/sqlite/last_error.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {

namespace {

// Returns the bit of idxNum that says that argument i is given. xFilter gets
// the given ones in their order.
constexpr int GivenBit(int argument) { return 1 << argument; }

// The planner is told these. Only their order counts: a look-up by key is far
// cheaper than a scan.
constexpr double kScanCost = 100'000;
constexpr sqlite3_int64 kScanRows = 10'000;
constexpr double kKeyCost = 10;
constexpr sqlite3_int64 kKeyRows = 10;

struct Table : public sqlite3_vtab {
  // The base is cleared, as SQLite has its own fields in it (sqlite3_vtab, "The
  // Virtual Table Mechanism Of SQLite").
  Table(const TableSpec& table_spec, Connection* table_connection)
      : sqlite3_vtab(), spec(table_spec), connection(table_connection) {}
  const TableSpec& spec;
  Connection* const connection;
};

struct Cursor : public sqlite3_vtab_cursor {
  Cursor() : sqlite3_vtab_cursor() {}
  ~Cursor() { DropRows(); }
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;

  // In a child of fork() rows of its parent are left as they are: locks of what
  // they read may be held for ever.
  void DropRows() {
    if (of_parent.value()) static_cast<void>(rows.release());
    rows.reset();
  }

  const OfParent of_parent;
  std::unique_ptr<RowSource> rows;
  TableArguments arguments;
  bool has_row = false;
  sqlite3_int64 rowid = 0;
};

Table* Self(sqlite3_vtab* table) { return static_cast<Table*>(table); }
Cursor* Self(sqlite3_vtab_cursor* cursor) {
  return static_cast<Cursor*>(cursor);
}

int Disconnect(sqlite3_vtab* table) {
  delete Self(table);
  return SQLITE_OK;
}

int ArgumentCount(const TableSpec& spec) {
  return spec.key_column < 0 ? 0 : std::max(spec.argument_count, 1);
}

// The argument that the constraint gives, -1 for none. For an ordinary column
// only a comparison byte by byte can be answered by a look-up.
int ArgumentOf(const TableSpec& spec, sqlite3_index_info* info, int index) {
  const auto& constraint = info->aConstraint[index];
  const int argument = constraint.iColumn - spec.key_column;
  if (constraint.op != SQLITE_INDEX_CONSTRAINT_EQ || argument < 0 ||
      argument >= ArgumentCount(spec)) {
    return -1;
  }
  const bool look_up =
      spec.argument_count > 0 ||
      sqlite3_stricmp(sqlite3_vtab_collation(info, index), "BINARY") == 0;
  return look_up ? argument : -1;
}

int BestIndex(sqlite3_vtab* table, sqlite3_index_info* info) {
  const TableSpec& spec = Self(table)->spec;
  info->estimatedCost = kScanCost;
  info->estimatedRows = kScanRows;
  int chosen[kMaxTableArguments];  // the constraint for each argument
  std::fill(std::begin(chosen), std::end(chosen), -1);
  for (int i = 0; i < info->nConstraint; ++i) {
    const int argument = ArgumentOf(spec, info, i);
    if (argument < 0) continue;
    if (info->aConstraint[i].usable == 0) {
      // An argument must have its value before the table is read.
      if (spec.argument_count > 0) return SQLITE_CONSTRAINT;
      continue;
    }
    chosen[argument] = i;
  }
  int given = 0;
  for (int argument = 0; argument < ArgumentCount(spec); ++argument) {
    if (chosen[argument] < 0) continue;
    auto& usage = info->aConstraintUsage[chosen[argument]];
    usage.argvIndex = ++given;
    // An ordinary column is compared by SQLite once more: a blob with the bytes
    // of a name finds the row, and is not equal to its text.
    usage.omit = spec.argument_count > 0 ? 1 : 0;
    info->idxNum |= GivenBit(argument);
    info->estimatedCost = kKeyCost;
    info->estimatedRows = kKeyRows;
  }
  return SQLITE_OK;
}

int OpenCursor(sqlite3_vtab* /*table*/, sqlite3_vtab_cursor** cursor) {
  return Guard([&] {
    *cursor = new Cursor;
    return SQLITE_OK;
  });
}

int CloseCursor(sqlite3_vtab_cursor* cursor) {
  return Guard([&] {
    delete Self(cursor);
    return SQLITE_OK;
  });
}

int Fail(sqlite3_vtab* table, const Status& status) {
  const Table* self = Self(table);
  std::string text;
  const int code = ReportCallError(
      {self->spec.name, self->connection->db(), self->connection}, status,
      &text);
  // zErrMsg belongs to SQLite, which frees it with sqlite3_free().
  sqlite3_free(table->zErrMsg);
  table->zErrMsg = sqlite3_mprintf("%s", text.c_str());
  return code;
}

Status NextRow(Cursor* cursor, bool* has_row) {
  if (cursor->of_parent.value()) {
    return Status::NotSupported(
        "this statement began before fork(), in the parent: begin another one "
        "in this process");
  }
  const InnerWork inner;
  return cursor->rows->Next(has_row);
}

int Advance(Cursor* cursor) {
  bool has_row = false;
  cursor->has_row = false;
  if (Status s = NextRow(cursor, &has_row); !s.ok()) {
    return Fail(cursor->pVtab, s);
  }
  cursor->has_row = has_row;
  ++cursor->rowid;
  return SQLITE_OK;
}

TableArguments TakeArguments(const TableSpec& spec, int given,
                             sqlite3_value** argv) {
  TableArguments arguments(static_cast<size_t>(ArgumentCount(spec)));
  for (size_t i = 0; i < arguments.size(); ++i) {
    if ((given & GivenBit(static_cast<int>(i))) == 0) continue;
    // NULL for an argument is the same as none: `actorkv_dump(NULL)` is the
    // whole store.
    if (sqlite3_value_type(*argv) != SQLITE_NULL) arguments[i] = TextOf(*argv);
    // xFilter has the values of the constraints that BestIndex() numbered,
    // without holes.
    ++argv;
  }
  return arguments;
}

Status Open(const Table& table, Cursor* cursor) {
  if (Status s = CheckEffects(table.spec.effects, table.connection->db());
      !s.ok()) {
    return s;
  }
  const InnerWork inner;
  return table.spec.open(table.connection, cursor->arguments, &cursor->rows);
}

// OwnerOfTable names the connection whose error it is when something is thrown.
struct OwnerOfTable {
  const sqlite3_vtab* table;
  ErrorOwner operator()() const {
    return {static_cast<const Table*>(table)->connection->db(), {}};
  }
};

int Filter(sqlite3_vtab_cursor* base, int index_number, const char* /*text*/,
           int /*argc*/, sqlite3_value** argv) {
  return Guard(
      [&] {
        Cursor* cursor = Self(base);
        const Table* table = Self(base->pVtab);
        const TableSpec& spec = table->spec;
        // SQLite calls xFilter again for each row of an outer loop.
        cursor->DropRows();
        cursor->has_row = false;
        cursor->rowid = 0;
        cursor->arguments = TakeArguments(spec, index_number, argv);
        table->connection->ForgetTargets();
        if (Status s = Open(*table, cursor); !s.ok()) {
          return Fail(base->pVtab, s);
        }
        const int code = Advance(cursor);
        if (code == SQLITE_OK) EndErrorOfConnection(table->connection->db());
        return code;
      },
      OwnerOfTable{base->pVtab});
}

int Next(sqlite3_vtab_cursor* cursor) {
  return Guard([&] { return Advance(Self(cursor)); },
               OwnerOfTable{cursor->pVtab});
}

int Eof(sqlite3_vtab_cursor* cursor) { return Self(cursor)->has_row ? 0 : 1; }

int Column(sqlite3_vtab_cursor* base, sqlite3_context* context, int index) {
  return Guard([&] {
    const Cursor* cursor = Self(base);
    const TableSpec& spec = Self(base->pVtab)->spec;
    Result result(context);
    const int argument = index - spec.key_column;
    if (argument >= 0 && argument < spec.argument_count) {
      const auto& text = cursor->arguments[static_cast<size_t>(argument)];
      if (text.has_value()) result.Text(*text);
    } else {
      cursor->rows->Column(index, &result);
    }
    return SQLITE_OK;
  });
}

// Rows have no identity of their own. They are numbered from 1 on, as SQLite
// asks for some number.
int RowId(sqlite3_vtab_cursor* cursor, sqlite3_int64* rowid) {
  *rowid = Self(cursor)->rowid;
  return SQLITE_OK;
}

// Without xCreate there is no CREATE VIRTUAL TABLE, but a file that somebody
// wrote can have the statement in its schema, and SQLite then only connects
// (vtab.c sqlite3VtabCallConnect, 3.40.1). The arguments are those of
// sqlite3VtabEponymousTableInit().
bool IsEponymous(const ConnectCall& call) {
  return call.argument_count == 3 &&
         std::strcmp(call.arguments[0], call.arguments[2]) == 0 &&
         std::strcmp(call.arguments[1], "main") == 0;
}

}  // namespace

int ConnectTable(const TableSpec& spec, const ConnectCall& call,
                 sqlite3_vtab** table) {
  auto* const connection = static_cast<Connection*>(call.connection);
  sqlite3* const db = connection->db();
  return Guard(
      [&]() -> int {
        if (!IsEponymous(call)) {
          *call.error = sqlite3_mprintf(
              "%s is there by its own name only, no schema can have it",
              spec.name);
          return SQLITE_ERROR;
        }
        const int code = sqlite3_declare_vtab(db, spec.declaration);
        if (code != SQLITE_OK) return code;
        // No view or trigger of a foreign database can read a store by it.
        sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
        *table = new Table(spec, connection);
        return SQLITE_OK;
      },
      [&] {
        return ErrorOwner{db, {}};
      });
}

sqlite3_module TableModule(int (*connect)(sqlite3*, void*, int,
                                          const char* const*, sqlite3_vtab**,
                                          char**)) {
  sqlite3_module module = {};
  // xCreate stays null: the table is there by its name, and cannot be made
  // otherwise.
  module.xConnect = connect;
  module.xBestIndex = BestIndex;
  module.xDisconnect = Disconnect;
  module.xOpen = OpenCursor;
  module.xClose = CloseCursor;
  module.xFilter = Filter;
  module.xNext = Next;
  module.xEof = Eof;
  module.xColumn = Column;
  module.xRowid = RowId;
  return module;
}

int RegisterTable(Connection* connection, const TableSpec& spec,
                  const sqlite3_module* module) {
  connection->Ref();  // SQLite calls Unref also when this fails
  return sqlite3_create_module_v2(connection->db(), spec.name, module,
                                  connection, Connection::Unref);
}

}  // namespace actorkv
