// Restore and fork over a store whose engine fails on request: each is done or
// not done, never between, and what can be read stays what it was. Also a
// random history against a list of all versions that there ever were.

#include "kv/history/restore.h"

#include <gtest/gtest.h>

#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "kv/format/keys.h"
#include "kv/history/history.h"
#include "kv/history/restore_points.h"
#include "kv/reclaim/reclaim.h"
#include "kv/store/catalog.h"
#include "kv/store/retention.h"
#include "tests/support/store_harness.h"

namespace actorkv {
namespace {

constexpr uint32_t kPage = kMinPageSize;

using Pages = std::vector<std::string>;

// But for the counters of page 1, which go up at a restore.
Pages WithoutCounters(Pages pages) {
  if (!pages.empty()) pages[0].replace(0, 100, 100, '\0');
  return pages;
}

Pages PagesOf(const TestStore& store, const HeadState& state) {
  return WithoutCounters(
      ReadAll(store->engine(), state.head.snapshot, state.lineage)
          .value_or(Pages()));
}

Pages PagesOf(const TestStore& store, const std::string& name) {
  return PagesOf(store, *store.State(name));
}

Point At(uint64_t txid) { return {Point::Kind::kTxId, txid, ""}; }

// Commits 1, 2 and 3 of an actor: three versions of four pages.
void MakeHistory(const TestStore& store, const std::string& name) {
  for (uint32_t version = 1; version <= 3; ++version) {
    TestTransaction transaction(store, name);
    for (PageNo pgno = 1; pgno <= 4; ++pgno) {
      if (version > 1 && pgno == version) continue;
      transaction.Write(pgno, TestPage(kPage, pgno, version));
    }
    ASSERT_OK(transaction.Commit(version));
  }
}

// Everything that can be read of both actors: heads, versions and records.
std::string Everything(const TestStore& store) {
  std::string text;
  for (const std::string name : {"a", "b", "fork", "deleted", "renamed"}) {
    const auto state = store.State(name);
    text += name + ": ";
    if (!state->entry_bytes.empty()) {
      text += std::to_string(static_cast<int>(state->entry.state)) + " ";
    }
    Settings settings;
    EXPECT_OK(LoadSettings(store->engine()->NewReader().get(),
                           state->entry.actor, &settings));
    text += std::to_string(settings.retention_ms) + " " +
            std::to_string(settings.quota_soft_bytes) + " " +
            std::to_string(settings.quota_hard_bytes) + " ";
    if (!state->exists) continue;
    text += std::to_string(state->head.generation.value) + " ";
    for (const std::string& page : PagesOf(store, *state)) {
      text += std::to_string(std::hash<std::string>()(page)) + " ";
    }
    for (const KeyValue& pair :
         store.Scan(ActorPartition(state->entry.actor))) {
      if (pair.key[0] == 'R' || pair.key[0] == 'U' || pair.key[0] == 'F') {
        text += pair.key[0];
      }
    }
    const std::unique_ptr<EngineReader> reader = store->engine()->NewReader();
    CommitScan scan(reader.get(), state->entry.actor);
    CommitRecord record;
    for (bool found = true; found;) {
      EXPECT_OK(scan.Next(&found, &record));
      if (found) text += " " + std::to_string(record.snapshot.txid.value);
    }
    text += "\n";
  }
  return text;
}

struct Step {
  const char* name;
  std::function<Status(const TestStore& store)> run;
  // One commit that names no commit id: who got an error looks what is there.
  // Or several: the first decides.
  bool may_have_happened = false;
};

std::vector<Step> StepsOfHistory() {
  return {
      {"restore",
       [](const TestStore& store) {
         std::vector<TxId> txids;
         return RestoreActors(store.shared(), {"a"}, At(1), &txids);
       }},
      {"restore of a set",
       [](const TestStore& store) {
         std::vector<TxId> txids;
         return RestoreActors(store.shared(), {"a", "b"}, At(2), &txids);
       }},
      {"undo",
       [](const TestStore& store) {
         TxId txid;
         return UndoRestore(store.shared(), "b", &txid);
       }},
      {"fork",
       [](const TestStore& store) {
         TxId txid;
         return ForkActor(store.shared(), {"a", At(2), "fork"}, &txid);
       }},
      {"restore point",
       [](const TestStore& store) {
         TxId txid;
         return MakeRestorePoint(store.get(), "a", "point", 0, &txid);
       },
       true},
      {"end of a restore point",
       [](const TestStore& store) {
         TxId txid;
         return DropRestorePoint(store.get(), "b", "kept", &txid);
       },
       true},
  };
}

std::vector<Step> StepsOfActors() {
  return {
      {"delete",
       [](const TestStore& store) {
         TxId txid;
         return DeleteActor(store.get(), "a", SchemaCookie(0), &txid);
       },
       true},
      {"undelete",
       [](const TestStore& store) {
         TxId txid;
         return UndeleteActor(store.get(), "deleted", &txid);
       },
       true},
      {"purge",
       [](const TestStore& store) {
         uint64_t bytes = 0;
         return PurgeActor(store.get(), "a", &bytes);
       },
       true},
      {"rename",
       [](const TestStore& store) {
         return RenameActor(store.get(), "a", "renamed");
       },
       true},
      {"quota",
       [](const TestStore& store) {
         const SettingInfo* soft = nullptr;
         const SettingInfo* hard = nullptr;
         Settings previous;
         EXPECT_OK(FindSetting("quota_soft_bytes", &soft));
         EXPECT_OK(FindSetting("quota_hard_bytes", &hard));
         return store->settings()->SetAll(ActorId{}, {{soft, 18}, {hard, 19}},
                                          &previous);
       },
       true},
      {"takeover",
       [](const TestStore& store) {
         Generation generation;
         return TakeOver(store.get(), store.Open("a").get(), &generation);
       },
       true},
      {"retention",
       [](const TestStore& store) {
         const SettingInfo* info = nullptr;
         uint64_t previous = 0;
         EXPECT_OK(FindSetting("retention_ms", &info));
         return store->settings()->Set(ActorId{}, *info, 17, &previous);
       },
       true},
  };
}

std::vector<Step> AllSteps() {
  std::vector<Step> steps = StepsOfHistory();
  for (const Step& step : StepsOfActors()) steps.push_back(step);
  return steps;
}

void Prepare(const TestStore& store) {
  MakeHistory(store, "a");
  MakeHistory(store, "b");
  std::vector<TxId> txids;
  ASSERT_OK(RestoreActors(store.shared(), {"b"}, At(1), &txids));
  TxId txid;
  ASSERT_OK(MakeRestorePoint(store.get(), "b", "kept", 0, &txid));
  MakeHistory(store, "deleted");
  ASSERT_OK(DeleteActor(store.get(), "deleted", SchemaCookie(0), &txid));
}

TEST(RestoreFaultTest, IsDoneOrNotDone) {
  const CommitFault kFaults[] = {
      CommitFault::kFailed, CommitFault::kUnknownLanded,
      CommitFault::kUnknownLost, CommitFault::kConflict};
  for (const Step& step : AllSteps()) {
    TestStore whole;
    Prepare(whole);
    const std::string before = Everything(whole);
    ASSERT_OK(step.run(whole));
    const std::string after = Everything(whole);
    ASSERT_NE(before, after);
    for (const CommitFault fault : kFaults) {
      SCOPED_TRACE(std::string(step.name) + ", fault " +
                   std::to_string(static_cast<int>(fault)));
      int fired = 0;
      for (uint64_t n = 1;; ++n) {
        TestStore store;
        Prepare(store);
        store.plan()->Reset();
        store.plan()->FailCommit(n, fault);
        const Status s = step.run(store);
        const bool met = store.plan()->fired_count() > 0;
        store.plan()->Reset();
        store.Reopen();
        const std::string now = Everything(store);
        if (step.may_have_happened && !s.ok()) {
          EXPECT_TRUE(now == before || now == after) << now;
        } else {
          EXPECT_EQ(now, s.ok() ? after : before);
        }
        if (now == before) {
          EXPECT_OK(step.run(store)) << "again";
          EXPECT_EQ(Everything(store), after);
        }
        if (!met) break;
        ++fired;
      }
      EXPECT_GT(fired, 0);
    }
  }
}

TEST(RestoreFaultTest, AFailedReadIsAnError) {
  for (const Step& step : AllSteps()) {
    TestStore whole;
    Prepare(whole);
    ASSERT_OK(step.run(whole));
    const std::string after = Everything(whole);
    for (uint64_t n = 1;; ++n) {
      TestStore store;
      Prepare(store);
      const std::string before = Everything(store);
      store.Reopen();
      store.plan()->FailRead(n, Status::IOError("injected"));
      const Status s = step.run(store);
      const bool met = store.plan()->fired_count() > 0;
      store.plan()->Reset();
      if (!met) {
        EXPECT_OK(s);
        break;
      }
      EXPECT_EQ(s.code(), Code::kIOError) << step.name << " read " << n;
      // What goes on after its commit goes on again later.
      const std::string now = Everything(store);
      EXPECT_TRUE(now == before || (now == after && step.may_have_happened))
          << step.name << " read " << n << now;
    }
  }
}

// The damage that a restore is to mend may be in page 1 of the head.
TEST(RestoreTest, OfAHeadWhosePageOneIsDamaged) {
  TestStore store;
  MakeHistory(store, "a");
  const auto head = store.State("a")->head.snapshot;
  Batch batch;
  batch.Put(BranchPartition(head.branch), ChunkKey(1, head.txid), "no chunk");
  ASSERT_TRUE(store->Commit(batch, Durability::kBuffered).done());
  store.Reopen();
  std::vector<TxId> txids;
  ASSERT_OK(RestoreActors(store.shared(), {"a"}, At(2), &txids));
  store.Reopen();
  EXPECT_EQ(PagesOf(store, "a")[1].substr(0, 40),
            TestPage(kPage, 2, 1).substr(0, 40));
  EXPECT_GT(*store.State("a")->head.snapshot.stamp, 3U);
}

// Every version that there ever was stays readable, by its txid, whatever
// restores, forks, commits and flattening came after it.
TEST(RestoreModelTest, EveryVersionStays) {
  const uint64_t seed = TestSeed();
  for (uint64_t round = 0; round < TestRounds(3); ++round) {
    std::mt19937_64 rng(seed + round);
    TestStore store;
    std::map<std::string, std::map<uint64_t, Pages>> model;
    MakeHistory(store, "0");
    for (uint64_t txid = 1; txid <= 3; ++txid) {
      Pin pin;
      std::shared_ptr<const HeadState> version;
      ASSERT_OK(ResolvePoint({store.get(), "0", store.State("0")}, At(txid),
                             &pin, &version));
      model["0"][txid] = PagesOf(store, *version);
    }
    for (int step = 0; step < 150; ++step) {
      auto actor = model.begin();
      std::advance(actor, rng() % model.size());
      const std::string name = actor->first;
      auto chosen = actor->second.begin();
      std::advance(chosen, rng() % actor->second.size());
      const Pages pages = chosen->second;
      switch (rng() % 4) {
        case 0: {
          std::vector<TxId> txids;
          ASSERT_OK(
              RestoreActors(store.shared(), {name}, At(chosen->first), &txids));
          model[name][txids[0].value] = pages;
          break;
        }
        case 1: {
          if (model.size() == 12) break;
          const std::string fork = std::to_string(model.size());
          TxId txid;
          ASSERT_OK(ForkActor(store.shared(), {name, At(chosen->first), fork},
                              &txid));
          model[fork][txid.value] = pages;
          break;
        }
        default: {
          TestTransaction transaction(store, name);
          const auto pgno = static_cast<PageNo>(rng() % 6 + 1);
          transaction.Write(
              pgno, TestPage(kPage, pgno, static_cast<uint32_t>(rng())));
          const auto stamp =
              store.State(name)->head.snapshot.stamp.value_or(0) + 1;
          ASSERT_OK(transaction.Commit(stamp));
          model[name][store.State(name)->head.snapshot.txid.value] =
              PagesOf(store, name);
          break;
        }
      }
      if (rng() % 10 == 0) store.Maintain();
      if (rng() % 20 == 0) store.Reopen();
    }
    for (const auto& [name, versions] : model) {
      EXPECT_EQ(PagesOf(store, name), versions.rbegin()->second) << name;
      for (const auto& [txid, pages] : versions) {
        Pin pin;
        std::shared_ptr<const HeadState> version;
        ASSERT_OK(ResolvePoint({store.get(), name, store.State(name)}, At(txid),
                               &pin, &version));
        ASSERT_EQ(PagesOf(store, *version), pages) << name << " " << txid;
      }
    }
  }
}

}  // namespace
}  // namespace actorkv
