// Every status at every place becomes the SQLite code of the table in
// vfs/sqlite/sqlite_error.h.

#include "vfs/sqlite/sqlite_error.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <new>
#include <string>
#include <system_error>
#include <vector>

#include "tests/support/failing_memory.h"

namespace actorkv {
namespace {

struct Row {
  Status status;
  int open;
  int read;
  int lock;
  int full_or_io;  // SQLITE_FULL, or 0 for the I/O error of the place
  int sync;
  int phase_two;
  int function;
};

std::vector<Row> Table() {
  return {
      {Status::NotFound("t"), SQLITE_CANTOPEN, SQLITE_IOERR_DATA,
       SQLITE_IOERR_LOCK, 0, SQLITE_IOERR_FSYNC, SQLITE_IOERR_FSYNC,
       SQLITE_ERROR},
      {Status::AlreadyExists("t"), SQLITE_CANTOPEN, SQLITE_IOERR_READ,
       SQLITE_IOERR_LOCK, 0, SQLITE_IOERR_FSYNC, SQLITE_IOERR_FSYNC,
       SQLITE_ERROR},
      {Status::InvalidArgument("t"), SQLITE_CANTOPEN, SQLITE_IOERR_READ,
       SQLITE_IOERR_LOCK, 0, SQLITE_IOERR_FSYNC, SQLITE_IOERR_FSYNC,
       SQLITE_ERROR},
      {Status::Busy("t"), SQLITE_BUSY, SQLITE_IOERR_READ, SQLITE_BUSY, 0,
       SQLITE_IOERR_FSYNC, SQLITE_IOERR_FSYNC, SQLITE_BUSY},
      {Status::Conflict("t"), SQLITE_CANTOPEN, SQLITE_IOERR_READ,
       SQLITE_BUSY_SNAPSHOT, 0, SQLITE_BUSY_SNAPSHOT, SQLITE_IOERR_FSYNC,
       SQLITE_ERROR},
      {Status::Fenced("t"), SQLITE_CANTOPEN, SQLITE_IOERR_READ,
       SQLITE_READONLY_DBMOVED, 0, SQLITE_READONLY_DBMOVED, SQLITE_IOERR_FSYNC,
       SQLITE_ERROR},
      {Status::NoSpace("t"), SQLITE_FULL, SQLITE_IOERR_READ, SQLITE_IOERR_LOCK,
       SQLITE_FULL, SQLITE_FULL, SQLITE_FULL, SQLITE_FULL},
      {Status::Corruption("t"), SQLITE_IOERR_DATA, SQLITE_IOERR_DATA,
       SQLITE_IOERR_LOCK, 0, SQLITE_IOERR_FSYNC, SQLITE_IOERR_FSYNC,
       SQLITE_CORRUPT},
      {Status::IOError("t"), SQLITE_CANTOPEN, SQLITE_IOERR_READ,
       SQLITE_IOERR_LOCK, 0, SQLITE_IOERR_FSYNC, SQLITE_IOERR_FSYNC,
       SQLITE_IOERR},
      {Status::NotSupported("t"), SQLITE_CANTOPEN, SQLITE_IOERR_READ,
       SQLITE_IOERR_LOCK, 0, SQLITE_IOERR_FSYNC, SQLITE_IOERR_FSYNC,
       SQLITE_ERROR},
      {Status::NoMemory(), SQLITE_NOMEM, SQLITE_IOERR_NOMEM, SQLITE_IOERR_NOMEM,
       SQLITE_IOERR_NOMEM, SQLITE_IOERR_NOMEM, SQLITE_IOERR_NOMEM,
       SQLITE_NOMEM},
      {Status::ReadOnly("t"), SQLITE_CANTOPEN, SQLITE_IOERR_READ,
       SQLITE_READONLY, 0, SQLITE_IOERR_FSYNC, SQLITE_IOERR_FSYNC,
       SQLITE_READONLY},
      {Status::Interrupted("t"), SQLITE_CANTOPEN, SQLITE_IOERR_READ,
       SQLITE_IOERR_LOCK, 0, SQLITE_IOERR_FSYNC, SQLITE_IOERR_FSYNC,
       SQLITE_INTERRUPT},
  };
}

TEST(SqliteErrorTest, WholeTable) {
  for (const Row& row : Table()) {
    SCOPED_TRACE(row.status.ToString());
    const auto io = [&](int code) {
      return row.full_or_io != 0 ? row.full_or_io : code;
    };
    EXPECT_EQ(SqliteCode(Place::kOpen, row.status), row.open);
    EXPECT_EQ(SqliteCode(Place::kRead, row.status), row.read);
    EXPECT_EQ(SqliteCode(Place::kLock, row.status), row.lock);
    EXPECT_EQ(SqliteCode(Place::kWrite, row.status), io(SQLITE_IOERR_WRITE));
    EXPECT_EQ(SqliteCode(Place::kTruncate, row.status),
              io(SQLITE_IOERR_TRUNCATE));
    EXPECT_EQ(SqliteCode(Place::kDelete, row.status), io(SQLITE_IOERR_DELETE));
    EXPECT_EQ(SqliteCode(Place::kFileSize, row.status), io(SQLITE_IOERR_FSTAT));
    EXPECT_EQ(SqliteCode(Place::kSync, row.status), row.sync);
    EXPECT_EQ(SqliteCode(Place::kPhaseTwo, row.status), row.phase_two);
    EXPECT_EQ(SqliteCode(Place::kFunction, row.status), row.function);
  }
}

TEST(SqliteErrorTest, OkIsOkEverywhereAndNeverTheLastError) {
  ReportError(Place::kOpen, Status::IOError("something"));
  for (const Place place : {Place::kOpen, Place::kRead, Place::kLock,
                            Place::kWrite, Place::kTruncate, Place::kFileSize,
                            Place::kSync, Place::kPhaseTwo, Place::kFunction}) {
    EXPECT_EQ(ReportError(place, Status::Ok()), SQLITE_OK);
  }
  EXPECT_EQ(LastError(), "I/O error: something");
}

// At these places some codes would leave a transaction or a cache behind.
TEST(SqliteErrorTest, CommitCodesAreThoseThatThePagerTakesWell) {
  for (const Row& row : Table()) {
    SCOPED_TRACE(row.status.ToString());
    EXPECT_NE(SqliteCode(Place::kSync, row.status), SQLITE_BUSY);
    const int phase_two = SqliteCode(Place::kPhaseTwo, row.status) & 0xff;
    EXPECT_TRUE(phase_two == SQLITE_IOERR || phase_two == SQLITE_FULL);
  }
}

TEST(SqliteErrorTest, WhatIsThrownHasAText) {
  const auto report = [](auto&& thrown) {
    try {
      throw thrown;
    } catch (...) {
      return ReportThrown(Place::kOpen, {});
    }
  };
  EXPECT_EQ(report(std::bad_alloc()), SQLITE_NOMEM);
  EXPECT_EQ(LastError(), "out of memory");
  EXPECT_EQ(report(std::system_error(
                std::make_error_code(std::errc::resource_unavailable_try_again),
                "thread")),
            SQLITE_CANTOPEN);
  EXPECT_NE(LastError().find("the system refused a thread or a lock: thread"),
            std::string::npos)
      << LastError();
  EXPECT_EQ(report(7), SQLITE_CANTOPEN);
  EXPECT_NE(LastError().find("no known kind"), std::string::npos);
}

// Where there is none, the text of that has its place already.
TEST(SqliteErrorTest, NoMemoryNeedsNone) {
  ReportError(Place::kOpen, Status::NotFound("another error"));
  const Status status = Status::NoMemory();
  FailingMemory::Plan plan;
  plan.times = 1000;
  FailingMemory::Begin(plan);
  ReportError(Place::kOpen, status);
  FailingMemory::End();
  EXPECT_EQ(LastError(), "out of memory");
}

}  // namespace
}  // namespace actorkv
