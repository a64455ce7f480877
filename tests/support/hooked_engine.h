// HookedEngine: calls a function before each write. Tests use it to do
// something in the middle of the work of another: interrupt it, hold it, kill
// the process.

#ifndef ACTORKV_TESTS_SUPPORT_HOOKED_ENGINE_H_
#define ACTORKV_TESTS_SUPPORT_HOOKED_ENGINE_H_

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "kv/files/store_marker.h"
#include "kv/process/store_registry.h"
#include "kv/rocksdb/rocksdb_engine.h"
#include "tests/support/forwarding_engine.h"
#include "tests/support/hostile_engine.h"

namespace actorkv {

// What is called before each commit and each drop of a partition; empty:
// nothing. Thread-safe.
class CommitHook {
 public:
  void Set(std::function<void()> hook) {
    const std::lock_guard<std::mutex> lock(mutex_);
    hook_ = std::move(hook);
  }
  void Run() {
    std::function<void()> hook;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      hook = hook_;
    }
    if (hook) hook();
  }

 private:
  std::mutex mutex_;
  std::function<void()> hook_;
};

class HookedEngine : public ForwardingEngine {
 public:
  HookedEngine(std::shared_ptr<Engine> base, std::shared_ptr<CommitHook> hook)
      : ForwardingEngine(std::move(base)), hook_(std::move(hook)) {}

  CommitResult Commit(const Batch& batch, Durability durability) override {
    hook_->Run();
    return ForwardingEngine::Commit(batch, durability);
  }
  Status Drop(Partition partition) override {
    hook_->Run();
    return ForwardingEngine::Drop(partition);
  }

 private:
  const std::shared_ptr<CommitHook> hook_;
};

// Stores that are opened from now on run `hook`. `max_batch_bytes`: smaller
// than the engine's, so that little work takes many commits; 0: the engine's.
// Until UseHooks(nullptr).
inline void UseHooks(const std::shared_ptr<CommitHook>& hook,
                     size_t max_batch_bytes = 0) {
  StoreRegistry* const registry = StoreRegistry::Instance();
  if (hook == nullptr) return registry->SetEngineFactoryForTesting(nullptr);
  registry->SetEngineFactoryForTesting(
      [hook, max_batch_bytes](const std::string& directory, OpenMode mode,
                              std::unique_ptr<Engine>* engine) {
        std::unique_ptr<Engine> opened;
        if (Status s = OpenRocksDbEngine(directory, mode, &opened); !s.ok()) {
          return s;
        }
        // So that it is a store also where there are no hooks.
        if (!CheckMarker(directory).ok()) {
          if (Status s = WriteMarker(directory); !s.ok()) return s;
        }
        EngineLimits limits = opened->limits();
        if (max_batch_bytes > 0) limits.max_batch_bytes = max_batch_bytes;
        *engine = NewHostileEngine(
            std::make_unique<HookedEngine>(std::move(opened), hook),
            std::make_shared<HostilePlan>(), limits);
        return Status::Ok();
      });
}

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_HOOKED_ENGINE_H_
