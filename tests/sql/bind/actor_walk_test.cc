// ActorWalk: every actor once, and what an engine that fails makes of it. What
// tables make of damage is in verify_test.cc.

#include "sql/bind/actor_walk.h"

#include <gtest/gtest.h>

#include "kv/format/keys.h"
#include "kv/store/catalog.h"
#include "tests/support/store_harness.h"

namespace actorkv {
namespace {

class ActorWalkTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"a", "b", "c"}) {
      TestTransaction transaction(store_, name);
      transaction.Write(1, TestPage(kMinPageSize, 1, 1));
      ASSERT_OK(transaction.Commit());
    }
    TxId txid;
    ASSERT_OK(DeleteActor(store_.get(), "b", SchemaCookie(0), &txid));
  }

  // The names from here to the end: "-b" is deleted, "?a" cannot be read.
  static std::string Names(ActorWalk* walk) {
    std::string names;
    for (bool found = true; found;) {
      EXPECT_OK(walk->Next(&found));
      if (!found) break;
      EXPECT_EQ(walk->state().exists,
                walk->status().ok() && !walk->is_deleted());
      names += std::string(names.empty() ? "" : " ") +
               (walk->is_deleted()    ? "-"
                : walk->status().ok() ? ""
                                      : "?") +
               walk->name();
    }
    return names;
  }

  TestStore store_;
};

TEST_F(ActorWalkTest, AllOrTheOneThatIsWanted) {
  ActorWalk all(store_.shared());
  EXPECT_EQ(Names(&all), "a -b c");
  EXPECT_EQ(Names(&all), "") << "the end stays the end";
  for (const std::string name : {"a", "c"}) {
    ActorWalk one(store_.shared(), name);
    EXPECT_EQ(Names(&one), name);
    EXPECT_EQ(Names(&one), "");
  }
  for (const char* name : {"", "aa", "d"}) {
    ActorWalk none(store_.shared(), name);
    EXPECT_EQ(Names(&none), "") << name;
  }
}

TEST_F(ActorWalkTest, AfterTheOneThatIsWantedNothingIsRead) {
  ActorWalk one(store_.shared(), "a");
  bool found = false;
  ASSERT_OK(one.Next(&found));
  ASSERT_TRUE(found);
  const uint64_t read_count = store_.plan()->read_count();
  ASSERT_OK(one.Next(&found));
  EXPECT_FALSE(found);
  EXPECT_EQ(store_.plan()->read_count(), read_count);
}

TEST_F(ActorWalkTest, WhereTheNextNameCannotBeReadIsNoActor) {
  ActorWalk walk(store_.shared());
  bool found = false;
  ASSERT_OK(walk.Next(&found));
  ASSERT_EQ(walk.name(), "a");
  store_.plan()->FailRead(1, Status::IOError("injected"));
  EXPECT_TRUE(IsError(walk.Next(&found), Code::kIOError, "injected"));
  EXPECT_FALSE(found);
  EXPECT_EQ(walk.name(), "");
  EXPECT_EQ(Names(&walk), "-b c") << "nobody is left out";
}

TEST_F(ActorWalkTest, WhatCannotBeReadOfOneActorIsOfThatActor) {
  for (uint64_t nth = 2;; ++nth) {
    SCOPED_TRACE(nth);
    const uint64_t fired = store_.plan()->fired_count();
    ActorWalk walk(store_.shared(), "a");
    store_.plan()->FailRead(nth, Status::IOError("injected"));
    const std::string names = Names(&walk);
    if (store_.plan()->fired_count() == fired) {
      EXPECT_EQ(names, "a");
      EXPECT_GT(nth, 3u);
      break;
    }
    EXPECT_EQ(names, "?a");
  }
  store_.plan()->Reset();
  ActorWalk walk(store_.shared());
  store_.plan()->FailRead(2, Status::IOError("injected"));
  EXPECT_EQ(Names(&walk), "?a -b c");
}

TEST_F(ActorWalkTest, OrAnErrorForWhoCannotGoWithout) {
  ActorWalk walk(store_.shared());
  bool found = false;
  store_.plan()->FailRead(2, Status::IOError("injected"));
  EXPECT_TRUE(IsError(walk.NextReadable(&found), Code::kIOError, "injected"));
  ASSERT_OK(walk.NextReadable(&found));
  EXPECT_EQ(walk.name(), "b");
}

// Of damage in a key.
TEST_F(ActorWalkTest, AnEntryWithoutANameIsPassed) {
  Batch batch;
  batch.Put(CatalogPartition(), ActorEntryPrefix(), "x");
  ASSERT_TRUE(store_->Commit(batch, Durability::kBuffered).done());
  ActorWalk walk(store_.shared());
  EXPECT_EQ(Names(&walk), "? a -b c");
}

TEST_F(ActorWalkTest, DamageIsWhatComesAgain) {
  EXPECT_TRUE(IsDamage(Status::Corruption("x")));
  EXPECT_TRUE(IsDamage(Status::NotSupported("x")));
  EXPECT_FALSE(IsDamage(Status::IOError("x")));
  EXPECT_FALSE(IsDamage(Status::Ok()));
}

}  // namespace
}  // namespace actorkv
