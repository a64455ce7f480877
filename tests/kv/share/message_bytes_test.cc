// Each message of processes that share a store has the bytes that were fixed
// for it (tests/support/share_frames.h, kv/share/PROTOCOL.md).

#include <gtest/gtest.h>

#include <string>

#include "kv/share/actor_messages.h"
#include "kv/share/call_messages.h"
#include "kv/share/engine_messages.h"
#include "kv/share/session_messages.h"
#include "kv/share/wire_status.h"
#include "tests/support/bytes.h"
#include "tests/support/share_frames.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr Partition kCatalogPart = {PartitionKind::kCatalog, 0};
constexpr Partition kActorPart = {PartitionKind::kActor, 3};
constexpr Partition kBranchPart = {PartitionKind::kBranch, 9};
constexpr Partition kLegacyPart = {PartitionKind::kLegacy, 22};

void ExpectBytes(const char* name, const std::string& frame) {
  EXPECT_EQ(Hex(frame), Hex(FrozenFrameOf(name))) << name;
}

template <typename Message>
void Expect(const char* name, uint64_t request, const Message& message) {
  std::string frame;
  ASSERT_OK(EncodeFrame(message, request, &frame));
  ExpectBytes(name, frame);
}

PinFields SomePin() {
  PinFields pin;
  pin.pin = 6;
  pin.branch = BranchId{9};
  pin.txid = TxId{8};
  pin.page_count = 3;
  pin.page_size = 4096;
  pin.lineage = {{ActorId{3}, BranchId{9}, TxId{8}}};
  return pin;
}

HeadFields SomeHead() {
  HeadFields head;
  head.exists = true;
  head.txid_floor = TxId{5};
  head.generation_floor = Generation{2};
  head.entry_bytes = "entry";
  head.head_bytes = "head";
  head.lineage = {{ActorId{3}, BranchId{9}, TxId{8}},
                  {ActorId{3}, BranchId{4}, TxId{7}}};
  head.first_page_hash = 0x1122334455667788;
  return head;
}

WirePage SomePage() {
  static const std::string kBlocks(kWireBlocksBytes, '\1');
  return {1, TxId{8}, 0x99, TxId{7}, kBlocks, "page"};
}

HelloRequest SomeHello() {
  HelloRequest hello;
  hello.version.protocol_min = 1;
  hello.version.protocol_max = 2;
  hello.version.pid = 4711;
  hello.version.module = "0.1.0";
  hello.features = 5;
  hello.store_format = 3;
  hello.marker_id = "ab12";
  hello.marker_inode = 77;
  hello.host = 0x1122334455667788;
  hello.session = 12;
  hello.key = 0xfeed;
  hello.is_read_only = true;
  hello.program = "python3";
  hello.sqlite_version = "3.40.1";
  hello.engine_version = "RocksDB 7.8.3";
  hello.pins = {SomePin()};
  hello.words = {"alice"};
  return hello;
}

TEST(MessageBytesTest, Sessions) {
  Expect("hello", 1, SomeHello());
  HelloAnswer welcome;
  welcome.protocol = 1;
  welcome.features = 4;
  welcome.owner_pid = 99;
  welcome.incarnation = 0x0102030405060708;
  welcome.session = 12;
  welcome.key = 0xfeed;
  welcome.module = "0.2.0";
  welcome.sqlite_version = "3.40.1";
  welcome.engine_version = "RocksDB 7.8.3";
  welcome.kept_pins = {6};
  welcome.damages = {{true, "a log", "keep it"}};
  Expect("welcome", 1, welcome);
  GoAwayRequest go_away;
  go_away.reason = GoAwayReason::kHandOver;
  go_away.text = "closing";
  Expect("go_away", 0, go_away);
}

TEST(MessageBytesTest, ActorsThatAreOpen) {
  OpenRequest open;
  open.actor = "alice";
  open.pin = 6;
  Expect("open", 2, open);
  OpenAnswer opened;
  opened.slot = 7;
  opened.head_seq = 3;
  opened.head = SomeHead();
  Expect("open_answer", 2, opened);
  CloseRequest close;
  close.slot = 7;
  Expect("close", 0, close);
  HintsRequest hints;
  hints.actor = "alice";
  hints.record = "learned";
  Expect("hints", 0, hints);
}

TEST(MessageBytesTest, HeadsAndPages) {
  HeadRequest head;
  head.slot = 7;
  head.known_branch = BranchId{9};
  head.known_txid = TxId{8};
  head.pin = 6;
  Expect("head", 3, head);
  HeadAnswer moved;
  moved.head_seq = 4;
  moved.head = SomeHead();
  moved.changed_pages = {1, 2};
  moved.pages = {SomePage()};
  Expect("head_answer", 3, moved);
  HeadAnswer same;
  same.head_seq = 4;
  Expect("head_same", 3, same);
  PinRequest pin;
  pin.held = SomePin();
  Expect("pin", 16, pin);
  Expect("pin_answer", 16, DoneAnswer<Op::kPin>());
}

