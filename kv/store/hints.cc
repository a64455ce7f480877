#include "kv/store/hints.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "kv/format/get_record.h"
#include "kv/format/keys.h"
#include "kv/store/actor.h"
#include "kv/store/store_side.h"

namespace actorkv {

namespace {

// Of a write whose record changes meanwhile, as in a take-over.
constexpr int kAttempts = 3;

Status CheckGeneration(const std::string& what, Generation expected,
                       Generation actual) {
  if (expected == actual) return Status::Ok();
  return FencedError(what, expected, actual).WithContext("preload hints");
}

}  // namespace

Status ReadHints(EngineReader* reader, const HintsOwner& owner,
                 HintsRecord* record) {
  std::optional<HintsRecord> read;
  if (Status s =
          GetRecord(reader, ActorPartition(owner.actor), HintsKey(), &read);
      !s.ok()) {
    return s;
  }
  if (read.has_value()) {
    if (Status s = CheckGeneration("id=" + std::to_string(owner.actor.value),
                                   read->generation, owner.generation);
        !s.ok()) {
      return s;
    }
  }
  *record = std::move(read).value_or(HintsRecord());
  return Status::Ok();
}

HintQueue::HintQueue(Engine* engine, CommitFunction commit, StoreSide* side)
    : engine_(engine), commit_(std::move(commit)), side_(side) {}

Status HintQueue::Load(const HintsOwner& owner, HintsRecord* record) {
  std::optional<HintsRecord> waiting = Find(owner.actor);
  if (waiting.has_value() && waiting->generation == owner.generation) {
    *record = std::move(*waiting);
    return Status::Ok();
  }
  return ReadHints(engine_->NewReader().get(), owner, record);
}

Status HintQueue::Copy(const HintsOwner& from, const HintsOwner& to,
                       Batch* batch) {
  HintsRecord record;
  Status s = Load(from, &record);
  if (s.code() == Code::kIOError) return s;
  if (!s.ok() || record.ranges.empty()) return Status::Ok();
  record.generation = to.generation;
  batch->Put(ActorPartition(to.actor), HintsKey(),
             EncodeRecord(HintsKey(), record));
  return Status::Ok();
}

CommitResult HintQueue::TryToWrite(const LearnedHints& learned) {
  const Partition partition = ActorPartition(learned.actor);
  const std::string key = HintsKey();
  std::vector<std::optional<std::string>> values;
  const auto failed = [](Status status) -> CommitResult {
    return {CommitOutcome::kFailed, std::move(status)};
  };
  if (Status s =
          engine_->NewReader()->Get(partition, {HeadKey(), key}, &values);
      !s.ok()) {
    return failed(std::move(s));
  }
  if (!values[0].has_value()) {
    return failed(Status::NotFound("no head: actor=" + learned.name));
  }
  Head head;
  if (Status s = DecodeRecord(HeadKey(), *values[0], &head); !s.ok()) {
    return failed(std::move(s));
  }
  if (Status s = CheckGeneration(learned.name, learned.record.generation,
                                 head.generation);
      !s.ok()) {
    return failed(std::move(s));
  }
  const bool is_wanted = !learned.record.ranges.empty();
  const std::string bytes = EncodeRecord(key, learned.record);
  if (is_wanted ? values[1] == bytes : !values[1].has_value()) return {};
  Batch batch;
  if (is_wanted) {
    batch.Put(partition, key, bytes);
  } else {
    batch.Delete(partition, key);
  }
  // A take-over meanwhile took along what was there.
  batch.AddGuard(partition, key, values[1]);
  return commit_(batch, Durability::kBuffered);
}

Status HintQueue::Write(const LearnedHints& learned) {
  if (side_ != nullptr) return side_->SendHints(learned);
  CommitResult result;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    result = TryToWrite(learned);
    if (result.outcome != CommitOutcome::kConflict) break;
  }
  return result.status;
}

void HintQueue::AddLearning(std::weak_ptr<Actor> actor) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (learning_.size() >= kMaxWaiting) return;
  learning_.push_back({std::move(actor), Clock::now() + kHintLearningTime});
}

bool HintQueue::TakeLearning(std::weak_ptr<Actor>* actor) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (learning_.empty() || Clock::now() < learning_.front().until) return false;
  *actor = std::move(learning_.front().actor);
  learning_.pop_front();
  return true;
}

void HintQueue::EndLearningForTesting() {
  std::lock_guard<std::mutex> lock(mutex_);
  for (Learning& learning : learning_) learning.until = Clock::time_point();
}

void HintQueue::Add(LearnedHints learned) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto same = std::find_if(
      waiting_.begin(), waiting_.end(),
      [&](const LearnedHints& other) { return other.actor == learned.actor; });
  if (same != waiting_.end()) {
    *same = std::move(learned);
  } else if (waiting_.size() < kMaxWaiting) {
    waiting_.push_back(std::move(learned));
    waits_.store(true, std::memory_order_relaxed);
  }
}

std::optional<HintsRecord> HintQueue::Find(ActorId actor) {
  std::lock_guard<std::mutex> lock(mutex_);
  for (const LearnedHints& learned : waiting_) {
    if (learned.actor == actor) return learned.record;
  }
  return std::nullopt;
}

Status HintQueue::WriteOne() {
  LearnedHints learned;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (waiting_.empty()) return Status::Ok();
    learned = std::move(waiting_.front());
    waiting_.pop_front();
    waits_.store(!waiting_.empty(), std::memory_order_relaxed);
  }
  return Write(learned);
}

}  // namespace actorkv
