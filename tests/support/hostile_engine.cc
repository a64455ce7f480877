#include "tests/support/hostile_engine.h"

#include <utility>

#include "kv/engine/engine_limits.h"

namespace actorkv {
namespace {

Status DefaultStatus(CommitFault fault) {
  switch (fault) {
    case CommitFault::kConflict:
      return Status::Conflict("injected conflict");
    case CommitFault::kFailed:
      return Status::IOError("injected failure");
    case CommitFault::kUnknownLanded:
    case CommitFault::kUnknownLost:
      return Status::IOError("injected unknown outcome");
  }
  return Status::IOError("no such fault");
}

class HostileReader : public EngineReader {
 public:
  HostileReader(std::unique_ptr<EngineReader> base,
                std::shared_ptr<HostilePlan> plan)
      : base_(std::move(base)), plan_(std::move(plan)) {}

  Status Get(Partition partition, const std::vector<std::string_view>& keys,
             std::vector<std::optional<std::string>>* values) override {
    if (Status s = plan_->NextRead(); !s.ok()) return s;
    return base_->Get(partition, keys, values);
  }

  Status Seek(Partition partition, const std::vector<std::string_view>& keys,
              std::vector<std::optional<KeyValue>>* found) override {
    if (Status s = plan_->NextRead(); !s.ok()) return s;
    return base_->Seek(partition, keys, found);
  }

  Status Scan(Partition partition, std::string_view start, size_t limit,
              std::vector<KeyValue>* pairs) override {
    if (Status s = plan_->NextRead(); !s.ok()) return s;
    return base_->Scan(partition, start, limit, pairs);
  }

  Status SeekOne(Partition partition, std::string_view key, bool* found,
                 std::string_view* found_key,
                 std::string_view* value) override {
    if (Status s = plan_->NextRead(); !s.ok()) return s;
    return base_->SeekOne(partition, key, found, found_key, value);
  }

  void Refresh() override { base_->Refresh(); }

 private:
  const std::unique_ptr<EngineReader> base_;
  const std::shared_ptr<HostilePlan> plan_;
};

class HostileEngine : public Engine {
 public:
  HostileEngine(std::unique_ptr<Engine> base, std::shared_ptr<HostilePlan> plan,
                EngineLimits limits)
      : base_(std::move(base)), plan_(std::move(plan)), limits_(limits) {}

  const EngineLimits& limits() const override { return limits_; }

  std::unique_ptr<EngineReader> NewReader() override {
    return std::make_unique<HostileReader>(base_->NewReader(), plan_);
  }

  HostId owner() const override { return base_->owner(); }
  Status IsAlive(const HostId& host, bool* alive) override {
    return base_->IsAlive(host, alive);
  }

  CommitResult Commit(const Batch& batch, Durability durability) override {
    if (Status s = CheckBatchLimits(batch, limits_); !s.ok()) {
      return {CommitOutcome::kFailed, s};
    }
    const auto answer = plan_->NextCommit();
    if (!answer.has_value()) return base_->Commit(batch, durability);
    switch (answer->fault) {
      case CommitFault::kConflict:
        return {CommitOutcome::kConflict, answer->status};
      case CommitFault::kFailed:
        return {CommitOutcome::kFailed, answer->status};
      case CommitFault::kUnknownLanded:
        // Whatever came of it, the caller does not hear it.
        (void)base_->Commit(batch, durability);
        return {CommitOutcome::kUnknown, answer->status};
      case CommitFault::kUnknownLost:
        return {CommitOutcome::kUnknown, answer->status};
    }
    return {CommitOutcome::kFailed, Status::IOError("no such fault")};
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

  Status ListDamage(std::vector<EngineDamage>* damage) override {
    return base_->ListDamage(damage);
  }

  std::string Describe() const override {
    return "hostile " + base_->Describe();
  }

 private:
  const std::unique_ptr<Engine> base_;
  const std::shared_ptr<HostilePlan> plan_;
  const EngineLimits limits_;
};

}  // namespace

void HostilePlan::FailCommit(uint64_t nth, CommitFault fault, Status status) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (status.ok()) status = DefaultStatus(fault);
  commit_faults_[commit_count_ + nth] = {fault, std::move(status)};
}

void HostilePlan::FailRead(uint64_t nth, Status status) {
  std::lock_guard<std::mutex> lock(mutex_);
  read_faults_[read_count_ + nth] = std::move(status);
}

void HostilePlan::FailReadHere(uint64_t nth, Status status) {
  std::lock_guard<std::mutex> lock(mutex_);
  here_ = std::this_thread::get_id();
  here_left_ = nth;
  here_status_ = std::move(status);
}

void HostilePlan::Reset() {
  std::lock_guard<std::mutex> lock(mutex_);
  commit_count_ = read_count_ = fired_count_ = 0;
  commit_faults_.clear();
  read_faults_.clear();
  here_ = std::thread::id();
}

uint64_t HostilePlan::commit_count() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return commit_count_;
}

uint64_t HostilePlan::read_count() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return read_count_;
}

uint64_t HostilePlan::fired_count() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return fired_count_;
}

std::optional<HostilePlan::CommitAnswer> HostilePlan::NextCommit() {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto it = commit_faults_.find(++commit_count_);
  if (it == commit_faults_.end()) return std::nullopt;
  CommitAnswer answer = std::move(it->second);
  commit_faults_.erase(it);
  ++fired_count_;
  return answer;
}

Status HostilePlan::NextRead() {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto it = read_faults_.find(++read_count_);
  if (here_ == std::this_thread::get_id() && --here_left_ == 0) {
    here_ = std::thread::id();
    ++fired_count_;
    return here_status_;
  }
  if (it == read_faults_.end()) return Status::Ok();
  Status status = std::move(it->second);
  read_faults_.erase(it);
  ++fired_count_;
  return status;
}

std::unique_ptr<Engine> NewHostileEngine(std::unique_ptr<Engine> base,
                                         std::shared_ptr<HostilePlan> plan,
                                         std::optional<EngineLimits> limits) {
  const EngineLimits chosen = limits.value_or(base->limits());
  return std::make_unique<HostileEngine>(std::move(base), std::move(plan),
                                         chosen);
}

}  // namespace actorkv
