// OwnerSession: the session of this process with one owner of the store: its
// board, its slate, and the channels to it.
//
// It lives as long as the client (kv/share/client_session.h): whoever looks at
// a word of its board may do so after its end.
//
// Invariants:
//  1. A channel is lent to one thread at a time, and comes back only while it
//     is usable.
//  2. There are never more than the owner allows. Requests that may wait for
//     long have a part of them alone, so that others find one.
//  3. Once it is lost it stays so: no channel is lent any more.
//
// Thread-safe.

#ifndef ACTORKV_KV_SHARE_OWNER_SESSION_H_
#define ACTORKV_KV_SHARE_OWNER_SESSION_H_

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "kv/base/status.h"
#include "kv/engine/engine.h"
#include "kv/files/opened_directory.h"
#include "kv/share/board.h"
#include "kv/share/client_channel.h"
#include "kv/share/session_messages.h"
#include "kv/share/share_client.h"
#include "kv/share/slate.h"

namespace actorkv {

// The channels that requests may have which wait for something else than the
// owner: for the end of another writer, for a function to end.
constexpr size_t kMaxPatientChannels = kMaxChannels / 2;

class OwnerSession {
 public:
  // How long a request is going to have its channel.
  enum class Use { kShort, kPatient };

  // Connects and says HELLO, which is `hello` with what only this knows.
  // `patience`: for the answer. *answer: what counts on of what `hello` names.
  // Errors: those of ShareChannel::Connect(); those with which the owner
  // answers; kBusy where it does not; kCorruption for an answer that cannot be.
  static Status Begin(std::shared_ptr<OpenedDirectory> directory,
                      const HelloRequest& hello, const Patience& patience,
                      std::shared_ptr<OwnerSession>* session);
  OwnerSession(const OwnerSession&) = delete;
  OwnerSession& operator=(const OwnerSession&) = delete;

  // Lends a channel, and waits so long for one. Errors: kIOError where the
  // session is lost (is_lost()); kBusy.
  Status Lend(Use use, std::chrono::milliseconds wait,
              std::unique_ptr<ClientChannel>* channel);
  // The same, where one is there that nobody uses; null otherwise. No errors.
  std::unique_ptr<ClientChannel> LendIfIdle() noexcept;
  // Gives it back. What was noted meanwhile to be closed is closed by it. Null:
  // it is gone.
  void GiveBack(Use use, std::unique_ptr<ClientChannel> channel) noexcept;

  // Makes one more channel, which is not lent: whoever has it hears when the
  // owner ends. Errors: as Lend().
  Status AddWatch(std::chrono::milliseconds wait,
                  std::unique_ptr<ClientChannel>* channel);

  // The end of one OPEN that was answered with the slot: the owner hears of it,
  // now or with the next channel that is given back.
  void CloseSlot(uint32_t slot) noexcept;

  // The owner ended, or the session did. Wakes whoever waits for a channel.
  void SetLost() noexcept;
  bool is_lost() const { return is_lost_.load(std::memory_order_acquire); }

  // Raises the words of all actors on its board, once: nobody who has it knows
  // the newest heads any more.
  void RaiseHeads() noexcept {
    if (!is_raised_.exchange(true)) board_->RaiseHeads();
  }

  Board* board() const { return board_.get(); }
  Slate* slate() const { return slate_.get(); }
  // Of this session, 1 to kMaxSession.
  uint32_t number() const { return number_; }
  // What its engine knew to be lost.
  const std::vector<EngineDamage>& damages() const { return damages_; }
  // The pins that were named to it and that it keeps.
  size_t kept_pin_count() const { return kept_pin_count_; }
  // What the owner says of itself.
  const OwnerInfo& owner_info() const { return owner_; }
  // In a child of fork() nothing of it may be touched. Waits for nothing.
  bool is_of_parent() const { return slate_->is_of_parent(); }

 private:
  explicit OwnerSession(std::shared_ptr<OpenedDirectory> directory)
      : directory_(std::move(directory)) {}

  Status TakeWelcome(const HelloAnswer& answer, ReceivedFrame* frame);
  // Makes one more channel; the caller has counted it. *is_refused: the owner
  // allows no more of them.
  Status AddChannel(std::chrono::milliseconds wait, bool* is_refused,
                    std::unique_ptr<ClientChannel>* channel);
  Status SayHello(std::chrono::milliseconds wait, ClientChannel* channel);
  // REQUIRES: mutex_ is held.
  bool MayLend(Use use) const;
  void TellClosed(std::unique_lock<std::mutex>* lock, ClientChannel* channel);

  const std::shared_ptr<OpenedDirectory> directory_;
  std::unique_ptr<Board> board_;
  std::unique_ptr<Slate> slate_;
  uint32_t number_ = 0;
  uint64_t key_ = 0;
  OwnerInfo owner_;
  size_t kept_pin_count_ = 0;
  std::vector<EngineDamage> damages_;
  std::string marker_id_;  // for further channels
  uint64_t marker_inode_ = 0;
  std::string module_;

  std::atomic<bool> is_lost_{false};
  std::atomic<bool> is_raised_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<ClientChannel>> idle_;
  size_t channel_count_ = 0;  // that there are or are being made
  // One is the watch's.
  size_t allowed_count_ = kMaxChannels - 1;
  size_t patient_count_ = 0;  // that are lent for Use::kPatient
  std::vector<uint32_t> closed_slots_;
};

// LentChannel: a channel that goes back by itself.
class LentChannel {
 public:
  LentChannel(OwnerSession* owner, OwnerSession::Use use)
      : owner_(owner), use_(use) {}
  ~LentChannel() {
    if (channel_ == nullptr) return;
    // Where something was thrown, an answer may be on its way.
    if (!is_whole_) channel_.reset();
    owner_->GiveBack(use_, std::move(channel_));
  }
  LentChannel(const LentChannel&) = delete;
  LentChannel& operator=(const LentChannel&) = delete;

  Status Take(std::chrono::milliseconds wait) {
    return owner_->Lend(use_, wait, &channel_);
  }
  ClientChannel* get() const { return channel_.get(); }
  // What was asked is answered, or the channel knows that it is not.
  void SetWhole() { is_whole_ = true; }

 private:
  OwnerSession* const owner_;
  const OwnerSession::Use use_;
  std::unique_ptr<ClientChannel> channel_;
  bool is_whole_ = false;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_OWNER_SESSION_H_
