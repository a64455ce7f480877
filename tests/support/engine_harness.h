// EngineTest: a test that runs on each engine, and the engines there are.

#ifndef ACTORKV_TESTS_SUPPORT_ENGINE_HARNESS_H_
#define ACTORKV_TESTS_SUPPORT_ENGINE_HARNESS_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kv/engine/engine.h"
#include "kv/rocksdb/rocksdb_engine.h"
#include "tests/support/hostile_engine.h"
#include "tests/support/memory_engine.h"
#include "tests/support/remote_memory_engine.h"
#include "tests/support/testing.h"

namespace actorkv {

inline constexpr EngineLimits kSmallLimits = {4096, 512, 64, false};

struct EngineCase {
  const char* name;
  // Opens the engine whose files, if any, are in `directory`.
  std::function<std::unique_ptr<Engine>(const std::string& directory)> open;
  bool durable;
};

inline std::unique_ptr<Engine> OpenRocksDb(const std::string& directory) {
  std::unique_ptr<Engine> engine;
  EXPECT_OK(OpenRocksDbEngine(directory, OpenMode::kCreate, &engine));
  return engine;
}

inline const EngineCase kEngineCases[] = {
    {"Memory", [](auto&) { return NewMemoryEngine(UnboundedLimits()); }, false},
    {"SmallMemory", [](auto&) { return NewMemoryEngine(kSmallLimits); }, false},
    {"Hostile",
     [](auto&) {
       return NewHostileEngine(NewMemoryEngine(UnboundedLimits()),
                               std::make_shared<HostilePlan>());
     },
     false},
    {"Remote", [](auto&) { return NewRemoteMemoryEngine(); }, false},
    {"RocksDb", OpenRocksDb, true},
};

inline constexpr Partition kCatalog{PartitionKind::kCatalog, 0};
inline constexpr Partition kActor{PartitionKind::kActor, 7};
inline constexpr Partition kBranch{PartitionKind::kBranch, 7};

class EngineTest : public testing::TestWithParam<EngineCase> {
 protected:
  void SetUp() override { Reopen(); }

  void Reopen() {
    engine_.reset();
    engine_ = GetParam().open(directory_.File("store"));
    ASSERT_NE(engine_, nullptr);
  }

  void MustCommit(const Batch& batch) {
    const CommitResult r = engine_->Commit(batch, Durability::kBuffered);
    ASSERT_EQ(r.outcome, CommitOutcome::kDone) << r.status.ToString();
    ASSERT_OK(r.status);
  }

  void MustPut(Partition partition, const std::string& key,
               const std::string& value) {
    Batch batch;
    batch.Put(partition, key, value);
    MustCommit(batch);
  }

  std::optional<std::string> Read(Partition partition, const std::string& key) {
    std::vector<std::optional<std::string>> values;
    EXPECT_OK(engine_->NewReader()->Get(partition, {key}, &values));
    return values.empty() ? std::nullopt : values[0];
  }

  // "key=value key=value", of the whole partition.
  std::string Dump(Partition partition) {
    std::vector<KeyValue> pairs;
    EXPECT_OK(engine_->NewReader()->Scan(partition, "", 100, &pairs));
    std::string text;
    for (const KeyValue& pair : pairs) {
      if (!text.empty()) text += " ";
      text += pair.key + "=" + pair.value;
    }
    return text;
  }

  TempDir directory_;
  std::unique_ptr<Engine> engine_;
};

inline std::string EngineName(const testing::TestParamInfo<EngineCase>& made) {
  return made.param.name;
}

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_ENGINE_HARNESS_H_
