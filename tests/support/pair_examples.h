// A stored pair of every kind, and what is shown of it: its key as text, its
// record as JSON. Chunks are not here.

#ifndef ACTORKV_TESTS_SUPPORT_PAIR_EXAMPLES_H_
#define ACTORKV_TESTS_SUPPORT_PAIR_EXAMPLES_H_

#include <string>
#include <vector>

#include "kv/format/hints_record.h"
#include "kv/format/history_records.h"
#include "kv/format/keys.h"
#include "kv/format/legacy_record.h"
#include "kv/format/page_list.h"
#include "kv/format/records.h"
#include "kv/store/clock_step.h"

namespace actorkv {
namespace pair_examples {

inline constexpr ActorId kActor{17};
inline constexpr BranchId kBranch{18};
inline constexpr LegacyId kLegacy{4};

// A pair as it is stored, and what is shown of it.
struct PairExample {
  Partition partition;
  std::string key;
  std::string value;
  std::string type;  // of the record
  std::string key_text;
  std::string record;
};

template <typename Record>
PairExample Of(const char* type, Partition partition, const std::string& key,
               const Record& record, const std::string& key_text,
               const std::string& json) {
  return {partition, key, EncodeRecord(key, record), type, key_text, json};
}

inline Snapshot TestSnapshot() { return {kBranch, {1234}, 9, 4096, 77}; }

inline Head TestHead() {
  Head head;
  head.generation = {2};
  head.snapshot = TestSnapshot();
  head.digest = 0x0123456789abcdef;
  head.committed_at_us = 1700000000000000;
  head.commit_id[15] = 0xfe;
  head.stored_bytes = 5000;
  return head;
}

inline CommitRecord TestCommit() {
  CommitRecord record;
  record.generation = {2};
  record.snapshot = TestSnapshot();
  record.digest = ~uint64_t{0};
  record.committed_at_us = 1700000000000001;
  record.changed_page_count = 3;
  record.written_bytes = 999;
  record.origin = Origin::kRestore;
  record.base_txid = {1200};
  record.page_list = EncodePageList({1, 2, 3, 7});
  record.replaced_txid = TxId{1233};
  return record;
}

inline CommitRecord OldCommit() {
  CommitRecord record = TestCommit();
  record.snapshot.stamp.reset();
  record.page_list.reset();
  record.replaced_txid.reset();
  return record;
}

inline LegacyRecord TestLegacy() {
  LegacyRecord record;
  record.state = LegacyState::kFailed;
  record.legacy = kLegacy;
  record.form = LegacyForm::kArchive;
  record.layouts = kHasLayoutOne;
  record.pair_count = 5;
  record.bytes = 600;
  record.sqlite_bytes = 500;
  record.imported_at_us = 7;
  record.attempts = 1;
  record.phase = LegacyPhase::kCopy;
  record.phase_us[4] = 8;
  record.lease.owner[0] = 1;
  record.lease.taken_at_us = 9;
  record.lease.heartbeat_us = 10;
  record.migrated_txid = {11};
  record.migrated_at_us = 12;
  record.dropped_at_us = 13;
  record.progress = {{14}, {15}, 4096, 16, 17, 18, 19};
  record.last_txid = {20};
  record.last_generation = {21};
  record.repairs = {"rolled \"back\""};
  record.warnings = {"a\xff", "\xc3\xa4"};
  record.error = "no";
  record.metadata_json = "{}";
  return record;
}

inline ClockStep TestStep() { return {50, 40, {3, 30}, 20, true}; }

inline HintsRecord TestHints() {
  HintsRecord record;
  record.generation = {2};
  record.new_hit_ratio = 100;
  record.ranges = {{1, 2, 255, true}, {9, 1, 3, false}};
  return record;
}

inline const std::string kHeadFields =
    R"("branch":18,"txid":1234,"page_count":9,"page_size":4096,"stamp":77,)"
    R"("generation":2,"digest":"0123456789abcdef",)"
    R"("committed_at_us":1700000000000000,)"
    R"("commit_id":"000000000000000000000000000000fe")";

inline std::vector<PairExample> InCatalog() {
  const Partition catalog = CatalogPartition();
  return {
      Of("StoreRecord", catalog, StoreRecordKey(), StoreRecord{2, 255, 6},
         "store",
         R"({"version":1,"format":2,"store_id":"00000000000000ff",)"
         R"("created_at_us":6})"),
      Of("ActorEntry", catalog, ActorEntryKey("J\xc3\xb6rg \"x\"'"),
         ActorEntry{kActor, ActorState::kLegacy, 1, 2, 3, 4},
         "actor J\xc3\xb6rg \"x\"'",
         R"({"version":1,"actor_id":17,"state":"legacy","created_at_us":1,)"
         R"("deleted_at_us":2,"stamp_floor":3,"cookie_floor":4})"),
      Of("ActorEntry", catalog, DeletedEntryKey(kActor),
         ActorEntry{kActor, ActorState::kDeleted, 1, 2, 3, 4},
         "deleted actor 17",
         R"({"version":1,"actor_id":17,"state":"deleted","created_at_us":1,)"
         R"("deleted_at_us":2,"stamp_floor":3,"cookie_floor":4})"),
      Of("StageRecord", catalog, StageKey({19}), StageRecord{kActor, 5, {6, 7}},
         "stage 19",
         R"({"version":2,"actor_id":17,"created_at_us":5,"owner_slot":6,)"
         R"("owner_incarnation":7})"),
      Of("StageRecord", catalog, ImportKey({20}), StageRecord{{}, 5, {6, 7}},
         "import 20",
         R"({"version":2,"actor_id":0,"created_at_us":5,"owner_slot":6,)"
         R"("owner_incarnation":7})"),
      Of("ClockStep", catalog, ClockStepKey(50), TestStep(), "clock step 50",
         R"({"version":1,"begin_us":50,"wall_us":40,)"
         R"("boot_id":"0000000000000003","since_boot_us":30,"jump_us":20,)"
         R"("seen_running":true})"),
      Of("SettingRecord", catalog, SettingKey("cache_bytes"), SettingRecord{7},
         "setting cache_bytes", R"({"version":1,"value":7})"),
      {catalog, ClockLimitKey(99), "", "", "clock limit 99",
       R"({"limit_us":99})"},
  };
}

inline std::vector<PairExample> OfActors() {
  const Partition actor = ActorPartition(kActor);
  return {
      Of("Head", actor, HeadKey(), TestHead(), "head",
         R"({"version":1,)" + kHeadFields + R"(,"stored_bytes":5000})"),
      Of("HintsRecord", actor, HintsKey(), TestHints(), "hints",
         R"({"version":1,"generation":2,"new_hit_ratio":100,"ranges":[)"
         R"({"first":1,"page_count":2,"hit_ratio":255,"is_judged":true},)"
         R"({"first":9,"page_count":1,"hit_ratio":3,"is_judged":false}]})"),
      Of("BranchRecord", actor, BranchRecordKey(kBranch),
         BranchRecord{BranchPoint{{3}, {5}, {99}}, {100}, 8, 9}, "branch 18",
         R"({"version":1,"parent":{"actor_id":3,"branch":5,"txid":99},)"
         R"("first_txid":100,"chunk_count":8,"created_at_us":9})"),
      Of("BranchRecord", actor, BranchRecordKey({16}),
         BranchRecord{std::nullopt, {1}, 0, 9}, "branch 16",
         R"({"version":1,"parent":null,"first_txid":1,"chunk_count":0,)"
         R"("created_at_us":9})"),
      Of("CommitRecord", actor, CommitKey(kBranch, {1234}), TestCommit(),
         "commit 1234 @ branch 18",
         R"({"version":3,"branch":18,"txid":1234,"page_count":9,)"
         R"("page_size":4096,"stamp":77,"generation":2,)"
         R"("digest":"ffffffffffffffff","committed_at_us":1700000000000001,)"
         R"("commit_id":"00000000000000000000000000000000",)"
         R"("changed_page_count":3,"written_bytes":999,"origin":"restore",)"
         R"("base_txid":1200,"replaced_txid":1233,"listed_page_count":4,)"
         R"("pages":"1-3 7"})"),
      Of("CommitRecord", actor, CommitKey(kBranch, {1234}), OldCommit(),
         "commit 1234 @ branch 18",
         R"({"version":2,"branch":18,"txid":1234,"page_count":9,)"
         R"("page_size":4096,"stamp":null,"generation":2,)"
         R"("digest":"ffffffffffffffff","committed_at_us":1700000000000001,)"
         R"("commit_id":"00000000000000000000000000000000",)"
         R"("changed_page_count":3,"written_bytes":999,"origin":"restore",)"
         R"("base_txid":1200,"replaced_txid":null,"pages":null})"),
      Of("LegacyRecord", actor, LegacyRecordKey(), TestLegacy(), "legacy",
         R"({"version":2,"state":"failed","legacy_id":4,"form":"archive",)"
         R"("layouts":2,"pair_count":5,"bytes":600,"sqlite_bytes":500,)"
         R"("imported_at_us":7,"opaque":false,"limit_key_bytes":0,)"
         R"("limit_value_bytes":0,"oversized_count":0,)"
         R"("attempts":1,"phase":"copy","phase_us":{)"
         R"("none":0,"import":0,"layouts":0,"recover":0,"copy":8,"check":0,)"
         R"("commit":0,"tables":0},"lease":{)"
         R"("owner":"01000000000000000000000000000000","taken_at_us":9,)"
         R"("heartbeat_us":10},"migrated_txid":11,"migrated_at_us":12,)"
         R"("dropped_at_us":13,"progress":{"stage":14,"txid":15,)"
         R"("page_size":4096,"page_count":16,"last_page":17,)"
         R"("digest":"0000000000000012","written_bytes":19},"last_txid":20,)"
         R"("last_generation":21,"repairs":["rolled \"back\""],)"
         R"("warnings":["a\\xff",")"
         "\xc3\xa4"
         R"("],"error":"no","metadata_json":"{}"})"),
  };
}

