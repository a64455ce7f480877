#include "kv/actor_hints.h"

#include <utility>

namespace actorkv {

void ActorHints::Learn(Lesson lesson) {
  std::lock_guard<std::mutex> lock(mutex_);
  lesson_ = std::move(lesson);
  learning_.store(true, std::memory_order_relaxed);
}

void ActorHints::NoteWhileLearning(PageNo pgno, bool was_preloaded) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (lesson_.learner != nullptr) lesson_.learner->Note(pgno, was_preloaded);
}

std::optional<LearnedHints> ActorHints::LearnedSoFar() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (lesson_.learner == nullptr) return std::nullopt;
  LearnedHints learned;
  learned.actor = lesson_.actor;
  learned.record = lesson_.learner->Learned();
  learned.record.generation = lesson_.generation;
  return learned;
}

Lesson ActorHints::Sleep() {
  std::lock_guard<std::mutex> lock(mutex_);
  learning_.store(false, std::memory_order_relaxed);
  asleep_.store(true);
  return std::exchange(lesson_, Lesson());
}

}  // namespace actorkv
