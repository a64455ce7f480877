#include "kv/store/work_queue.h"

#include <utility>

#include "kv/base/thrown.h"

namespace actorkv {

void WorkQueue::AddDeadStage(ActorId actor, BranchId branch) noexcept {
  std::lock_guard<std::mutex> lock(mutex_);
  static_cast<void>(IfMemory([&] { stages_.push_back({actor, branch}); }));
  waits_ = true;
}

void WorkQueue::AddDeadImport(LegacyId legacy) noexcept {
  std::lock_guard<std::mutex> lock(mutex_);
  static_cast<void>(IfMemory([&] { imports_.push_back(legacy); }));
  waits_ = true;
}

void WorkQueue::SuggestFlatten(const std::shared_ptr<Actor>& actor) noexcept {
  std::lock_guard<std::mutex> lock(mutex_);
  // It comes again when the actor is opened, or commits.
  if (!is_owner_ || actors_.size() >= kMaxActors) return;
  static_cast<void>(IfMemory([&] { actors_.emplace_back(actor); }));
  waits_ = true;
}

WorkQueue::Piece WorkQueue::Take(bool* more) {
  Piece piece;
  std::lock_guard<std::mutex> lock(mutex_);
  if (!stages_.empty()) {
    piece.actor = stages_.back().actor;
    piece.stage = stages_.back().branch;
    stages_.pop_back();
  } else if (!imports_.empty()) {
    piece.import = imports_.back();
    imports_.pop_back();
  } else if (!actors_.empty()) {
    piece.flattens = std::move(actors_.back());
    actors_.pop_back();
  }
  *more = !stages_.empty() || !imports_.empty() || !actors_.empty();
  waits_ = *more;
  return piece;
}

}  // namespace actorkv
