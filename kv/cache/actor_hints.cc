#include "kv/cache/actor_hints.h"

#include <utility>

namespace actorkv {

LearnedHints Lesson::Learned(const std::string& name) const {
  LearnedHints learned{name, actor, learner->Learned()};
  learned.record.generation = generation;
  return learned;
}

std::vector<PageNo> ActorHints::Learn(
    Lesson lesson, const HintLearner::Limits& limits,
    const std::function<bool(PageNo)>& is_cached) {
  std::lock_guard<std::mutex> lock(mutex_);
  lesson_ = std::move(lesson);
  learning_.store(true, std::memory_order_relaxed);
  return lesson_.learner->Wake(limits, is_cached);
}

void ActorHints::NoteWhileLearning(PageNo pgno, bool was_preloaded) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (lesson_.learner != nullptr) lesson_.learner->Note(pgno, was_preloaded);
}

void ActorHints::EndPreload() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (lesson_.learner != nullptr) lesson_.learner->EndPreload();
}

std::optional<LearnedHints> ActorHints::LearnedSoFar(const std::string& name) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (lesson_.learner == nullptr) return std::nullopt;
  return lesson_.Learned(name);
}

Lesson ActorHints::Sleep() {
  std::lock_guard<std::mutex> lock(mutex_);
  learning_.store(false, std::memory_order_relaxed);
  // The lesson is taken and the actor asleep in one step under the mutex: who
  // wakes it next begins with none.
  asleep_.store(true);
  return std::exchange(lesson_, Lesson());
}

}  // namespace actorkv
