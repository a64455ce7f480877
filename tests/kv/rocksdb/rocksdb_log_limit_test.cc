// Engine::LimitLog(): what the next open has to read is bounded.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "kv/rocksdb/rocksdb_engine.h"
#include "tests/support/testing.h"

namespace actorkv {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr int kValues = 320;  // of 64 KiB: 20 MiB

// What the newest log takes on the disk, beside the zeros ahead of what was
// written. Those before it may be there for a while after all that they have is
// in tables.
uint64_t LogBytes(const std::string& directory) {
  std::string newest;
  uint64_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(directory)) {
    const std::string name = entry.path().filename();
    if (entry.path().extension() != ".log" || name < newest) continue;
    newest = name;
    bytes = entry.file_size();
  }
  return bytes;
}

void Fill(Engine* engine) {
  for (int i = 0; i < kValues; ++i) {
    Batch batch;
    batch.Put({PartitionKind::kBranch, 1}, "k" + std::to_string(i),
              std::string(64 << 10, static_cast<char>('a' + i % 26)));
    ASSERT_TRUE(engine->Commit(batch, Durability::kBuffered).done());
  }
}

// Memtables are written in the background.
bool BecomesSmall(const std::string& directory, Engine* engine,
                  uint64_t bytes) {
  for (int i = 0; i < 1000; ++i) {
    if (LogBytes(directory) <= bytes) return true;
    engine->KeepLogShort();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

TEST(RocksDbLogLimitTest, TheLogStaysShort) {
  const TempDir directory;
  std::unique_ptr<Engine> engine;
  ASSERT_OK(OpenRocksDbEngine(directory.path(), OpenMode::kCreate, &engine));
  Fill(engine.get());
  EXPECT_GT(LogBytes(directory.path()), 16 * kMiB);
  engine->LimitLog(2 * kMiB);
  Fill(engine.get());
  EXPECT_TRUE(BecomesSmall(directory.path(), engine.get(), 4 * kMiB))
      << LogBytes(directory.path());
  engine.reset();
  ASSERT_OK(OpenRocksDbEngine(directory.path(), OpenMode::kExisting, &engine));
  std::vector<std::optional<std::string>> values;
  ASSERT_OK(engine->NewReader()->Get({PartitionKind::kBranch, 1},
                                     {"k0", "k319"}, &values));
  EXPECT_EQ(values[0], std::string(64 << 10, 'a'));
  EXPECT_EQ(values[1],
            std::string(64 << 10, static_cast<char>('a' + 319 % 26)));
}

}  // namespace
}  // namespace actorkv
