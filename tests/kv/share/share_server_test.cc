// What the owner of a store answers to the requests of a session.

#include "kv/share/share_server.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "kv/format/chunk.h"
#include "kv/format/keys.h"
#include "kv/share/head_fields.h"
#include "kv/share/server_actors.h"
#include "kv/store/hints.h"
#include "tests/support/share_session.h"
#include "tests/support/slate_pins.h"

namespace actorkv {
namespace {

bool SameLineage(const HeadState& a, const HeadState& b) {
  return std::equal(
      a.lineage->begin(), a.lineage->end(), b.lineage->begin(),
      b.lineage->end(), [](const BranchPoint& x, const BranchPoint& y) {
        return x.actor == y.actor && x.branch == y.branch && x.txid == y.txid;
      });
}

class ShareServerTest : public ServedStore {
 protected:
  void SetUp() override {
    ServedStore::SetUp();
    session_ = std::make_unique<FakeSession>(directory_);
    ASSERT_OK(session_->Hello());
  }
  void TearDown() override {
    session_.reset();
    ServedStore::TearDown();
  }

  Snapshot HeadOf(const std::string& actor) const {
    return store_.State(actor)->head.snapshot;
  }

  std::unique_ptr<FakeSession> session_;
};

TEST_F(ShareServerTest, WelcomesASession) {
  EXPECT_EQ(session_->number, 1U);
  EXPECT_NE(session_->key, 0U);
  ASSERT_NE(session_->board, nullptr);
  ASSERT_NE(session_->slate, nullptr);
  const std::vector<SessionInfo> infos = server_->Sessions();
  ASSERT_EQ(infos.size(), 1U);
  EXPECT_EQ(infos[0].program, "prog");
  EXPECT_EQ(infos[0].module, "test");
  EXPECT_EQ(infos[0].pid, static_cast<uint32_t>(getpid()));
  EXPECT_EQ(infos[0].channel_count, 1U);
}

TEST_F(ShareServerTest, ASessionHasSeveralChannels) {
  FakeSession other(directory_);
  ASSERT_OK(other.Hello(FakeSession::HelloOf(*session_)));
  EXPECT_EQ(other.number, session_->number);
  EXPECT_EQ(other.board, nullptr) << "the first one has it";
  EXPECT_EQ(server_->session_count(), 1U);
  session_->Close();
  EXPECT_TRUE(HasSessions(1));
  SyncRequest sync;
  DoneAnswer<Op::kSync> done;
  EXPECT_OK(other.Ask(sync, &done));
  other.Close();
  EXPECT_TRUE(HasSessions(0));
  const auto end = In(kAnswerTime);
  while (ended_ == 0 && std::chrono::steady_clock::now() < end) {
    std::this_thread::yield();
  }
  EXPECT_EQ(ended_, 1);
}

TEST_F(ShareServerTest, OpensAnActorThatIsThere) {
  Commit("alice", 1);
  const OpenAnswer opened = session_->Open("alice", 3);
  std::shared_ptr<const HeadState> state;
  ASSERT_OK(StateOf(opened.head, "alice", &state));
  EXPECT_EQ(state->head_bytes, store_.State("alice")->head_bytes);
  EXPECT_EQ(session_->board->slot(opened.slot)->head_seq(), opened.head_seq);
  EXPECT_EQ(PinCount(), 1U);
  EXPECT_TRUE(session_->slate->IsAwake(3));
  RestPin(session_->slate.get(), 3);
  EXPECT_EQ(PinCount(), 0U);
  EXPECT_TRUE(ResumePin(session_->slate.get(), 3,
                        *session_->board->slot(opened.slot), opened.head_seq));
  EXPECT_EQ(PinCount(), 1U);
}

TEST_F(ShareServerTest, OpensAnActorThatIsNotThere) {
  const OpenAnswer opened = session_->Open("nobody");
  EXPECT_FALSE(opened.head.exists);
  const OpenAnswer again = session_->Open("nobody");
  EXPECT_EQ(again.slot, opened.slot);
  EXPECT_TRUE(store_->actors()->IsOpen("nobody"));
  CloseRequest close;
  close.slot = opened.slot;
  // Each OPEN has its CLOSE.
  ASSERT_OK(session_->Send(close));
  EXPECT_TRUE(store_->actors()->IsOpen("nobody"));
  ASSERT_OK(session_->Send(close));
  DoneAnswer<Op::kSync> done;
  ASSERT_OK(session_->Ask(SyncRequest(), &done)) << "the close came before";
  EXPECT_FALSE(store_->actors()->IsOpen("nobody"));
  OpenRequest bad;
  bad.actor = std::string_view("\0", 1);
  OpenAnswer answer;
  EXPECT_FALSE(session_->Ask(bad, &answer).ok());
}

TEST_F(ShareServerTest, TheWordRisesWithCommitsOfTheOwner) {
  Commit("alice", 1);
  const Snapshot before = HeadOf("alice");
  const OpenAnswer opened = session_->Open("alice");
  const uint64_t seq = opened.head_seq;
  const uint32_t slot = opened.slot;
  Commit("alice", 2);
  EXPECT_GT(session_->board->slot(slot)->head_seq(), seq);
  const HeadAnswer head = session_->Head(slot, before);
  ASSERT_TRUE(head.head.has_value());
  ASSERT_TRUE(head.changed_pages.has_value());
  EXPECT_EQ(*head.changed_pages, std::vector<PageNo>{1});
  EXPECT_EQ(head.head_seq, session_->board->slot(slot)->head_seq());
  const HeadAnswer same = session_->Head(slot, HeadOf("alice"));
  EXPECT_FALSE(same.head.has_value());
  const HeadAnswer unknown = session_->Head(slot, Snapshot());
  EXPECT_TRUE(unknown.head.has_value()) << "it does not know what it was given";
  EXPECT_FALSE(unknown.changed_pages.has_value());
}

// Whoever asks for a head reads what changed sooner or later.
TEST_F(ShareServerTest, PagesThatChangedComeWithTheHead) {
  Commit("alice", 1);
  const uint32_t slot = session_->Open("alice").slot;
  const Snapshot before = HeadOf("alice");
  Commit("alice", 2);
  const HeadAnswer head = session_->Head(slot, before);
  ASSERT_EQ(head.pages.size(), 1U);
  const WirePage& page = head.pages.front();
  EXPECT_EQ(page.pgno, 1U);
  EXPECT_EQ(page.txid, HeadOf("alice").txid);
  EXPECT_EQ(page.bytes.size(), size_t{kMinPageSize});
  EXPECT_EQ(page.page_hash, PageHash(1, page.bytes));
}

TEST_F(ShareServerTest, ManyPagesThatChangedAreLeftToTheReader) {
  constexpr uint32_t kMany = kHeadPagesBytes / kMinPageSize + 1;
  Commit("alice", 1, kMany);
  const uint32_t slot = session_->Open("alice").slot;
  session_->Head(slot, Snapshot(), 9);
  const Snapshot before = HeadOf("alice");
  Commit("alice", 2, kMany);
  const HeadAnswer head = session_->Head(slot, before, 9);
  EXPECT_EQ(head.changed_pages->size(), kMany);
  EXPECT_TRUE(head.pages.empty());
}

// A lineage that got shorter is another head for whoever reads by it.
TEST_F(ShareServerTest, AHeadWithAnotherLineageIsSentAgain) {
  Commit("alice", 1);
  const OpenAnswer opened = session_->Open("alice");
  const uint32_t slot = opened.slot;
  const std::shared_ptr<Actor> actor = store_.Open("alice");
  const auto state = store_.State("alice");
  actor->ReplaceLineage(state->head.snapshot.branch,
                        std::make_shared<Lineage>(*state->lineage));
  EXPECT_TRUE(session_->Head(slot, HeadOf("alice")).head.has_value());
}

TEST_F(ShareServerTest, CommitsOfASessionArePublished) {
  Commit("alice", 1);
  const PreparedCommit commit = Prepared("alice", 2);
  const Snapshot before = HeadOf("alice");
  const uint32_t slot = session_->Open("alice").slot;
  FakeSession other(directory_);
  ASSERT_OK(other.Hello());
  const uint32_t other_slot = other.Open("alice").slot;
  EXPECT_EQ(other_slot, slot);
  CommitAnswer answer;
  ASSERT_OK(session_->Ask(RequestOf(commit, slot, 7), &answer));
  ASSERT_EQ(answer.outcome, CommitOutcome::kDone);
  ASSERT_EQ(answer.head_seqs.size(), 1U);
  EXPECT_EQ(answer.head_seqs[0], session_->board->slot(slot)->head_seq());
  EXPECT_EQ(store_.State("alice")->head_bytes, commit.state->head_bytes);
  EXPECT_TRUE(SameLineage(*store_.State("alice"), *commit.state));
  EXPECT_EQ(PinCount(), 1U);
  EXPECT_FALSE(session_->Head(slot, commit.snapshot()).head.has_value())
      << "it made this one";
  const HeadAnswer seen = other.Head(slot, before);
  ASSERT_TRUE(seen.head.has_value());
  EXPECT_EQ(seen.head->head_bytes, commit.state->head_bytes);
  EXPECT_EQ(*seen.changed_pages, std::vector<PageNo>{1});
}

TEST_F(ShareServerTest, AFirstCommitMakesTheActor) {
  const PreparedCommit commit = Prepared("bob", 1);
  const uint32_t slot = session_->Open("bob").slot;
  CommitAnswer answer;
  ASSERT_OK(session_->Ask(RequestOf(commit, slot), &answer));
  ASSERT_EQ(answer.outcome, CommitOutcome::kDone);
  const auto state = store_.State("bob");
  EXPECT_TRUE(state->exists);
  EXPECT_EQ(state->entry_bytes, commit.state->entry_bytes);
  EXPECT_EQ(ReadAll(store_, "bob").size(), 1U);
}

// What is published is what the store says.
TEST_F(ShareServerTest, APublishedHeadIsTheStoredOne) {
  for (uint32_t version = 1; version <= 3; ++version) {
    const PreparedCommit commit = Prepared("carol", version);
    const uint32_t slot = session_->Open("carol").slot;
    CommitAnswer answer;
    ASSERT_OK(session_->Ask(RequestOf(commit, slot), &answer));
    ASSERT_EQ(answer.outcome, CommitOutcome::kDone);
    std::shared_ptr<const HeadState> stored;
    ASSERT_OK(
        LoadHeadState(store_->engine()->NewReader().get(), "carol", &stored));
    const auto known = store_.State("carol");
    EXPECT_EQ(known->head_bytes, stored->head_bytes);
    EXPECT_EQ(known->entry_bytes, stored->entry_bytes);
    EXPECT_EQ(known->entry.actor, stored->entry.actor);
    EXPECT_TRUE(SameLineage(*known, *stored));
  }
}

TEST_F(ShareServerTest, AConflictPublishesNothing) {
  Commit("alice", 1);
  const PreparedCommit late = Prepared("alice", 2);
  Commit("alice", 3);
  const std::string head = store_.State("alice")->head_bytes;
  const uint32_t slot = session_->Open("alice").slot;
  const uint64_t seq = session_->board->slot(slot)->head_seq();
  CommitAnswer answer;
  ASSERT_OK(session_->Ask(RequestOf(late, slot), &answer));
  EXPECT_EQ(answer.outcome, CommitOutcome::kConflict);
  EXPECT_TRUE(answer.head_seqs.empty());
  EXPECT_EQ(session_->board->slot(slot)->head_seq(), seq);
  EXPECT_EQ(store_.State("alice")->head_bytes, head);
}

TEST_F(ShareServerTest, ACommitThatNamesNoHeadMakesItsActorForgotten) {
  Commit("alice", 1);
  const PreparedCommit commit = Prepared("alice", 2);
  const std::shared_ptr<Actor> held = store_.Open("alice");
  std::shared_ptr<const HeadState> state;
  ASSERT_OK(held->Current(&state));
  const uint64_t version = held->version();
  CommitRequest request = RequestOf(commit, 0);
  request.heads.clear();
  CommitAnswer answer;
  ASSERT_OK(session_->Ask(request, &answer));
  ASSERT_EQ(answer.outcome, CommitOutcome::kDone);
  EXPECT_GT(held->version(), version);
  ASSERT_OK(held->Current(&state));
  EXPECT_EQ(state->head_bytes, commit.state->head_bytes);
}

// An actor that nobody has open is kept for its head.
TEST_F(ShareServerTest, AnIdleActorIsForgottenAsWell) {
  Commit("alice", 1);
  const PreparedCommit commit = Prepared("alice", 2);
  ASSERT_OK(store_->CloseActor(store_.Open("alice")));
  CommitRequest request = RequestOf(commit, 0);
  request.heads.clear();
  CommitAnswer answer;
  ASSERT_OK(session_->Ask(request, &answer));
  EXPECT_EQ(store_.State("alice")->head_bytes, commit.state->head_bytes);
}

TEST_F(ShareServerTest, AnUnknownOutcomeIsReadAgain) {
  Commit("alice", 1);
  const PreparedCommit commit = Prepared("alice", 2);
  const uint32_t slot = session_->Open("alice").slot;
  const uint64_t seq = session_->board->slot(slot)->head_seq();
  store_.plan()->FailCommit(1, CommitFault::kUnknownLost);
  CommitAnswer answer;
  ASSERT_OK(session_->Ask(RequestOf(commit, slot), &answer));
  EXPECT_EQ(answer.outcome, CommitOutcome::kUnknown);
  EXPECT_FALSE(answer.status.code == Code::kOk);
  EXPECT_GT(session_->board->slot(slot)->head_seq(), seq);
}

TEST_F(ShareServerTest, ATimeIsCovered) {
  Commit("alice", 1);
  const PreparedCommit commit = Prepared("alice", 2);
  const uint32_t slot = session_->Open("alice").slot;
  CommitRequest request = RequestOf(commit, slot);
  request.newest_time_us = WallClockUs() + uint64_t{365} * 86400 * 1'000'000;
  CommitAnswer answer;
  ASSERT_OK(session_->Ask(request, &answer));
  EXPECT_EQ(answer.outcome, CommitOutcome::kFailed);
  EXPECT_EQ(answer.status.code, Code::kInvalidArgument);
  ASSERT_OK(session_->board->NextTime(WallClockUs(), &request.newest_time_us));
  ASSERT_OK(session_->Ask(request, &answer));
  EXPECT_EQ(answer.outcome, CommitOutcome::kDone);
  EXPECT_GT(store_->clock()->newest_us(), request.newest_time_us - 1);
}

TEST_F(ShareServerTest, Reads) {
  Commit("alice", 1);
  const Partition partition =
      ActorPartition(store_.State("alice")->entry.actor);
  GetRequest get;
  get.partition = partition;
  const std::string head_key = HeadKey();
  get.keys = {head_key, "nothing"};
  GetAnswer got;
  ASSERT_OK(session_->Ask(get, &got));
  ASSERT_EQ(got.values.size(), 2U);
  EXPECT_EQ(got.values[0], store_.State("alice")->head_bytes);
  EXPECT_EQ(got.values[1], std::nullopt);
  SeekRequest seek;
  seek.partition = partition;
  seek.keys = {"", "\xff"};
  SeekAnswer found;
  ASSERT_OK(session_->Ask(seek, &found));
  ASSERT_EQ(found.found.size(), 2U);
  EXPECT_TRUE(found.found[0].has_value());
  EXPECT_FALSE(found.found[1].has_value());
}

TEST_F(ShareServerTest, ScansInPieces) {
  Commit("alice", 1);
  const Partition partition = CatalogPartition();
  std::vector<KeyValue> pairs;
  ScanRequest scan;
  scan.partition = partition;
  scan.max_pairs = 1;
  std::string start;
  ScanAnswer answer;
  do {
    scan.start = start;
    ASSERT_OK(session_->Ask(scan, &answer));
    ASSERT_LE(answer.pairs.size(), 1U);
    for (const StoredPair& pair : answer.pairs) {
      pairs.push_back({std::string(pair.key), std::string(pair.value)});
      start = pairs.back().key + '\0';
    }
  } while (!answer.is_end);
  const std::vector<KeyValue> all = store_.Scan(partition);
  ASSERT_EQ(pairs.size(), all.size());
  for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(pairs[i].key, all[i].key);
}

TEST_F(ShareServerTest, LargeAnswersComeInParts) {
  const Partition partition = {PartitionKind::kLegacy, 77};
  Batch batch;
  const std::string large(size_t{3} << 20, 'x');
  for (const char* key : {"a", "b", "c"}) batch.Put(partition, key, large);
  ASSERT_TRUE(store_->Commit(batch, Durability::kBuffered).done());
  GetRequest get;
  get.partition = partition;
  get.keys = {"a", "b", "c"};
  GetAnswer got;
  ASSERT_OK(session_->Ask(get, &got));
  EXPECT_EQ(got.values.size(), 1U);
  ScanRequest scan;
  scan.partition = partition;
  scan.max_pairs = 100;
  scan.max_bytes = 1;
  ScanAnswer scanned;
  ASSERT_OK(session_->Ask(scan, &scanned));
  EXPECT_EQ(scanned.pairs.size(), 1U);
  EXPECT_FALSE(scanned.is_end);
}

TEST_F(ShareServerTest, TheRestOfAnEngine) {
  const Partition partition = {PartitionKind::kLegacy, 77};
  Batch batch;
  batch.Put(partition, "a", "b");
  ASSERT_TRUE(store_->Commit(batch, Durability::kBuffered).done());
  CompactRequest compact;
  compact.partition = partition;
  DoneAnswer<Op::kCompact> compacted;
  EXPECT_OK(session_->Ask(compact, &compacted));
  DropRequest drop;
  drop.partition = partition;
  DoneAnswer<Op::kDrop> dropped;
  EXPECT_OK(session_->Ask(drop, &dropped));
  EXPECT_TRUE(store_.Scan(partition).empty());
  DoneAnswer<Op::kSync> synced;
  EXPECT_OK(session_->Ask(SyncRequest(), &synced));
}

TEST_F(ShareServerTest, PinsAnOlderCommit) {
  Commit("alice", 1);
  const auto state = store_.State("alice");
  PinRequest pin;
  pin.held.pin = 9;
  pin.held.branch = state->head.snapshot.branch;
  pin.held.txid = state->head.snapshot.txid;
  pin.held.lineage = FieldsOf(*state).lineage;
  DoneAnswer<Op::kPin> done;
  ASSERT_OK(session_->Ask(pin, &done));
  const auto pinned = store_->pins()->Snapshots();
  ASSERT_EQ(pinned.size(), 1U);
  EXPECT_EQ(pinned[0].snapshot, state->head.snapshot);
  session_->Close();
  EXPECT_TRUE(HasSessions(0));
  EXPECT_EQ(PinCount(), 0U);
}

// The owner's own writers and those of sessions keep each other out.
TEST_F(ShareServerTest, TheOwnersWritersTakeTheWord) {
  Commit("alice", 1);
  const uint32_t slot = session_->Open("alice").slot;
  ActorSlot* const word = session_->board->slot(slot);
  const std::shared_ptr<Actor> actor = store_.Open("alice");
  const auto state = store_.State("alice");
  const Snapshot head = state->head.snapshot;
  Writer writer(actor->writers());
  ASSERT_OK(actor->Reserve(&writer, head, state->head.generation));
  EXPECT_EQ(word->writer(), TokenOf(0));
  EXPECT_FALSE(session_->Wait(slot, std::chrono::milliseconds(5)));
  actor->Release(&writer);
  EXPECT_TRUE(session_->Wait(slot, std::chrono::seconds(10)));
  word->Confirm(session_->token());
  EXPECT_TRUE(IsError(actor->Reserve(&writer, head, state->head.generation),
                      Code::kBusy, "actor=alice"));
  EXPECT_TRUE(actor->reserved());
  EXPECT_TRUE(actor->TakeWriterAway());
  EXPECT_FALSE(actor->TakeWriterAway());
  EXPECT_OK(actor->Reserve(&writer, head, state->head.generation));
  actor->Release(&writer);
}

TEST_F(ShareServerTest, AWordThatNobodyConfirmsGoesToTheNext) {
  FakeSession other(directory_);
  ASSERT_OK(other.Hello());
  const uint32_t slot = session_->Open("alice").slot;
  ASSERT_EQ(other.Open("alice").slot, slot);
  ActorSlot* const word = session_->board->slot(slot);
  ASSERT_TRUE(session_->Wait(slot, std::chrono::seconds(10)));
  EXPECT_TRUE(other.Wait(slot, std::chrono::seconds(10)));
  EXPECT_EQ(word->writer(), other.token());
  word->Confirm(other.token());
  EXPECT_FALSE(session_->Wait(slot, std::chrono::milliseconds(30)));
}

TEST_F(ShareServerTest, KeepsHints) {
  Commit("alice", 1);
  const auto state = store_.State("alice");
  HintsRecord record;
  record.generation = state->head.generation;
  HintRange range;
  range.first = 1;
  range.page_count = 1;
  record.ranges = {range};
  const std::string bytes = EncodeRecord(HintsKey(), record);
  HintsRequest hints;
  hints.actor = "alice";
  hints.record = bytes;
  ASSERT_OK(session_->Send(hints));
  hints.actor = "nobody";
  ASSERT_OK(session_->Send(hints));
  hints.actor = "alice";
  hints.record = "damaged";
  ASSERT_OK(session_->Send(hints));
  session_->Open("alice");  // both have been heard of
  HintsRecord kept;
  ASSERT_OK(store_->hints()->Load({state->entry.actor, state->head.generation},
                                  &kept));
  EXPECT_EQ(EncodeRecord(HintsKey(), kept), bytes);
}

}  // namespace
}  // namespace actorkv
