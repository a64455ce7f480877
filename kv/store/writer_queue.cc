#include "kv/store/writer_queue.h"

#include <algorithm>
#include <utility>

namespace actorkv {

using std::chrono::microseconds;

// Other processes are told outside of the mutex: that may be a message.
class WriterQueue::Lock {
 public:
  explicit Lock(WriterQueue* queue) : queue_(queue), lock_(queue->mutex_) {}
  ~Lock() { Unlock(); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

  void Unlock() {
    const std::shared_ptr<WriterWord> word =
        queue_->yields_ ? queue_->word_ : nullptr;
    queue_->yields_ = false;
    lock_.unlock();
    if (word != nullptr) word->Yield();
  }
  void LockAgain() { lock_.lock(); }
  std::unique_lock<std::mutex>* get() { return &lock_; }

 private:
  WriterQueue* const queue_;
  std::unique_lock<std::mutex> lock_;
};

Writer::Writer(std::shared_ptr<WriterQueue> queue) : queue_(std::move(queue)) {}

Writer::~Writer() { Leave(); }

bool Writer::Wait(int64_t limit_us) { return queue_->Wait(this, limit_us); }

void Writer::Leave() { queue_->Leave(this); }

// --- Taking and releasing ---------------------------------------------------

void WriterQueue::Share(std::shared_ptr<WriterWord> word) {
  std::shared_ptr<WriterWord> last;
  bool yields = false;
  {
    Lock lock(this);
    if (word_ != nullptr && has_word_) yields = word_->Release();
    has_word_ = false;
    last = std::exchange(word_, std::move(word));
    // Nobody else has had the time to take it. Where somebody has all the same,
    // its commits are guarded as any.
    if (state_ != State::kFree) static_cast<void>(TakeWord());
    if (first_ != nullptr) first_->changed.notify_one();
  }
  if (yields) last->Yield();
}

bool WriterQueue::TakeWord() {
  if (HasWord()) return true;
  has_word_ = word_->TryTake();
  return has_word_;
}

bool WriterQueue::ConfirmWord() {
  if (word_ == nullptr || state_ != State::kOffered || word_->Confirm()) {
    return true;
  }
  // It took too long, and another process has it.
  NoteLoss();
  return false;
}

void WriterQueue::NoteLoss() {
  has_word_ = false;
  state_ = State::kFree;
  writer_ = nullptr;
  if (first_ != nullptr) first_->changed.notify_one();
}

void WriterQueue::GiveBackWord() {
  if (word_ == nullptr || !has_word_) return;
  has_word_ = false;
  yields_ = word_->Release();
}

bool WriterQueue::MayTake(Writer* writer) {
  Lock lock(this);
  return MayTakeLocked(writer, Clock::now());
}

bool WriterQueue::Take(Writer* writer) {
  Lock lock(this);
  const Time now = Clock::now();
  if (!MayTakeLocked(writer, now)) return false;
  if (!TakeWord() || !ConfirmWord()) {
    GivePlace(writer);
    return false;
  }
  const bool same_turn = writer_ == writer && state_ != State::kOffered;
  if (!same_turn) turn_ends_ = now + microseconds(times_.turn_us);
  state_ = State::kHeld;
  writer_ = writer;
  writer->place_ = 0;
  return true;
}

bool WriterQueue::MayTakeLocked(Writer* writer, Time now) {
  if (writer->released_at_ != Time{}) {
    writer->comes_back_soon_ =
        now - writer->released_at_ < microseconds(times_.pause_us);
    writer->released_at_ = Time{};
  }
  // The first that waits may not have woken up yet; its turn it is.
  if (IsKept() && now >= kept_until_) HandOn(now);
  // A word that was taken away keeps nobody out for the sake of who had it.
  if (state_ == State::kHeld && writer_ != writer && word_ != nullptr &&
      !word_->IsOwn()) {
    NoteLoss();
  }
  if (state_ == State::kFree) {
    if (HasWord() || (!waits_for_word_ && word_->MayTake())) return true;
    GivePlace(writer);
    return false;
  }
  if (writer_ == writer) return true;
  if (state_ == State::kResting && IsBeforeAllThatWait(*writer)) return true;
  GivePlace(writer);
  return false;
}

bool WriterQueue::IsBeforeAllThatWait(const Writer& writer) const {
  if (first_ == nullptr) return true;
  return writer.place_ != 0 && writer.place_ < first_->place;
}

void WriterQueue::Release(Writer* writer) {
  Lock lock(this);
  if (writer_ != writer || state_ != State::kHeld) return;
  const Time now = Clock::now();
  writer->released_at_ = now;
  if (first_ == nullptr || !writer->comes_back_soon_ || now >= turn_ends_) {
    HandOn(now);
    return;
  }
  state_ = State::kResting;
  kept_until_ = turn_ends_;
  WakeFirstInTime();
}

bool WriterQueue::held() {
  std::lock_guard<std::mutex> lock(mutex_);
  return state_ == State::kHeld || (word_ != nullptr && word_->held());
}

bool WriterQueue::TakeAway() {
  Lock lock(this);
  if (state_ == State::kHeld && (word_ == nullptr || word_->IsOwn())) {
    HandOn(Clock::now());
    return true;
  }
  if (state_ == State::kHeld) NoteLoss();
  // A turn that is about to begin is not taken away.
  if (state_ != State::kFree || word_ == nullptr) return false;
  return word_->TakeAway();
}

WordHolder WriterQueue::OtherHolder() {
  std::lock_guard<std::mutex> lock(mutex_);
  return state_ != State::kFree || word_ == nullptr ? WordHolder()
                                                    : word_->Holder();
}

size_t WriterQueue::waiting_count() {
  std::lock_guard<std::mutex> lock(mutex_);
  size_t count = 0;
  for (const Waiting* at = first_; at != nullptr; at = at->next) ++count;
  return count;
}

void WriterQueue::Leave(Writer* writer) {
  Lock lock(this);
  writer->left_ = true;
  for (Waiting* waiting = first_; waiting != nullptr;) {
    Waiting* const next = waiting->next;
    if (waiting->writer == writer) {
      Remove(waiting);
      // Under the mutex: once it is free, what waits may be gone.
      waiting->changed.notify_one();
    }
    waiting = next;
  }
  if (writer_ == writer) {
    HandOn(Clock::now());
  } else if (IsKept()) {
    WakeFirstInTime();
  } else if (state_ == State::kFree && first_ != nullptr) {
    first_->changed.notify_one();
  }
}

// --- Waiting ----------------------------------------------------------------

bool WriterQueue::Wait(Writer* writer, int64_t limit_us) {
  Lock lock(this);
  if (writer->left_) return false;
  Time now = Clock::now();
  const Time give_up = now + microseconds(limit_us);
  if (IsKept() && now >= kept_until_) HandOn(now);
  // Offered also where nobody is writing any more: so that the next try finds
  // that nobody has begun meanwhile.
  if (state_ == State::kFree && !waits_for_word_ && TakeWord()) {
    Offer(writer, now);
  }
  if (state_ == State::kOffered && writer_ == writer) return true;
  GivePlace(writer);
  Waiting waiting;
  waiting.writer = writer;
  waiting.place = writer->place_;
  Insert(&waiting);
  while (!waiting.offered && !writer->left_ && now < give_up) {
    if (first_ == &waiting && state_ == State::kFree && !waits_for_word_) {
      WaitForWord(now, give_up, &lock);
    } else {
      const bool looks = first_ == &waiting && IsKept();
      waiting.wakes_at = looks ? std::min(give_up, kept_until_) : give_up;
      waiting.changed.wait_until(*lock.get(), waiting.wakes_at);
    }
    now = Clock::now();
    if (first_ == &waiting && IsKept() && now >= kept_until_) HandOn(now);
  }
  if (!waiting.offered) {
    Remove(&waiting);
    if (IsKept()) WakeFirstInTime();
    // Who is the first now has to get in line for the word.
    if (state_ == State::kFree && first_ != nullptr) {
      first_->changed.notify_one();
    }
  }
  return waiting.offered;
}

void WriterQueue::WaitForWord(Time now, Time give_up, Lock* lock) {
  // The queue may be given another one, or none, meanwhile.
  const std::shared_ptr<WriterWord> word = word_;
  bool has_it = HasWord();
  if (!has_it) {
    const int64_t limit_us =
        std::chrono::duration_cast<microseconds>(give_up - now).count();
    waits_for_word_ = true;
    lock->Unlock();
    has_it = word->Wait(limit_us);
    lock->LockAgain();
    waits_for_word_ = false;
    if (word != word_) return;
    has_word_ = has_it;
  }
  // Somebody uses it, however long it took to come here: where the turn of the
  // process was looked at first, a slow one would never write.
  if (has_it && first_ != nullptr) OfferToFirst(Clock::now());
  if (has_it && state_ == State::kFree) GiveBackWord();
}

void WriterQueue::GivePlace(Writer* writer) {
  if (writer->place_ == 0) writer->place_ = ++last_place_;
}

void WriterQueue::Insert(Waiting* waiting) {
  Waiting** at = &first_;
  while (*at != nullptr && (*at)->place <= waiting->place) {
    at = &(*at)->next;
  }
  waiting->next = *at;
  *at = waiting;
}

void WriterQueue::Remove(Waiting* waiting) {
  for (Waiting** at = &first_; *at != nullptr; at = &(*at)->next) {
    if (*at != waiting) continue;
    *at = waiting->next;
    return;
  }
}

void WriterQueue::HandOn(Time now) {
  Waiting* const next = first_;
  const bool others_turn =
      word_ != nullptr && (!has_word_ || word_->IsTurnOver());
  if (next == nullptr || others_turn) {
    state_ = State::kFree;
    writer_ = nullptr;
    GiveBackWord();
    // It gets in line for the word.
    if (next != nullptr) next->changed.notify_one();
    return;
  }
  OfferToFirst(now);
}

void WriterQueue::OfferToFirst(Time now) {
  Waiting* const next = first_;
  first_ = next->next;
  next->offered = true;
  Offer(next->writer, now);
  // Under the mutex: once it is free, what waits may be gone.
  next->changed.notify_one();
  WakeFirstInTime();
}

void WriterQueue::Offer(Writer* writer, Time now) {
  state_ = State::kOffered;
  writer_ = writer;
  kept_until_ = now + microseconds(times_.offer_us);
}

void WriterQueue::WakeFirstInTime() {
  if (first_ != nullptr && first_->wakes_at > kept_until_) {
    // It is woken once: until it runs, it counts as one that looks in time.
    first_->wakes_at = kept_until_;
    first_->changed.notify_one();
  }
}

}  // namespace actorkv
