// ForwardingEngine: passes everything on to an engine that it shares. So that
// engine, and what is stored in it, outlives the store that was opened on it;
// and who wants to watch an engine overrides the calls that matter.

#ifndef ACTORKV_TESTS_SUPPORT_FORWARDING_ENGINE_H_
#define ACTORKV_TESTS_SUPPORT_FORWARDING_ENGINE_H_

#include <memory>
#include <string>
#include <utility>

#include "kv/engine/engine.h"

namespace actorkv {

class ForwardingEngine : public Engine {
 public:
  explicit ForwardingEngine(std::shared_ptr<Engine> base)
      : base_(std::move(base)) {}

  const EngineLimits& limits() const override { return base_->limits(); }
  std::unique_ptr<EngineReader> NewReader() override {
    return base_->NewReader();
  }
  CommitResult Commit(const Batch& batch, Durability durability) override {
    return base_->Commit(batch, durability);
  }
  HostId owner() const override { return base_->owner(); }
  Status IsAlive(const HostId& host, bool* alive) override {
    return base_->IsAlive(host, alive);
  }
  Status Drop(Partition partition) override { return base_->Drop(partition); }
  Status Compact(Partition partition, std::string_view begin,
                 std::string_view end) override {
    return base_->Compact(partition, begin, end);
  }
  Status FinishCompactions() override { return base_->FinishCompactions(); }
  Status Sync() override { return base_->Sync(); }
  Status CatchUp(std::atomic<uint64_t>* epoch) override {
    return base_->CatchUp(epoch);
  }
  Status CheckNotMoved() override { return base_->CheckNotMoved(); }
  Status Checkpoint(const std::string& path, uint64_t* bytes) override {
    return base_->Checkpoint(path, bytes);
  }
  void LimitCaches(size_t bytes) override { base_->LimitCaches(bytes); }
  Status ListDamage(std::vector<EngineDamage>* damage) override {
    return base_->ListDamage(damage);
  }
  std::shared_ptr<WorkBoard> work_board() override {
    return base_->work_board();
  }
  std::string Describe() const override { return base_->Describe(); }

 private:
  const std::shared_ptr<Engine> base_;
};

// The engine as a new owner has it, of whom there is one at a time.
class ReopenedEngine : public ForwardingEngine {
 public:
  using ForwardingEngine::ForwardingEngine;

  HostId owner() const override { return owner_; }
  Status IsAlive(const HostId& host, bool* alive) override {
    *alive = host == owner_;
    return Status::Ok();
  }

 private:
  const HostId owner_{0, RandomId()};
};

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_FORWARDING_ENGINE_H_
