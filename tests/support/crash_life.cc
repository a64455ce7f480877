#include "tests/support/crash_life.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <sstream>
#include <thread>
#include <utility>

#include "kv/rocksdb/rocksdb_engine.h"
#include "tests/support/child_process.h"
#include "tests/support/fault_fs.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {

namespace {

// How long a writer lives, in microseconds.
constexpr uint64_t kShortLife = 3000;
constexpr uint64_t kLongLife = 80000;
constexpr uint64_t kStartTime = 60000;  // to be killed before it begins

constexpr uint64_t kLivesPerStore = 20;

std::string Encode(const LifePlan& plan) {
  return plan.store + "\n" + plan.ledger + "\n" + plan.synchronous + "\n" +
         plan.kind + "\n" + std::to_string(plan.seed) + "\n" +
         (plan.direct_io ? "direct" : "") + "\n";
}

void Count(char report, Life* life) {
  life->began |= report == kSaysBegan;
  life->committed_count += report == kSaysCommitted ? 1 : 0;
  life->done_count += report == kSaysDone ? 1 : 0;
  life->failed |= report == kSaysFailed;
}

void Sleep(uint64_t microseconds) {
  std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
}

// Kills it, hears what it still had to say, and cuts the power.
// `torn`: as in ApplyPowerLoss().
void Die(const LifePlan& plan, ChildProcess* child, Life* life,
         std::mt19937_64* torn) {
  child->Kill();
  while (const char report = child->Hear()) Count(report, life);
  EXPECT_FALSE(life->failed) << "the writer failed before it was killed";
  if (!plan.ledger.empty() && std::filesystem::exists(plan.ledger)) {
    EXPECT_OK(ApplyPowerLoss(plan.ledger, torn));
  }
}

// The ledger of an earlier life knows nothing of this one.
void ForgetLedger(const LifePlan& plan) {
  if (!plan.ledger.empty()) std::filesystem::remove(plan.ledger);
}

uint64_t LifeCount(uint64_t count) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return TestRounds(count / 10);
#else
  return TestRounds(count);
#endif
}

}  // namespace

Life LiveAndDie(const std::string& child_test, const LifePlan& plan,
                std::mt19937_64* rng) {
  ForgetLedger(plan);
  Life life;
  ChildProcess child(child_test, Encode(plan));
  if ((*rng)() % 10 == 0) {
    Sleep((*rng)() % kStartTime);
  } else {
    Count(child.Hear(), &life);
    Sleep((*rng)() % ((*rng)() % 4 == 0 ? kShortLife : kLongLife));
  }
  Die(plan, &child, &life, (*rng)() % 2 == 0 ? rng : nullptr);
  return life;
}

Life LiveUntil(const std::string& child_test, const LifePlan& plan,
               int64_t acknowledged) {
  ForgetLedger(plan);
  Life life;
  ChildProcess child(child_test, Encode(plan));
  while (life.committed_count + life.done_count < acknowledged) {
    const char report = child.Hear();
    if (report == '\0' || report == kSaysFailed) {
      ADD_FAILURE() << "the writer ended by itself";
      break;
    }
    Count(report, &life);
  }
  Die(plan, &child, &life, nullptr);
  return life;
}

int64_t LiveAgainAndAgain(const LifeSeries& series, const LifeCheck& check) {
  std::mt19937_64 rng(TestSeed());
  std::unique_ptr<TempDir> temp;
  LifePlan plan = series.plan;
  int64_t count = 0;
  int64_t total = 0;
  for (uint64_t i = 0; i < LifeCount(series.lives); ++i) {
    if (i % kLivesPerStore == 0) {
      temp = std::make_unique<TempDir>();
      plan.store = temp->File("store");
      if (series.loses_power) plan.ledger = temp->File("ledger");
      total += std::exchange(count, 0);
    }
    plan.seed = rng();
    if (series.mixes_synchronous) {
      plan.synchronous = rng() % 2 == 0 ? "FULL" : "NORMAL";
    }
    count = check(plan, LiveAndDie(series.child, plan, &rng), count);
    if (testing::Test::HasFailure()) {
      ADD_FAILURE() << "in life " << i;
      break;
    }
  }
  return total + count;
}

LifePlan BeginLife() {
  LifePlan plan;
  std::istringstream text(ChildArgument());
  std::string seed;
  std::getline(text, plan.store);
  std::getline(text, plan.ledger);
  std::getline(text, plan.synchronous);
  std::getline(text, plan.kind);
  std::getline(text, seed);
  plan.seed = std::strtoull(seed.c_str(), nullptr, 10);
  std::string direct_io;
  std::getline(text, direct_io);
  plan.direct_io = !direct_io.empty();
  if (!plan.ledger.empty()) {
    auto file_system =
        std::make_shared<FaultFileSystem>(SyncLedger::Create(plan.ledger));
    file_system->RefuseDirect(!plan.direct_io);
    SetRocksDbFileSystemForTesting(std::move(file_system));
  }
  return plan;
}

void MustRun(SqliteDb* db, const std::string& sql) {
  const int code = db->Exec(sql);
  if (code == SQLITE_OK) return;
  std::fprintf(stderr, "writer: %s: %d %s: %s\n", sql.c_str(), code,
               db->Error().c_str(), LastError().c_str());
  ChildSay(kSaysFailed);
  _exit(1);
}

}  // namespace actorkv