TEST(MessageBytesTest, Reads) {
  GetRequest get;
  get.partition = kActorPart;
  get.keys = {"H", "I"};
  Expect("get", 4, get);
  GetAnswer got;
  got.values = {"head", std::nullopt};
  Expect("get_answer", 4, got);
  SeekRequest seek;
  seek.partition = kBranchPart;
  seek.pin = 6;
  seek.keys = {"k"};
  Expect("seek", 5, seek);
  SeekAnswer found;
  found.found = {StoredPair{"key", "value"}, std::nullopt};
  Expect("seek_answer", 5, found);
  ScanRequest scan;
  scan.partition = kLegacyPart;
  scan.start = "P";
  scan.max_pairs = 100;
  scan.max_bytes = 65536;
  Expect("scan", 6, scan);
  ScanAnswer scanned;
  scanned.is_end = true;
  scanned.pairs = {{"Pa", "1"}, {"Pb", ""}};
  Expect("scan_answer", 6, scanned);
}

Batch SomeBatch() {
  Batch batch;
  batch.AddGuard(kActorPart, "H", "old");
  batch.AddGuard(kCatalogPart, "Nx", std::nullopt);
  batch.Put(kActorPart, "H", "new");
  batch.Delete(kBranchPart, "p");
  return batch;
}

TEST(MessageBytesTest, Commits) {
  const Batch batch = SomeBatch();
  CommitRequest commit;
  commit.durability = Durability::kSynced;
  commit.newest_time_us = 123456;
  AddBatch(batch, &commit);
  commit.heads.resize(2);
  commit.heads[0].slot = 7;
  commit.heads[0].changed_pages = {2};
  commit.heads[0].pin = 6;
  commit.heads[1].slot = 8;
  Expect("commit", 8, commit);
  CommitAnswer done;
  done.head_seqs = {5, 6};
  Expect("commit_done", 8, done);
  const Status moved = Status::Conflict("moved");
  CommitAnswer conflict;
  conflict.outcome = CommitOutcome::kConflict;
  conflict.status = ToWire(moved);
  Expect("commit_conflict", 8, conflict);
}

TEST(MessageBytesTest, ABatchComesOutAsItWentIn) {
  const Batch batch = SomeBatch();
  CommitRequest request;
  AddBatch(batch, &request);
  const Batch again = BatchOf(request);
  ASSERT_EQ(again.op_count(), 2U);
  EXPECT_EQ(again.op(0).partition, kActorPart);
  EXPECT_EQ(again.op(0).key, "H");
  EXPECT_EQ(again.op(0).value, "new");
  EXPECT_EQ(again.op(1).partition, kBranchPart);
  EXPECT_EQ(again.op(1).value, std::nullopt);
  ASSERT_EQ(again.guards().size(), 2U);
  EXPECT_EQ(again.guards()[0].expected, "old");
  EXPECT_EQ(again.guards()[1].partition, kCatalogPart);
  EXPECT_EQ(again.guards()[1].expected, std::nullopt);
}

TEST(MessageBytesTest, TheRestOfAnEngine) {
  DropRequest drop;
  drop.partition = kBranchPart;
  Expect("drop", 9, drop);
  Expect("drop_answer", 9, DoneAnswer<Op::kDrop>());
  CompactRequest compact;
  compact.partition = kBranchPart;
  compact.begin = "a";
  Expect("compact", 10, compact);
  Expect("compact_answer", 10, DoneAnswer<Op::kCompact>());
  Expect("sync", 11, SyncRequest());
  Expect("sync_answer", 11, DoneAnswer<Op::kSync>());
  ExpectBytes(
      "error",
      EncodeErrorFrame(Op::kGet, 4, Status::IOError("read x").WithErrno(5)));
}

TEST(MessageBytesTest, WhoWrites) {
  WaitRequest wait;
  wait.slot = 7;
  wait.timeout_us = 5000;
  Expect("wait", 12, wait);
  WaitAnswer granted;
  granted.is_granted = true;
  Expect("wait_answer", 12, granted);
  YieldRequest yield;
  yield.slot = 7;
  Expect("yield", 0, yield);
}

TEST(MessageBytesTest, Calls) {
  CallValue text;
  text.kind = ValueKind::kText;
  text.bytes = "bob";
  CallValue blob;
  blob.kind = ValueKind::kBlob;
  blob.bytes = std::string_view("\0\xff", 2);
  CallRequest call;
  call.function = "actorkv_fork";
  call.descriptor_count = 1;
  call.arguments = {CallValue::OfInteger(-2), CallValue::OfReal(1.5), text,
                    blob, CallValue()};
  Expect("call", 15, call);
  EXPECT_EQ(call.arguments[0].integer(), -2);
  EXPECT_EQ(call.arguments[1].real(), 1.5);
  CallRow row;
  row.columns = {CallValue::OfInteger(7)};
  Expect("call_row", 15, row);
  Expect("call_end", 15, CallAnswer());
  Expect("cancel", 15, CancelRequest());
}

}  // namespace
}  // namespace actorkv
