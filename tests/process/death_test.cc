// The owner dies at each point of a commit, of its end and of the begin of its
// successor; other processes die at each point of what they do. Nothing that
// was acknowledged is lost or done twice, nobody is told of an error that was
// not his, and the others get on at once.

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "kv/share/frame.h"
#include "tests/process/places.h"

namespace actorkv {
namespace {

using Clock = std::chrono::steady_clock;

// Within which the others get on. A second is promised; the rest is the
// machine's, which runs other tests.
constexpr std::chrono::seconds kPromptly{5};

// A frame of a request, and of an answer.
constexpr uint8_t kRequest = 0;

Failpoint At(Moment moment, int nth = 1) { return {moment, nth, 0, 0}; }

Failpoint At(Moment moment, Op op, uint8_t flags, int nth = 1) {
  return {moment, nth, static_cast<uint8_t>(op), flags};
}

struct Case {
  const char* name;
  Failpoint failpoint;
};

std::string NameOf(const testing::TestParamInfo<Case>& info) {
  return info.param.name;
}

class DeathTest : public ProcessTest {
 protected:
  void SetUp() override {
    if (!HaveFailpoints()) GTEST_SKIP() << "sanitizers have these functions";
  }

  // Each of them writes in turns, and is told of no error.
  void ExpectTheyGetOn(const std::vector<Peer*>& peers, int rounds) {
    for (int i = 0; i < rounds; ++i) {
      for (Peer* peer : peers) {
        EXPECT_TRUE(Worked(peer->Run("a", kInsert)));
        ++rows_;
      }
    }
    for (Peer* peer : peers) {
      EXPECT_TRUE(Answers(peer->Run("a", kCount), std::to_string(rows_)));
    }
  }

  void EndAndExpectSound(std::vector<std::unique_ptr<Peer>>* peers) const {
    for (auto& peer : *peers) EXPECT_EQ(peer->End(), 0);
    ExpectSound(store_, "a");
  }

  static bool HasOneDied(const std::vector<Peer*>& peers) {
    for (int i = 0; i < 1000; ++i) {
      for (Peer* peer : peers) {
        if (peer->HasDied(std::chrono::milliseconds(10))) return true;
      }
    }
    return false;
  }