inline std::vector<PairExample> OfHistory() {
  const Partition actor = ActorPartition(kActor);
  return {
      Of("RestorePointRecord", actor, RestorePointKey("before"),
         RestorePointRecord{kBranch, {5}, 6, 7}, "restore point before",
         R"({"version":1,"branch":18,"txid":5,"created_at_us":6,)"
         R"("expires_at_us":7})"),
      Of("RestoreRecord", actor, RestoreKey({9}),
         RestoreRecord{kBranch, {8}, {16}, {7}, 5, "undo-9"}, "restore 9",
         R"({"version":1,"from_branch":18,"from_txid":8,"source_branch":16,)"
         R"("source_txid":7,"restored_at_us":5,"undo_name":"undo-9"})"),
      Of("ForkRecord", actor, ForkKey(kBranch, {21}), ForkRecord{{20}, {8}, 5},
         "fork 21 @ branch 18",
         R"({"version":1,"child_actor_id":20,"txid":8,"created_at_us":5})"),
      Of("SettingRecord", actor, SettingKey("retention_ms"), SettingRecord{7},
         "setting retention_ms", R"({"version":1,"value":7})"),
      {LegacyPartition(kLegacy), PairKey("\x02\x03"),
       EncodePair(kLegacy, "\x02\x03", "value"), "", "pair 0203",
       R"({"version":1,"value_bytes":5})"},
  };
}

inline std::vector<PairExample> All() {
  std::vector<PairExample> all = InCatalog();
  for (PairExample& example : OfActors()) all.push_back(std::move(example));
  for (PairExample& example : OfHistory()) all.push_back(std::move(example));
  return all;
}

}  // namespace pair_examples
}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_PAIR_EXAMPLES_H_
