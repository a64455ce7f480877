// ReadHook: does something once, before the n-th read of an engine: so tests
// put the work of one between two reads of another.

#ifndef ACTORKV_TESTS_SUPPORT_READ_HOOK_H_
#define ACTORKV_TESTS_SUPPORT_READ_HOOK_H_

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/forwarding_engine.h"

namespace actorkv {

// Thread-safe.
class ReadHook {
 public:
  // Before the `nth` read from now on, 1 is the next; empty: never.
  void Set(uint64_t nth, std::function<void()> hook) {
    const std::lock_guard<std::mutex> lock(mutex_);
    left_ = nth;
    hook_ = std::move(hook);
  }
  // It has run since Set().
  bool ran() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return hook_ == nullptr;
  }
  // Without the lock: the hook reads as well.
  void Run() {
    std::function<void()> hook;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (hook_ == nullptr || --left_ > 0) return;
      std::swap(hook, hook_);
    }
    hook();
  }

 private:
  std::mutex mutex_;
  uint64_t left_ = 0;
  std::function<void()> hook_;
};

class ReadHookReader : public EngineReader {
 public:
  ReadHookReader(std::unique_ptr<EngineReader> base,
                 std::shared_ptr<ReadHook> hook)
      : base_(std::move(base)), hook_(std::move(hook)) {}

  Status Get(Partition partition, const std::vector<std::string_view>& keys,
             std::vector<std::optional<std::string>>* values) override {
    hook_->Run();
    return base_->Get(partition, keys, values);
  }
  Status Seek(Partition partition, const std::vector<std::string_view>& keys,
              std::vector<std::optional<KeyValue>>* found) override {
    hook_->Run();
    return base_->Seek(partition, keys, found);
  }
  Status Scan(Partition partition, std::string_view start, size_t limit,
              std::vector<KeyValue>* pairs) override {
    hook_->Run();
    return base_->Scan(partition, start, limit, pairs);
  }
  Status SeekOne(Partition partition, std::string_view key, bool* found,
                 std::string_view* found_key,
                 std::string_view* value) override {
    hook_->Run();
    return base_->SeekOne(partition, key, found, found_key, value);
  }
  void Refresh() override { base_->Refresh(); }

 private:
  const std::unique_ptr<EngineReader> base_;
  const std::shared_ptr<ReadHook> hook_;
};

class ReadHookEngine : public ForwardingEngine {
 public:
  ReadHookEngine(std::shared_ptr<Engine> base, std::shared_ptr<ReadHook> hook)
      : ForwardingEngine(std::move(base)), hook_(std::move(hook)) {}

  std::unique_ptr<EngineReader> NewReader() override {
    return std::make_unique<ReadHookReader>(ForwardingEngine::NewReader(),
                                            hook_);
  }

 private:
  const std::shared_ptr<ReadHook> hook_;
};

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_READ_HOOK_H_