  int rows_ = 1;  // of t
};

// --- The owner --------------------------------------------------------------

class OwnerDeathTest : public DeathTest,
                       public testing::WithParamInterface<Case> {};

TEST_P(OwnerDeathTest, InACommitOfAnother) {
  auto owner = Found();
  std::vector<std::unique_ptr<Peer>> others;
  for (int i = 0; i < 2; ++i) others.push_back(OpenPeer());
  ExpectTheyGetOn({others[0].get(), others[1].get()}, 1);
  owner->DieAt(GetParam().failpoint);
  ExpectTheyGetOn({others[0].get(), others[1].get()}, 6);
  EXPECT_TRUE(owner->HasDied());
  EndAndExpectSound(&others);
}

// It may be there or not; nothing else.
TEST_P(OwnerDeathTest, InACommitOfItsOwn) {
  if (GetParam().failpoint.op != 0) return;  // nobody is answered
  auto owner = Found();
  std::vector<std::unique_ptr<Peer>> others;
  for (int i = 0; i < 2; ++i) others.push_back(OpenPeer());
  ExpectTheyGetOn({others[0].get(), others[1].get()}, 1);
  owner->DieAt(GetParam().failpoint);
  for (int i = 0; i < 20; ++i) {
    if (owner->Run("a", kInsert).code != SQLITE_OK) break;
    ++rows_;
  }
  EXPECT_TRUE(owner->HasDied());
  // Until the next owner is asked they read what they know.
  EXPECT_TRUE(Worked(others[0]->Run("a", kInsert)));
  const int rows = std::stoi("0" + others[0]->Run("a", kCount).text);
  EXPECT_TRUE(rows == rows_ + 1 || rows == rows_ + 2)
      << rows << " after " << rows_;
  rows_ = rows;
  ExpectTheyGetOn({others[0].get(), others[1].get()}, 2);
  EndAndExpectSound(&others);
}

INSTANTIATE_TEST_SUITE_P(
    , OwnerDeathTest,
    testing::Values(Case{"BeforeTheWrite", At(Moment::kBeforeLogWrite)},
                    Case{"BeforeALaterWrite", At(Moment::kBeforeLogWrite, 4)},
                    Case{"AfterTheWrite", At(Moment::kAfterLogWrite)},
                    Case{"BeforeTheSync", At(Moment::kBeforeLogSync)},
                    Case{"AfterTheSync", At(Moment::kAfterLogSync)},
                    Case{"AfterALaterSync", At(Moment::kAfterLogSync, 3)},
                    Case{"BeforeTheAnswer",
                         At(Moment::kBeforeSend, Op::kCommit, kAnswerFlag)},
                    Case{"AfterTheAnswer",
                         At(Moment::kAfterSend, Op::kCommit, kAnswerFlag)}),
    NameOf);

// It leaves as a program does that is done, and dies on the way.
class LeavingTest : public DeathTest,
                    public testing::WithParamInterface<Case> {};

TEST_P(LeavingTest, TheOthersGetOn) {
  auto owner = Found();
  std::vector<std::unique_ptr<Peer>> others;
  for (int i = 0; i < 3; ++i) others.push_back(OpenPeer());
  ExpectTheyGetOn({others[0].get(), others[1].get(), others[2].get()}, 1);
  owner->DieAt(GetParam().failpoint);
  EXPECT_NE(owner->End(), 0) << "it has to die";
  ExpectTheyGetOn({others[0].get(), others[1].get(), others[2].get()}, 2);
  EndAndExpectSound(&others);
}

INSTANTIATE_TEST_SUITE_P(
    , LeavingTest,
    testing::Values(
        Case{"BeforeItSaysSo", At(Moment::kBeforeSend, Op::kGoAway, 0)},
        Case{"AfterItSaidSo", At(Moment::kAfterSend, Op::kGoAway, 0)},
        Case{"BeforeItToldTheSecond",
             At(Moment::kBeforeSend, Op::kGoAway, 0, 2)}),
    NameOf);

// Whoever of two opens it after the owner was killed dies on the way: then
// there is a third.
class SuccessorTest : public DeathTest,
                      public testing::WithParamInterface<Case> {};

TEST_P(SuccessorTest, AfterAnOwnerThatLeft) {
  auto owner = Found();
  auto first = OpenPeer();
  std::vector<std::unique_ptr<Peer>> others;
  others.push_back(OpenPeer());
  ExpectTheyGetOn({first.get(), others[0].get()}, 1);
  first->DieAt(GetParam().failpoint);
  others[0]->Stop();
  EXPECT_EQ(owner->End(), 0);
  // Who welcomes somebody needs somebody.
  const bool is_alone = GetParam().failpoint.op == 0;
  EXPECT_TRUE(!is_alone || first->HasDied());
  others[0]->Continue();
  ExpectTheyGetOn({others[0].get()}, 2);
  first.reset();
  EndAndExpectSound(&others);
}

TEST_P(SuccessorTest, TheThirdGetsOn) {
  auto owner = Found();
  auto first = OpenPeer();
  auto second = OpenPeer();
  std::vector<std::unique_ptr<Peer>> others;
  others.push_back(OpenPeer());
  ExpectTheyGetOn({first.get(), second.get(), others[0].get()}, 1);
  first->DieAt(GetParam().failpoint);
  second->DieAt(GetParam().failpoint);
  // It is not to be the first that comes.
  others[0]->Stop();
  owner->Kill();
  EXPECT_TRUE(HasOneDied({first.get(), second.get()}));
  others[0]->Continue();
  ExpectTheyGetOn({others[0].get()}, 2);
  first.reset();
  second.reset();
  EndAndExpectSound(&others);
}

INSTANTIATE_TEST_SUITE_P(
    , SuccessorTest,
    testing::Values(Case{"BeforeItWrites", At(Moment::kBeforeLogWrite)},
                    Case{"AfterItWrote", At(Moment::kAfterLogWrite)},
                    Case{"AfterASecondWrite", At(Moment::kAfterLogWrite, 2)},
                    Case{"BeforeItSyncs", At(Moment::kBeforeLogSync)},
                    Case{"AfterItSynced", At(Moment::kAfterLogSync)},
                    Case{"BeforeItServes", At(Moment::kBeforeBind)},
                    Case{"WhileItBeginsToServe", At(Moment::kAfterBind)},
                    Case{"BeforeItWelcomes",
                         At(Moment::kBeforeSend, Op::kHello, kAnswerFlag)},
                    Case{"AfterItWelcomed",
                         At(Moment::kAfterSend, Op::kHello, kAnswerFlag)}),
    NameOf);

// --- Others -----------------------------------------------------------------

class VictimTest : public DeathTest {
 protected:
  void SetUp() override {
    DeathTest::SetUp();
    if (IsSkipped()) return;
    owner_ = Found();
    others_.push_back(OpenPeer());
    victim_ = OpenPeer();
    EXPECT_TRUE(Answers(victim_->Run("a", kCount), "1"));
  }

  // What it does when it dies, and then the others get on at once.
  void DieIn(const Failpoint& failpoint, const std::string& sql) {
    victim_->DieAt(failpoint);
    EXPECT_NE(victim_->Script("a", sql).code, SQLITE_OK);
    EXPECT_TRUE(victim_->HasDied()) << sql;
    ExpectOthersGetOn();
  }

  void ExpectOthersGetOn() {
    const Clock::time_point begin = Clock::now();
    // What the victim asked for last is done, or never will be, once another
    // one has written.
    EXPECT_TRUE(Worked(others_[0]->Run("a", kInsert)));
    const std::string count = others_[0]->Run("a", kCount).text;
    rows_ = std::stoi("0" + count);
    ExpectTheyGetOn({others_[0].get(), owner_.get()}, 1);
    EXPECT_LT(Clock::now() - begin, kPromptly);
  }

