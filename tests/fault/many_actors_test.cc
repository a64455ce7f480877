// Many open connections, and many actors in a store: what each costs.
//
// With `make stress` 10,000 connections and 100,000 actors, and times are
// checked as well; otherwise a tenth and less.

#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "ext/actorkv.h"
#include "kv/process/store_registry.h"
#include "tests/support/sqlite_db.h"
#include "tests/support/store_access.h"
#include "tests/support/testing.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {
namespace {

constexpr double kMaxConnectionBytes = 20 << 10;
constexpr double kMaxStoreOpenSeconds = 1;

bool IsStress() { return EnvironmentNumber("ACTORKV_STRESS", 1) > 1; }

// In the heap, without what SQLite has there.
double HeapBytes() {
  const struct mallinfo2 info = mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd) -
         static_cast<double>(sqlite3_memory_used());
}

size_t CountEntries(const char* directory) {
  const std::filesystem::directory_iterator entries(directory);
  return static_cast<size_t>(std::distance(begin(entries), end(entries)));
}

std::string NameOf(size_t i) { return "actor-" + std::to_string(i); }

void MakeActors(const std::string& store, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    SqliteDb db;
    ASSERT_EQ(db.Open(ActorUri(store, NameOf(i))), SQLITE_OK) << LastError();
    ASSERT_EQ(db.Exec("PRAGMA synchronous = OFF;"
                      "CREATE TABLE t(x); INSERT INTO t VALUES (1)"),
              SQLITE_OK)
        << LastError();
  }
}

// What the functions and tables of the module take in a connection.
double RegisteredBytes() {
  const auto entry_point = reinterpret_cast<void (*)()>(&sqlite3_actorkv_init);
  const auto bytes_of_connection = [] {
    const sqlite3_int64 before = sqlite3_memory_used();
    SqliteDb db;
    EXPECT_EQ(db.Open(":memory:"), SQLITE_OK);
    return static_cast<double>(sqlite3_memory_used() - before);
  };
  const double with = bytes_of_connection();
  sqlite3_cancel_auto_extension(entry_point);
  const double without = bytes_of_connection();
  sqlite3_auto_extension(entry_point);
  return with - without;
}

TEST(ManyActorsTest, AConnectionTakesLittleMemoryNoThreadAndNoFile) {
  const size_t count = IsStress() ? 10'000 : 500;
  const TempDir temp;
  const std::string store = temp.File("store");
  MakeActors(store, count);
  const size_t thread_count = CountEntries("/proc/self/task");
  const size_t file_count = CountEntries("/proc/self/fd");
  const double before = HeapBytes();
  std::vector<std::unique_ptr<SqliteDb>> open;
  for (size_t i = 0; i < count; ++i) {
    open.push_back(std::make_unique<SqliteDb>());
    ASSERT_EQ(open.back()->Open(ActorUri(store, NameOf(i))), SQLITE_OK)
        << LastError();
    ASSERT_EQ(open.back()->QueryInt("SELECT x FROM t"), 1);
  }
  const double bytes =
      (HeapBytes() - before) / static_cast<double>(count) + RegisteredBytes();
  std::printf("%zu connections: %.1f KiB each beside SQLite's\n", count,
              bytes / 1024);
  EXPECT_LT(bytes, kMaxConnectionBytes);
  // RocksDB may have made a file or so meanwhile.
  EXPECT_LT(CountEntries("/proc/self/fd"), file_count + 20);
  EXPECT_LE(CountEntries("/proc/self/task"), thread_count + 2);
}

// Microseconds, the median of opening some of the actors and reading a row.
double OpenUs(const std::string& store, size_t count) {
  std::mt19937_64 generator(TestSeed());
  std::vector<double> times;
  for (int i = 0; i < 500; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    SqliteDb db;
    EXPECT_EQ(db.Open(ActorUri(store, NameOf(generator() % count))), SQLITE_OK);
    EXPECT_EQ(db.QueryInt("SELECT x FROM t"), 1);
    db.Close();
    times.push_back(std::chrono::duration<double, std::micro>(
                        std::chrono::steady_clock::now() - begin)
                        .count());
  }
  std::nth_element(times.begin(), times.begin() + 250, times.end());
  return times[250];
}

TEST(ManyActorsTest, AStoreOpensAsFastWithManyActors) {
  const size_t count = IsStress() ? 100'000 : 2'000;
  const TempDir temp;
  const std::string small = temp.File("small");
  const std::string large = temp.File("large");
  MakeActors(small, 500);
  MakeActors(large, count);
  StoreRegistry* const registry = StoreRegistry::Instance();
  registry->CloseIdle();
  const auto begin = std::chrono::steady_clock::now();
  std::shared_ptr<Store> store;
  ASSERT_OK(registry->Acquire(large, OpenMode::kExisting, &store));
  const double open_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
          .count();
  std::shared_ptr<Store> other;
  ASSERT_OK(registry->Acquire(small, OpenMode::kExisting, &other));
  (void)OpenUs(small, 500);
  const double small_us = OpenUs(small, 500);
  (void)OpenUs(large, count);
  const double large_us = OpenUs(large, count);
  std::printf(
      "store of %zu actors: opened in %.3f s; an actor in %.0f us, of 500 "
      "actors in %.0f us\n",
      count, open_seconds, large_us, small_us);
  if (IsStress()) {
    EXPECT_LT(open_seconds, kMaxStoreOpenSeconds);
  }
}

}  // namespace
}  // namespace actorkv
