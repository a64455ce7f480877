// Whose last error is kept where, and what ends it.

#include "vfs/sqlite/last_error.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include "vfs/sqlite/file_methods.h"

namespace actorkv {
namespace {

std::string Text(const std::optional<KeptError>& error) {
  return error.has_value() ? error->text : "none";
}

// In a thread of its own, so that no other test has left anything there.
template <typename Call>
void InNewThread(Call call) {
  std::thread(call).join();
}

class LastErrorTest : public testing::Test {
 protected:
  LastErrorTest() {
    WatchConnection(one());
    WatchConnection(two());
  }
  ~LastErrorTest() override {
    ForgetConnection(one());
    ForgetConnection(two());
  }

  // Only their addresses are used.
  sqlite3* one() { return reinterpret_cast<sqlite3*>(&places_[0]); }
  sqlite3* two() { return reinterpret_cast<sqlite3*>(&places_[1]); }

 private:
  char places_[2] = {};
};

TEST_F(LastErrorTest, OfConnectionThreadAndName) {
  InNewThread([&] {
    EXPECT_EQ(Text(ErrorOfThread()), "none");
    KeepError(SQLITE_IOERR_READ, "first", {one(), "/s/alice"});
    KeepError(SQLITE_FULL, "second", {two(), "/s/bob"});
    EXPECT_EQ(Text(ErrorOfConnection(one())), "first");
    EXPECT_EQ(Text(ErrorOfConnection(two())), "second");
    EXPECT_EQ(Text(ErrorOfThread()), "second");
    EXPECT_EQ(ErrorOfThread()->code, SQLITE_FULL);
    InNewThread([&] {
      EXPECT_EQ(Text(ErrorOfThread()), "none");
      EXPECT_EQ(Text(ErrorOfConnection(one())), "first");
      EXPECT_EQ(Text(ErrorOfName("/s/alice")), "first");
      KeepError(SQLITE_BUSY, "third", {nullptr, "/s/alice"});
      EXPECT_EQ(Text(ErrorOfThread()), "third");
    });
    EXPECT_EQ(Text(ErrorOfThread()), "second");
    EXPECT_EQ(Text(ErrorOfName("/s/alice")), "third");
    EXPECT_EQ(Text(ErrorOfName("/s/carol")), "none");
    EXPECT_EQ(Text(ErrorOfConnection(one())), "first");
  });
}

// An ATTACH that fails is told on its connection, though the VFS does not know
// whose it is; what another connection met is not.
TEST_F(LastErrorTest, AnOpenThatFailedLaterComesFirst) {
  InNewThread([&] {
    EXPECT_EQ(Text(ErrorFor(one())), "none");
    KeepError(SQLITE_CANTOPEN, "open", {nullptr, ""});
    EXPECT_EQ(Text(ErrorFor(one())), "open");
    KeepError(SQLITE_IOERR, "of one", {one(), ""});
    EXPECT_EQ(Text(ErrorFor(one())), "of one");
    EXPECT_EQ(Text(ErrorFor(two())), "of one");
    KeepError(SQLITE_IOERR, "of two", {two(), ""});
    EXPECT_EQ(Text(ErrorFor(one())), "of one");
    KeepError(SQLITE_CANTOPEN, "open again", {nullptr, ""});
    EXPECT_EQ(Text(ErrorFor(one())), "open again");
    EXPECT_EQ(Text(ErrorFor(two())), "open again");
    EndErrorOfThread();
    EXPECT_EQ(Text(ErrorFor(one())), "of one");
    EXPECT_EQ(Text(ErrorFor(two())), "of two");
  });
}

TEST_F(LastErrorTest, HasCodeAndTime) {
  const KeptError error{SQLITE_BUSY_SNAPSHOT, 1'700'000'000'123'456, "what"};
  EXPECT_EQ(error.ToString(), "what (code 517, 2023-11-14T22:13:20.123456Z)");
}

// A thread does not go on telling of what its connection left behind, whatever
// thread that went on in.
TEST_F(LastErrorTest, WhatWentWellEndsItsErrorEverywhereButByName) {
  InNewThread([&] {
    KeepError(SQLITE_IOERR, "old", {one(), "/s/ended"});
    InNewThread([&] { EndErrorOfConnection(one()); });
    EXPECT_EQ(Text(ErrorOfConnection(one())), "none");
    EXPECT_EQ(Text(ErrorOfThread()), "none");
    EXPECT_EQ(Text(ErrorOfName("/s/ended")), "old");

    KeepError(SQLITE_IOERR, "of two", {two(), ""});
    EndErrorOfConnection(one());
    EXPECT_EQ(Text(ErrorOfThread()), "of two");
    EndErrorOfThread();
    EXPECT_EQ(Text(ErrorOfThread()), "none");
    EXPECT_EQ(Text(ErrorOfConnection(two())), "of two");
  });
}

// SQLite may give the next connection the same address.
TEST_F(LastErrorTest, AConnectionBeginsWithoutAnError) {
  InNewThread([&] {
    KeepError(SQLITE_IOERR, "of the one before", {one(), ""});
    ForgetConnection(one());
    EXPECT_EQ(Text(ErrorOfConnection(one())), "none");
    EXPECT_EQ(Text(ErrorOfThread()), "of the one before");
    WatchConnection(one());
    EXPECT_EQ(Text(ErrorOfConnection(one())), "none");
  });
}

TEST_F(LastErrorTest, InnerWorkIsNotTheThreads) {
  InNewThread([&] {
    KeepError(SQLITE_CANTOPEN, "of the host", {nullptr, ""});
    {
      const InnerWork inner;
      EXPECT_TRUE(InnerWork::UnderWay());
      EXPECT_EQ(Text(ErrorOfThread()), "none");
      KeepError(SQLITE_IOERR, "inner", {nullptr, "/s/inner"});
      EXPECT_EQ(Text(ErrorOfThread()), "inner");
      {
        const InnerWork nested;
        EXPECT_EQ(Text(ErrorOfThread()), "inner");
      }
      EndErrorOfThread();  // by an open of our own
      EXPECT_EQ(Text(ErrorOfThread()), "inner");
    }
    EXPECT_FALSE(InnerWork::UnderWay());
    EXPECT_EQ(Text(ErrorOfThread()), "of the host");
    EXPECT_EQ(Text(ErrorOfName("/s/inner")), "inner");
  });
}

TEST_F(LastErrorTest, OnlyTheNewestNamesAndThreadsAreKept) {
  InNewThread([&] {
    KeepError(SQLITE_IOERR, "of this thread", {nullptr, "/s/0"});
    for (size_t i = 1; i <= kMaxErrorNames; ++i) {
      KeepErrorOfName(SQLITE_IOERR, "text", "/s/" + std::to_string(i));
    }
    EXPECT_EQ(Text(ErrorOfName("/s/0")), "none");
    EXPECT_EQ(Text(ErrorOfName("/s/1")), "text");
    KeepErrorOfName(SQLITE_IOERR, "again", "/s/1");
    KeepErrorOfName(SQLITE_IOERR, "text", "/s/one more");
    EXPECT_EQ(Text(ErrorOfName("/s/1")), "again");
    EXPECT_EQ(Text(ErrorOfName("/s/2")), "none");
    EXPECT_EQ(Text(ErrorOfThread()), "of this thread");
  });
}

TEST_F(LastErrorTest, CodeAndTimeNeedNoMemory) {
  InNewThread([&] {
    KeepError(SQLITE_IOERR, "before", {one(), "/s/a"});
    // No string is as long as this, so that making one throws.
    const std::string_view too_long("x", ~size_t{0} / 2);
    KeepError(SQLITE_FULL, too_long, {one(), "/s/a"});
    EXPECT_EQ(Text(ErrorOfConnection(one())),
              "the text of this error was not kept");
    EXPECT_EQ(ErrorOfConnection(one())->code, SQLITE_FULL);
    EXPECT_GT(ErrorOfConnection(one())->at_us, 0U);
    EXPECT_EQ(ErrorOfThread()->code, SQLITE_FULL);

    KeepError(SQLITE_NOMEM, {}, {one(), "/s/a"});
    EXPECT_EQ(Text(ErrorOfConnection(one())), "out of memory");
    EXPECT_EQ(ErrorOfThread()->code, SQLITE_NOMEM);
    EXPECT_EQ(Text(ErrorOfName("/s/a")), "out of memory");
    EndErrorOfConnection(one());
    EXPECT_EQ(Text(ErrorOfConnection(one())), "none");
    EXPECT_EQ(Text(ErrorOfThread()), "none");
  });
}

// What is thrown has a code and a text, and is whose the border says.
TEST_F(LastErrorTest, WhatIsThrownIsKept) {
  InNewThread([&] {
    const auto whose = [&] { return ErrorOwner{one(), "/s/thrown"}; };
    EXPECT_EQ(Guard([]() -> int { throw std::bad_alloc(); }, whose),
              SQLITE_NOMEM);
    EXPECT_EQ(ErrorOfConnection(one())->code, SQLITE_NOMEM);
    EXPECT_EQ(Text(ErrorOfConnection(one())), "out of memory");
    EXPECT_EQ(Text(ErrorOfName("/s/thrown")), "out of memory");
    EXPECT_EQ(
        Guard([]() -> int { throw std::runtime_error("no thread"); }, whose),
        SQLITE_IOERR);
    EXPECT_EQ(ErrorOfConnection(one())->code, SQLITE_IOERR);
    EXPECT_EQ(Text(ErrorOfThread()), "I/O error: unexpected: no thread");
    EXPECT_EQ(Guard([]() -> int { throw 1; }), SQLITE_IOERR);
    EXPECT_EQ(Text(ErrorOfThread()),
              "I/O error: unexpected: an exception of no known kind");
  });
}

}  // namespace
}  // namespace actorkv