  void TearDown() override {
    if (IsSkipped()) return;
    // As long as it shares the store, that is not closed.
    victim_.reset();
    others_.push_back(std::move(owner_));
    EndAndExpectSound(&others_);
  }

  std::unique_ptr<Peer> owner_;
  std::vector<std::unique_ptr<Peer>> others_;
  std::unique_ptr<Peer> victim_;
};

TEST_F(VictimTest, HoldsTheWord) {
  EXPECT_TRUE(Worked(victim_->Run("a", "BEGIN IMMEDIATE")));
  EXPECT_TRUE(Worked(victim_->Run("a", kInsert)));
  victim_->Kill();
  ExpectOthersGetOn();
}

TEST_F(VictimTest, BeforeItSendsACommit) {
  DieIn(At(Moment::kBeforeSend, Op::kCommit, kRequest), kInsert);
  EXPECT_EQ(rows_, 4);
}

// The owner has it: it may be done, and it may be that nobody wanted it.
TEST_F(VictimTest, AfterItSentACommit) {
  DieIn(At(Moment::kAfterSend, Op::kCommit, kRequest), kInsert);
}

// A transaction whose pages do not fit into memory.
std::string ManyPages(int rows) {
  return "PRAGMA cache_size=4; BEGIN; CREATE TABLE big(x);"
         "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
         "LIMIT " +
         std::to_string(rows) +
         ") INSERT INTO big SELECT randomblob(4000) FROM n; COMMIT";
}

// Its pages are in the store, and no head names them.
TEST_F(VictimTest, HasWrittenAStage) {
  for (const auto& [moment, nth] :
       {std::pair{Moment::kAfterSend, 1}, std::pair{Moment::kBeforeSend, 2}}) {
    DieIn(At(moment, Op::kCommit, kRequest, nth), ManyPages(4000));
    EXPECT_EQ(others_[0]->Run("a", "SELECT count(*) FROM sqlite_schema").text,
              "1");
    victim_ = OpenPeer();
  }
}

TEST_F(VictimTest, HasImportedAHalf) {
  const std::string dump = temp_.File("dump");
  EXPECT_TRUE(Worked(owner_->Open("b", Uri("b"))));
  EXPECT_TRUE(Worked(owner_->Script("b", ManyPages(1500))));
  EXPECT_TRUE(
      Worked(owner_->Run("b", "SELECT actorkv_export('b', '" + dump + "')")));
  const std::string import = "SELECT actorkv_import('c', '" + dump + "')";
  for (const int nth : {1, 2}) {
    DieIn(At(Moment::kAfterSend, Op::kCommit, kRequest, nth), import);
    EXPECT_EQ(others_[0]
                  ->Run("a",
                        "SELECT count(*) FROM actorkv_actors"
                        " WHERE actor = 'c' AND state = 'live'")
                  .text,
              "0");
    victim_ = OpenPeer();
  }
  EXPECT_TRUE(Worked(victim_->Run("a", import)));
  EXPECT_TRUE(Worked(victim_->Open("c", Uri("c"))));
  EXPECT_TRUE(Answers(victim_->Run("c", "SELECT count(*) FROM big"), "1500"));
  EXPECT_EQ(victim_->End(), 0);
}

// It migrates an actor, which it has a lease of meanwhile.
TEST_F(VictimTest, HasALease) {
  const std::string pairs =
      "SELECT actorkv_import_pairs('old', actorkv_pair_set(key, value,"
      " 'opaque'))"
      " FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
      " LIMIT 2000) SELECT CAST('k' || i AS BLOB) AS key,"
      " randomblob(900) AS value FROM n)";
  EXPECT_TRUE(Worked(owner_->Run("a", pairs)));
  const std::string migrate = "SELECT actorkv_migrate('old', 'tables')";
  for (const int nth : {1, 2}) {
    DieIn(At(Moment::kAfterSend, Op::kCommit, kRequest, nth), migrate);
    victim_ = OpenPeer();
  }
  // The lease is nobody's any more.
  EXPECT_TRUE(Worked(others_[0]->Run("a", migrate)));
  EXPECT_EQ(victim_->End(), 0);
}

// What it asked of the owner is done, or not, as a whole.
TEST_F(VictimTest, HasAskedForAFunction) {
  const std::string copy = temp_.File("copy");
  for (const std::string& sql :
       {std::string("SELECT actorkv_reclaim()"),
        "SELECT actorkv_backup('" + copy + "')",
        std::string("SELECT actorkv_fork('a', 'child')"),
        std::string("SELECT actorkv_delete('child')")}) {
    DieIn(At(Moment::kAfterSend, Op::kCall, kRequest), sql);
    victim_ = OpenPeer();
  }
  EXPECT_EQ(victim_->End(), 0);
}

}  // namespace
}  // namespace actorkv
