// ActorTest: the fixture of tests that use actors through SQLite. Its stores
// are directories in a temporary one; their engines are in memory, outlive the
// store that was opened on them, fail on request
// (tests/support/hostile_engine.h) and tell what was asked of them.
//
// Connections must be closed when TearDown() runs: make them in the test.

#ifndef ACTORKV_TESTS_SUPPORT_ACTOR_HARNESS_H_
#define ACTORKV_TESTS_SUPPORT_ACTOR_HARNESS_H_

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "kv/process/store_registry.h"
#include "tests/support/forwarding_engine.h"
#include "tests/support/hostile_engine.h"
#include "tests/support/memory_engine.h"
#include "tests/support/testing.h"

namespace actorkv {

// What happened, in order. Thread-safe.
class CallLog {
 public:
  void Add(const std::string& call) {
    std::lock_guard<std::mutex> lock(mutex_);
    calls_.push_back(call);
  }
  // All calls since the last Take(), joined by spaces; repetitions as "call*".
  std::string Take() {
    std::lock_guard<std::mutex> lock(mutex_);
    std::string text;
    for (size_t i = 0; i < calls_.size(); ++i) {
      if (i > 0 && calls_[i] == calls_[i - 1]) {
        if (text.back() != '*') text += '*';
        continue;
      }
      text += (text.empty() ? "" : " ") + calls_[i];
    }
    calls_.clear();
    return text;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> calls_;
};

// What was asked of the engines. Thread-safe.
class EngineLog {
 public:
  void AddCommit(const Batch& batch, Durability durability) {
    std::lock_guard<std::mutex> lock(mutex_);
    batches_.push_back(batch);
    if (durability == Durability::kSynced) ++synced_count_;
    if (calls_ == nullptr) return;
    calls_->Add(durability == Durability::kSynced ? "commit+sync" : "commit");
  }
  void AddSync() {
    std::lock_guard<std::mutex> lock(mutex_);
    ++synced_count_;
  }
  void Clear() {
    std::lock_guard<std::mutex> lock(mutex_);
    batches_.clear();
    synced_count_ = 0;
  }
  // From now on commits are also written there.
  void SetCallLog(CallLog* calls) {
    std::lock_guard<std::mutex> lock(mutex_);
    calls_ = calls;
  }

  size_t commit_count() {
    std::lock_guard<std::mutex> lock(mutex_);
    return batches_.size();
  }
  // Commits with kSynced, and Sync() alone.
  size_t synced_count() {
    std::lock_guard<std::mutex> lock(mutex_);
    return synced_count_;
  }
  // Keys put into partitions of this kind.
  size_t PutCount(PartitionKind kind) {
    std::lock_guard<std::mutex> lock(mutex_);
    size_t count = 0;
    for (const Batch& batch : batches_) {
      for (size_t i = 0; i < batch.op_count(); ++i) {
        const Batch::Op op = batch.op(i);
        if (op.partition.kind == kind && op.value.has_value()) ++count;
      }
    }
    return count;
  }

 private:
  std::mutex mutex_;
  std::vector<Batch> batches_;
  size_t synced_count_ = 0;
  CallLog* calls_ = nullptr;
};

// Logs commits, and counts in *open_count while it lives.
class ObservedEngine : public ForwardingEngine {
 public:
  ObservedEngine(std::shared_ptr<Engine> base, EngineLog* log,
                 std::atomic<int>* open_count)
      : ForwardingEngine(std::move(base)), log_(log), open_count_(open_count) {
    ++*open_count_;
  }
  ~ObservedEngine() override { --*open_count_; }

  CommitResult Commit(const Batch& batch, Durability durability) override {
    log_->AddCommit(batch, durability);
    return ForwardingEngine::Commit(batch, durability);
  }
  Status Sync() override {
    log_->AddSync();
    return ForwardingEngine::Sync();
  }

 private:
  EngineLog* const log_;
  std::atomic<int>* const open_count_;
};

class ActorTest : public testing::Test {
 protected:
  void SetUp() override {
    StoreRegistry::Instance()->SetEngineFactoryForTesting(
        [this](const std::string& directory, OpenMode /*mode*/,
               std::unique_ptr<Engine>* engine) {
          *engine = NewEngine(directory);
          return Status::Ok();
        });
  }

  void TearDown() override {
    CloseStores();
    StoreRegistry::Instance()->SetEngineFactoryForTesting(nullptr);
  }

  // Closes every store. REQUIRES: no connection has an actor open.
  void CloseStores() {
    for (int i = 0; i < 500 && open_count_.load() != 0; ++i) {
      StoreRegistry::Instance()->CloseIdle();
      std::this_thread::sleep_for(std::chrono::milliseconds(i == 0 ? 0 : 10));
    }
    EXPECT_EQ(open_count_.load(), 0) << "a store is still in use";
  }

  std::string StorePath(const std::string& store = "store") const {
    return directory_.File(store);
  }
  // `more` begins with '&'.
  std::string Uri(const std::string& actor, const std::string& more = "",
                  const std::string& store = "store") const {
    return "file:" + StorePath(store) + "/" + actor + "?vfs=actorkv" + more;
  }
  std::string Attach(const std::string& actor, const std::string& schema,
                     const std::string& store = "store") const {
    return "ATTACH '" + Uri(actor, "", store) + "' AS " + schema + ";";
  }
  std::string PlainUri(const std::string& file) const {
    return "file:" + directory_.File(file) + "?vfs=unix";
  }
  const TempDir& directory() const { return directory_; }

  // The faults of all stores.
  HostilePlan* plan() const { return plan_.get(); }
  EngineLog* engine_log() { return &engine_log_; }

 private:
  std::unique_ptr<Engine> NewEngine(const std::string& directory) {
    std::lock_guard<std::mutex> lock(mutex_);
    std::shared_ptr<Engine>& kept = engines_[directory];
    if (kept == nullptr) kept = NewMemoryEngine(UnboundedLimits());
    // The log sees what the plan lets fail as well.
    std::shared_ptr<Engine> hostile =
        NewHostileEngine(std::make_unique<ForwardingEngine>(kept), plan_);
    return std::make_unique<ObservedEngine>(hostile, &engine_log_,
                                            &open_count_);
  }

  const TempDir directory_;
  const std::shared_ptr<HostilePlan> plan_ = std::make_shared<HostilePlan>();
  EngineLog engine_log_;
  std::atomic<int> open_count_{0};
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Engine>> engines_;
};

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_ACTOR_HARNESS_H_
