// OwnerWord: the writer's word of a slot for the process that owns the store,
// as the session 0 (kv/store/writer_word.h). It waits in the same line as all
// others, without a message.

#ifndef ACTORKV_KV_SHARE_OWNER_WORD_H_
#define ACTORKV_KV_SHARE_OWNER_WORD_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

#include "kv/base/metrics.h"
#include "kv/share/actor_slot.h"
#include "kv/share/board.h"
#include "kv/share/word_queue.h"
#include "kv/share/writer_turn.h"
#include "kv/store/writer_word.h"

namespace actorkv {

class OwnerWord : public WriterWord {
 public:
  // `slot` is on `board`.
  OwnerWord(std::shared_ptr<Board> board, ActorSlot* slot,
            std::shared_ptr<WordQueue> queue)
      : board_(std::move(board)), slot_(slot), queue_(std::move(queue)) {}

  bool MayTake() noexcept override { return turn_.MayTake(*slot_, kSelf); }
  bool TryTake() noexcept override { return turn_.TryTake(slot_, kSelf); }
  bool Wait(int64_t limit_us) noexcept override {
    const LatencyTimer timer(Metric::kWriterWait);
    if (!queue_->Wait(kSelf.session, std::chrono::microseconds(limit_us),
                      nullptr)) {
      return false;
    }
    turn_.Begin(slot_);
    return true;
  }
  bool Confirm() noexcept override { return slot_->Confirm(kSelf); }
  bool Release() noexcept override { return turn_.Release(slot_, kSelf); }
  void Yield() noexcept override { queue_->Yield(); }
  bool IsTurnOver() noexcept override { return turn_.IsOver(*slot_); }
  bool held() const noexcept override { return slot_->writer().number != 0; }
  bool IsOwn() noexcept override { return slot_->writer() == kSelf; }
  bool TakeAway() noexcept override { return queue_->TakeAway(); }
  WordHolder Holder() noexcept override {
    return turn_.HolderBeside(*slot_, kSelf);
  }

 private:
  static constexpr WriterToken kSelf = TokenOf(0);

  const std::shared_ptr<Board> board_;
  ActorSlot* const slot_;
  const std::shared_ptr<WordQueue> queue_;
  WriterTurn turn_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_OWNER_WORD_H_
