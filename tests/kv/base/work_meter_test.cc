// What a process works on, as it reads it itself, and what it counts of it.

#include "kv/base/work_meter.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "kv/base/metrics.h"
#include "kv/base/wall_clock.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

uint64_t Value(Metric metric) { return MetricsSnapshot::Take().value(metric); }
uint64_t Times(Metric metric) {
  return MetricsSnapshot::Take().distribution(metric).count;
}

TEST(WorkMeterTest, ShowsPhaseAndBytes) {
  const uint64_t before_ms = WallClockUs() / 1000;
  WorkMeter work(WorkKind::kMigration, "/s", "alice", nullptr);
  std::vector<WorkRow> rows = ReadWork();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].what, WorkKind::kMigration);
  EXPECT_EQ(rows[0].store, "/s");
  EXPECT_EQ(rows[0].actor, "alice");
  EXPECT_EQ(rows[0].phase, "");
  EXPECT_GE(rows[0].started_at_ms, before_ms);
  EXPECT_EQ(rows[0].pid, static_cast<uint64_t>(getpid()));
  work.Enter("copy", 100);
  work.Add(30);
  work.Add(40);
  rows = ReadWork();
  EXPECT_EQ(rows[0].phase, "copy");
  EXPECT_EQ(rows[0].done_bytes, 70u);
  EXPECT_EQ(rows[0].total_bytes, 100u);
  // Another total of the same phase takes nothing back.
  work.Enter("copy", 200);
  rows = ReadWork();
  EXPECT_EQ(rows[0].done_bytes, 70u);
  EXPECT_EQ(rows[0].total_bytes, 200u);
  work.Enter("commit");
  rows = ReadWork();
  EXPECT_EQ(rows[0].phase, "commit");
  EXPECT_EQ(rows[0].done_bytes, 0u);
  EXPECT_EQ(rows[0].total_bytes, 0u);
}

TEST(WorkMeterTest, TheOldestComesFirstWhateverEndsFirst) {
  const auto actors = [] {
    std::string names;
    for (const WorkRow& row : ReadWork()) names += row.actor;
    return names;
  };
  EXPECT_EQ(actors(), "");
  auto a = std::make_unique<WorkMeter>(WorkKind::kDiff, "/s", "a", nullptr);
  auto b = std::make_unique<WorkMeter>(WorkKind::kDiff, "/s", "b", nullptr);
  auto c = std::make_unique<WorkMeter>(WorkKind::kDiff, "/s", "c", nullptr);
  EXPECT_EQ(actors(), "abc");
  b.reset();
  EXPECT_EQ(actors(), "ac");
  a.reset();
  EXPECT_EQ(actors(), "c");
  b = std::make_unique<WorkMeter>(WorkKind::kDiff, "/s", "b", nullptr);
  c.reset();
  EXPECT_EQ(actors(), "b");
  b.reset();
  EXPECT_EQ(actors(), "");
}

TEST(WorkMeterTest, TheRateIsOfThePhase) {
  WorkRow row;
  row.done_bytes = 300;
  row.entered_ns = 1'000'000'000;
  EXPECT_EQ(row.RateBytesPerSecond(3'000'000'000), 150u);
  EXPECT_EQ(row.RateBytesPerSecond(1'000'000'000), 0u);
  // Of another boot, or of nobody.
  EXPECT_EQ(row.RateBytesPerSecond(5), 0u);
  row.entered_ns = 0;
  EXPECT_EQ(row.RateBytesPerSecond(3'000'000'000), 0u);
  row.entered_ns = 2;
  row.done_bytes = UINT64_MAX;
  EXPECT_EQ(row.RateBytesPerSecond(3), 0u);
}

TEST(WorkMeterTest, OutcomesAndPhasesAreCounted) {
  struct Case {
    WorkKind what;
    Status outcome;
    Metric counted;
    Metric latency;
  };
  const Case cases[] = {
      {WorkKind::kMigration, Status::Ok(), Metric::kMigrations,
       Metric::kMigrationLatency},
      {WorkKind::kMigration, Status::Interrupted("x"),
       Metric::kMigrationInterrupts, Metric::kMigrationLatency},
      {WorkKind::kMigration, Status::IOError("x"), Metric::kMigrationFailures,
       Metric::kMigrationLatency},
      {WorkKind::kImport, Status::Ok(), Metric::kImports,
       Metric::kImportLatency},
      {WorkKind::kImport, Status::Interrupted("x"), Metric::kImportInterrupts,
       Metric::kImportLatency},
      {WorkKind::kImport, Status::NoSpace("x"), Metric::kImportFailures,
       Metric::kImportLatency},
  };
  for (const Case& each : cases) {
    const uint64_t counted = Value(each.counted);
    const uint64_t latencies = Times(each.latency);
    WorkMeter work(each.what, "/s", "a", nullptr);
    EXPECT_EQ(work.Ended(each.outcome).code(), each.outcome.code());
    EXPECT_EQ(Value(each.counted) - counted, 1u);
    EXPECT_EQ(Times(each.latency) - latencies, 1u);
  }
  const uint64_t copies = Times(Metric::kMigrationCopyLatency);
  const uint64_t commits = Times(Metric::kMigrationCommitLatency);
  const uint64_t tables = Times(Metric::kMigrationTablesLatency);
  {
    WorkMeter work(WorkKind::kMigration, "/s", "a", nullptr);
    work.Enter("copy", 1);
    work.Enter("copy", 2);
    work.Enter("commit");
    EXPECT_OK(work.Ended(Status::Ok()));
    WorkMeter placing(WorkKind::kMigration, "/s", "a", nullptr);
    placing.Enter("tables");
  }
  EXPECT_EQ(Times(Metric::kMigrationCopyLatency) - copies, 1u);
  EXPECT_EQ(Times(Metric::kMigrationCommitLatency) - commits, 1u);
  EXPECT_EQ(Times(Metric::kMigrationTablesLatency) - tables, 1u);
}

// The list's lock may be held for ever in the child, and the work goes on in
// the parent.
TEST(WorkMeterTest, AChildOfForkShowsAndEndsItsOwnAlone) {
  auto work =
      std::make_unique<WorkMeter>(WorkKind::kVerify, "/s", "a", nullptr);
  const pid_t child = fork();
  if (child == 0) {
    bool right = ReadWork().empty();
    work->Enter("pages", 1);
    {
      const WorkMeter mine(WorkKind::kVerify, "/s", "b", nullptr);
      right = right && ReadWork().size() == 1 && ReadWork()[0].actor == "b";
      work.reset();
      right = right && ReadWork().size() == 1;
    }
    right = right && ReadWork().empty();
    _exit(right ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  ASSERT_EQ(ReadWork().size(), 1u);
  EXPECT_EQ(ReadWork()[0].phase, "");
}

// A row is of one moment: a phase has its own total, and no bytes of another.
TEST(WorkMeterTest, ReadersSeeNoHalfOfAChange) {
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    while (!stop) {
      WorkMeter work(WorkKind::kExport, "/s", "a", nullptr);
      work.Enter("small", 10);
      work.Add(10);
      work.Enter("large", 1000);
      work.Add(900);
    }
  });
  for (int i = 0; i < 20000; ++i) {
    for (const WorkRow& row : ReadWork()) {
      if (row.phase.empty()) continue;
      EXPECT_EQ(row.total_bytes, row.phase == "small" ? 10u : 1000u);
      EXPECT_LE(row.done_bytes, row.total_bytes);
    }
  }
  stop = true;
  writer.join();
}

}  // namespace
}  // namespace actorkv
