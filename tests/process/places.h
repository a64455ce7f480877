// What the tests of many processes share: where the databases are, who owns the
// store, and how its end is checked. A test that holds for plain files as well
// runs on them too: so it is known that the test itself asks for what is right.

#ifndef ACTORKV_TESTS_PROCESS_PLACES_H_
#define ACTORKV_TESTS_PROCESS_PLACES_H_

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/types.h>

#include <cstdlib>
#include <string>

#include "tests/process/peer.h"
#include "tests/support/sqlite_db.h"
#include "tests/support/store_access.h"
#include "tests/support/testing.h"

namespace actorkv {

// The process whose store it is; 0: none.
inline pid_t OwnerOf(const std::string& store) {
  return static_cast<pid_t>(
      std::strtol(FileContents(store + "/actorkv.pid").c_str(), nullptr, 10));
}

inline bool IsBusy(int code) { return (code & 0xff) == SQLITE_BUSY; }

inline testing::AssertionResult Answers(const Answer& answer,
                                        const std::string& text) {
  if (answer.code == SQLITE_OK && answer.text == text) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure()
         << "code " << answer.code << ": " << answer.text;
}

inline testing::AssertionResult Worked(const Answer& answer) {
  if (answer.code == SQLITE_OK) return testing::AssertionSuccess();
  return testing::AssertionFailure()
         << "code " << answer.code << ": " << answer.text;
}

// A refusal that says `part`.
inline testing::AssertionResult Refused(const Answer& answer, int code,
                                        const std::string& part) {
  if ((answer.code & 0xff) == code &&
      answer.text.find(part) != std::string::npos) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure()
         << "expected " << code << " with \"" << part << "\", got "
         << answer.code << ": " << answer.text;
}

// Of a store that nobody has open: all records and pages are sound.
inline void ExpectSound(const std::string& store, const std::string& actor) {
  SqliteDb db;
  ASSERT_EQ(db.Open(ActorUri(store, actor)), SQLITE_OK) << db.Error();
  EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
  EXPECT_EQ(db.QueryText("SELECT * FROM actorkv_verify"), "");
  EXPECT_EQ(db.QueryText("SELECT * FROM actorkv_doctor('" + actor +
                         "') WHERE severity = 'error'"),
            "");
  db.Close();
  CloseStore(store);
}

// A store in a directory of its own.
class ProcessTest : public testing::Test {
 protected:
  std::string Uri(const std::string& actor = "a") const {
    return ActorUri(store_, actor);
  }

  // A peer with the connection "a" to the actor of that name.
  std::unique_ptr<Peer> OpenPeer(int busy_timeout_ms = 10000) const {
    auto peer = std::make_unique<Peer>();
    EXPECT_TRUE(Worked(peer->Open("a", Uri(), busy_timeout_ms)));
    return peer;
  }

  // One that owns the store, in which "a" has the table t(x) with a row.
  std::unique_ptr<Peer> Found() const {
    auto owner = OpenPeer();
    EXPECT_TRUE(Worked(owner->Run("a", "CREATE TABLE t(x)")));
    EXPECT_TRUE(Worked(owner->Run("a", "INSERT INTO t VALUES(1)")));
    EXPECT_EQ(OwnerOf(store_), owner->pid());
    return owner;
  }

  TempDir temp_;
  const std::string store_ = temp_.File("store");
};

inline constexpr char kInsert[] = "INSERT INTO t VALUES(1)";
inline constexpr char kCount[] = "SELECT count(*) FROM t";

}  // namespace actorkv

#endif  // ACTORKV_TESTS_PROCESS_PLACES_H_
