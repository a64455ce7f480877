// The memory that imports and migrations take beyond the caches is small and
// does not depend on what a source says of its size, or what size it has.

#include <gtest/gtest.h>

#include <cstdio>
#include <ctime>
#include <fstream>

#include "kv/rivet/kv_bin.h"
#include "kv/rivet/legacy_file.h"
#include "kv/rocksdb/rocksdb_options.h"
#include "tests/support/child_process.h"
#include "tests/support/legacy_pairs.h"
#include "tests/support/memory_use.h"
#include "tests/support/sqlite_db.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr double kLimitMib = 64;
constexpr double kLimitSeconds = 5;
constexpr double kMib = 1 << 20;

bool IsSanitized() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return true;
#else
  return false;
#endif
}

// kv.bin of a database of about this size, without holding it in memory.
void WriteDump(const std::string& path, uint64_t size_bytes) {
  const std::string source = path + ".src";
  SqliteDb db;
  ASSERT_EQ(db.Open(source), SQLITE_OK);
  ASSERT_EQ(db.Exec("PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF;"
                    "CREATE TABLE t(x); WITH RECURSIVE c(i) AS (SELECT 1 UNION "
                    "ALL SELECT i + 1 FROM c LIMIT " +
                    std::to_string(size_bytes / 4096) +
                    ") INSERT INTO t SELECT randomblob(3900) FROM c"),
            SQLITE_OK)
      << db.Error();
  db.Close();
  std::ifstream file(source, std::ios::binary | std::ios::ate);
  const auto size = static_cast<uint64_t>(file.tellg());
  file.seekg(0);
  std::ofstream dump(path, std::ios::binary);
  dump << EncodeKvBinEntry(LegacyMetadataKey(LegacyTag::kMain),
                           LegacyMetadata(size));
  std::string chunk(kLegacyChunkBytes, '\0');
  for (uint32_t i = 0; i * uint64_t{kLegacyChunkBytes} < size; ++i) {
    file.read(chunk.data(), kLegacyChunkBytes);
    dump << EncodeKvBinEntry(LegacyChunkKey(LegacyTag::kMain, i), chunk);
  }
  ASSERT_TRUE(dump.good() && file.good());
}

// The lines of its argument: the store, the dump, the limit in MiB.
TEST(MigrationMemoryChild, DISABLED_Run) {
  const std::string argument = ChildArgument();
  const size_t first = argument.find('\n');
  const size_t second = argument.find('\n', first + 1);
  const std::string store = argument.substr(0, first);
  const std::string dump = argument.substr(first + 1, second - first - 1);
  const double limit_mib = std::strtod(argument.c_str() + second, nullptr);
  SqliteDb db;
  ASSERT_EQ(db.Open(":memory:"), SQLITE_OK);
  ASSERT_EQ(db.QueryText("SELECT actorkv_store('" + store + "')"), store);
  // What the first use of everything takes once.
  const std::string tiny = "tests/rivet/v213-tiny.jsonl";
  ASSERT_EQ(db.QueryText("SELECT actorkv_import('tiny', '" + tiny + "')"), "2");
  ASSERT_EQ(db.QueryText("SELECT actorkv_migrate('tiny')"), "live");
  const double before_mib = StatusMib("RssAnon");
  MemorySampler sampler;
  const std::clock_t begin = std::clock();
  const std::string imported =
      db.QueryText("SELECT actorkv_import('a', '" + dump + "') > 0");
  ASSERT_EQ(imported, "1");
  const double importing_mib = sampler.peak_mib() - before_mib;
  sampler.Restart();
  ASSERT_EQ(db.QueryText("SELECT actorkv_migrate('a')"), "live");
  const double migrating_mib = sampler.peak_mib() - before_mib;
  const double seconds =
      static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  std::printf(
      "anonymous memory at most %.0f MiB more while importing, %.0f "
      "MiB while migrating, of at most %.0f; %.1f s of processor time\n",
      importing_mib, migrating_mib, limit_mib, seconds);
  std::fflush(stdout);
  EXPECT_LT(importing_mib, limit_mib);
  EXPECT_LT(migrating_mib, limit_mib);
  // Of the one that says 8 TiB, which would take hours; the others take what
  // their bytes take.
  if (limit_mib == kLimitMib) {
    EXPECT_LT(seconds, kLimitSeconds);
  }
}

void RunWith(const std::string& dump, double limit_mib) {
  if (IsSanitized()) GTEST_SKIP() << "a sanitizer has memory of its own";
  TempDir temp;
  ChildProcess child(
      "MigrationMemoryChild.DISABLED_Run",
      temp.File("store") + "\n" + dump + "\n" + std::to_string(limit_mib));
  EXPECT_TRUE(child.WaitForSuccess());
}

TEST(MigrationMemoryTest, EightTebibytes) {
  RunWith("tests/rivet/m-meta-8tib.jsonl.gz", kLimitMib);
}

// Short of the size of the block cache it holds as much as there is. Neither
// pairs nor pages go through RocksDB's write buffers.
TEST(MigrationMemoryTest, ALargeDatabase) {
  const uint64_t size_bytes =
      EnvironmentNumber("ACTORKV_STRESS", 1) > 1 ? 1000 << 20 : 120 << 20;
  const double size_mib = static_cast<double>(size_bytes) / kMib;
  const double caches_mib = std::min(size_mib, double{kBlockCacheBytes} / kMib);
  TempDir temp;
  ASSERT_NO_FATAL_FAILURE(WriteDump(temp.File("dump"), size_bytes));
  RunWith(temp.File("dump"), caches_mib + kLimitMib);
}

}  // namespace
}  // namespace actorkv
