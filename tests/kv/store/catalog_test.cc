// Catalog: listing, deleting and renaming actors; names.

#include "kv/store/catalog.h"

#include <gtest/gtest.h>

#include "kv/format/keys.h"
#include "kv/store/actor_name.h"
#include "tests/support/store_harness.h"

namespace actorkv {
namespace {

class CatalogTest : public testing::Test {
 protected:
  void Make(const std::string& name, std::optional<uint32_t> stamp = 1) {
    TestTransaction transaction(store_, name);
    transaction.Write(1, TestPage(kMinPageSize, 1, 1));
    ASSERT_OK(transaction.Commit(stamp));
  }

  // Names in order, deleted ones with a minus.
  std::vector<std::string> Names() {
    std::vector<std::string> names;
    std::string at;
    for (;;) {
      bool found = false;
      std::string name;
      std::shared_ptr<const HeadState> state;
      EXPECT_OK(NextActor(store_.get(), at, &found, &name, &state));
      if (!found) return names;
      names.push_back((state->exists ? "" : "-") + name);
      at = NameAfter(name);
    }
  }

  TestStore store_;
};

using Strings = std::vector<std::string>;

TEST_F(CatalogTest, ListsNamesInByteOrder) {
  EXPECT_EQ(Names(), Strings{});
  for (const char* name : {"b", "a", "\xc3\xbc", "aa", "B"}) Make(name);
  EXPECT_EQ(Names(), (Strings{"B", "a", "aa", "b", "\xc3\xbc"}));
  TxId txid;
  ASSERT_OK(DeleteActor(store_.get(), "aa", SchemaCookie(0), &txid));
  EXPECT_EQ(Names(), (Strings{"B", "a", "-aa", "b", "\xc3\xbc"}));
}

TEST_F(CatalogTest, DeleteKeepsTheFloorsAndThePages) {
  Make("a", 7);
  const auto before = store_.State("a");
  TxId txid;
  ASSERT_OK(DeleteActor(store_.get(), "a", SchemaCookie(3), &txid));
  EXPECT_EQ(txid, before->head.snapshot.txid);
  const auto after = store_.State("a");
  EXPECT_FALSE(after->exists);
  EXPECT_EQ(after->entry.state, ActorState::kDeleted);
  EXPECT_EQ(after->entry.stamp_floor, 7u);
  EXPECT_EQ(after->entry.cookie_floor, 3u);
  EXPECT_GT(after->entry.deleted_at_us, before->head.committed_at_us);
  EXPECT_TRUE(ReadAll(store_->engine(), before->head.snapshot, before->lineage)
                  .has_value());
  EXPECT_TRUE(IsError(DeleteActor(store_.get(), "a", SchemaCookie(0), &txid),
                      Code::kNotFound, "no such actor: actor=a store=test"));
  EXPECT_TRUE(IsError(DeleteActor(store_.get(), "b", SchemaCookie(0), &txid),
                      Code::kNotFound, "actor=b"));
}

TEST_F(CatalogTest, AnOpenActorIsNeitherDeletedNorRenamed) {
  Make("a");
  auto open = store_.Open("a");
  auto open_too = store_.Open("free");
  TxId txid;
  EXPECT_TRUE(IsError(DeleteActor(store_.get(), "a", SchemaCookie(0), &txid),
                      Code::kBusy, "the actor is open: actor=a"));
  EXPECT_TRUE(IsError(RenameActor(store_.get(), "a", "b"), Code::kBusy,
                      "the actor is open: actor=a"));
  open.reset();
  EXPECT_TRUE(IsError(RenameActor(store_.get(), "a", "free"), Code::kBusy,
                      "the actor is open: actor=free"));
  open_too.reset();
  EXPECT_OK(RenameActor(store_.get(), "a", "free"));
}

TEST_F(CatalogTest, RenameMovesTheName) {
  Make("a", 7);
  const auto before = store_.State("a");
  ASSERT_OK(RenameActor(store_.get(), "a", "b"));
  EXPECT_EQ(Names(), Strings{"b"});
  const auto after = store_.State("b");
  EXPECT_EQ(after->entry.actor, before->entry.actor);
  EXPECT_EQ(after->head_bytes, before->head_bytes);
  store_.Reopen();
  EXPECT_EQ(ReadAll(store_, "b").size(), 1u);
}

TEST_F(CatalogTest, RenameRefusesNamesThatAreTaken) {
  for (const char* name : {"a", "b", "c"}) Make(name);
  TxId txid;
  ASSERT_OK(DeleteActor(store_.get(), "c", SchemaCookie(0), &txid));
  const struct {
    std::string from;
    std::string to;
    Code code;
    std::string message;
  } kCases[] = {
      {"a", "b", Code::kAlreadyExists, "the name is taken: actor=b"},
      {"a", "a", Code::kAlreadyExists, "the name is taken: actor=a"},
      {"a", "c", Code::kAlreadyExists, "a deleted actor has the name: actor=c"},
      {"x", "y", Code::kNotFound, "no such actor: actor=x"},
      {"c", "y", Code::kNotFound, "no such actor: actor=c"},
      {"a", "", Code::kInvalidArgument, "actor name is empty"},
      {"a", "x/y", Code::kInvalidArgument, "has a slash"},
  };
  for (const auto& c : kCases) {
    EXPECT_TRUE(
        IsError(RenameActor(store_.get(), c.from, c.to), c.code, c.message));
  }
  EXPECT_EQ(Names(), (Strings{"a", "b", "-c"}));
}

TEST_F(CatalogTest, AFailedChangeLeavesTheNameAndCanBeRepeated) {
  Make("a");
  TxId txid{99};
  store_.plan()->FailCommit(1, CommitFault::kFailed, Status::NoSpace("full"));
  EXPECT_TRUE(IsError(DeleteActor(store_.get(), "a", SchemaCookie(0), &txid),
                      Code::kNoSpace, "full"));
  EXPECT_EQ(txid.value, 99u);
  store_.plan()->FailCommit(1, CommitFault::kFailed, Status::NoSpace("full"));
  EXPECT_TRUE(
      IsError(RenameActor(store_.get(), "a", "b"), Code::kNoSpace, "full"));
  EXPECT_EQ(Names(), Strings{"a"});
  EXPECT_OK(RenameActor(store_.get(), "a", "b"));
  EXPECT_OK(DeleteActor(store_.get(), "b", SchemaCookie(0), &txid));
}

TEST_F(CatalogTest, ADamagedEntryIsReported) {
  Make("a");
  Batch batch;
  batch.Put(CatalogPartition(), ActorEntryKey("a"), std::string(40, '\1'));
  ASSERT_TRUE(store_->Commit(batch, Durability::kSynced).done());
  bool found = false;
  std::string name;
  std::shared_ptr<const HeadState> state;
  EXPECT_TRUE(IsError(NextActor(store_.get(), "", &found, &name, &state),
                      Code::kCorruption,
                      "actor=a: actor record damaged: checksum mismatch"));
}

TEST(ActorNameTest, Table) {
  const struct {
    std::string name;
    std::string message;  // empty: a good name
  } kCases[] = {
      {"a", ""},
      {"...", ""},
      {".hidden", ""},
      {"with space?&=#%", ""},
      {"z\xc3\xbcrich", ""},
      {std::string(255, 'x'), ""},
      {"", "actor name is empty"},
      {std::string(256, 'x'), "256 bytes long, the limit is 255"},
      {"a/b", "has a slash: a/b"},
      {"/", "has a slash"},
      {std::string("a\0b", 3), "has a NUL byte"},
      {".", "is a directory's: ."},
      {"..", "is a directory's: .."},
      {"\xff", "is not UTF-8"},
      {"\xc0\xaf", "is not UTF-8"},
  };
  const TestStore store;
  for (const auto& c : kCases) {
    const Status s = CheckActorName(c.name);
    if (c.message.empty()) {
      EXPECT_OK(s);
    } else {
      EXPECT_TRUE(IsError(s, Code::kInvalidArgument, c.message));
      std::shared_ptr<Actor> actor;
      EXPECT_TRUE(IsError(store->OpenActor(c.name, &actor),
                          Code::kInvalidArgument, c.message));
    }
  }
}

}  // namespace
}  // namespace actorkv
