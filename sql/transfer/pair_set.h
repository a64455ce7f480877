// PairSet: what the aggregate actorkv_pair_set() makes of the rows of a query:
// pairs that are staged outside of any store. It is handed on as a pointer of
// SQLite, which SQL can give to a function and not look into.
//
// Nothing of it is in a store before actorkv_import_pairs() has the whole set,
// and it goes with its token, however the query ends.

#ifndef ACTORKV_SQL_TRANSFER_PAIR_SET_H_
#define ACTORKV_SQL_TRANSFER_PAIR_SET_H_

#include <cstdint>
#include <memory>
#include <string_view>

#include "sql/transfer/pair_sorter.h"
#include "vfs/sqlite/sqlite_api.h"

namespace actorkv {

class PairSet {
 public:
  // The type of the pointer.
  static constexpr char kType[] = "actorkv-pair-set";

  // Adds the pair of the next row: key, value and, or not, 'opaque'. The first
  // row that is none is remembered, and the rest is passed over: who imports
  // the set says the error, as that knows the actor.
  void Add(int arg_count, sqlite3_value** args);

  // What was wrong with a row, which it names: kInvalidArgument for a key or
  // value that is neither a blob nor text, or that no store can keep, for
  // another third argument, and for a set of no rows; kNoSpace, kIOError.
  Status status() const;

  bool opaque() const { return opaque_; }

  // Gives the pairs in the order of their keys. REQUIRES: status() is ok.
  Status Open(std::unique_ptr<PairSource>* pairs) {
    return sorter_.Open(pairs);
  }

 private:
  Status AddRow(int arg_count, sqlite3_value** args);
  Status ReadOption(sqlite3_value* option);

  PairSorter sorter_;
  uint64_t row_count_ = 0;
  bool opaque_ = false;
  Status failed_;
};

}  // namespace actorkv

#endif  // ACTORKV_SQL_TRANSFER_PAIR_SET_H_
