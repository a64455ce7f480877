// ClientSession: what ShareClient is made of: who the owner of the moment is,
// and how the next one is found.
//
// Invariants:
//  1. The owner is watched (kv/share/owner_watch.h): its end is seen also where
//     nothing is asked, so that the next one hears of what is read here.
//  2. One thread at a time looks for the next owner; who else asks something
//     meanwhile waits for it, and hears of its error.
//  3. The next owner hears of the awake pins after the words of the one before
//     were raised and owner_count() was: so a pin that was taken since, and is
//     not known there, is one that its maker takes once more
//     (kv/store/store_side.h).
//  4. Pins have the words of the next owner's slate before anyone is told that
//     it is the owner; and a pin that gets its word later gets it from there.
//
// Thread-safe. No lock is held while an owner is asked.

#ifndef ACTORKV_KV_SHARE_CLIENT_SESSION_H_
#define ACTORKV_KV_SHARE_CLIENT_SESSION_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "kv/base/status.h"
#include "kv/share/actor_place.h"
#include "kv/share/client_time.h"
#include "kv/share/owner_session.h"
#include "kv/share/owner_watch.h"
#include "kv/share/share_client.h"

namespace actorkv {

// How long an owner that does not answer is waited for, unless something else
// is said.
constexpr std::chrono::milliseconds kOwnerWait{5000};
// How often it is looked for the next owner.
constexpr std::chrono::milliseconds kElectionPause{2};
// What is asked is asked of so many owners, one after the other, at most.
constexpr int kMaxOwnersAsked = 16;
// A client has so many owners in its time: the memory of each is kept.
constexpr size_t kMaxOwners = 4096;
// How often the owner's process is looked at while it works on something that
// may take long, one owner wait after the other.
constexpr int kCommitRounds = 12;
constexpr int kLongRounds = 720;

class ClientSession final : public ShareClient,
                            public std::enable_shared_from_this<ClientSession> {
 public:
  explicit ClientSession(Parts parts) : parts_(std::move(parts)) {}
  ~ClientSession() override;

  // Begins with the owner that there is. Errors: those of Connect().
  Status Begin();

  // ShareClient:
  void SetOwnerWait(std::chrono::milliseconds wait) override;
  std::unique_ptr<Engine> NewEngine() override;
  std::unique_ptr<StoreSide> NewSide() override;
  void SetStore(Store* store) override;
  Status RunInOwner(const CallSpec& call, const RowVisitor& visit,
                    const std::function<Status()>& keep_on) override;
  OwnerInfo owner() override;
  uint64_t failover_count() const override;

  const Parts& parts() const { return parts_; }

  // Calls `ask` with the owner of the moment and a channel to it; again with
  // the next one, where the channel was lost meanwhile: so what it asks must
  // change nothing, or be guarded. Errors: those of `ask`, of FindOwner(), and
  // of OwnerSession::Lend().
  template <typename Ask>
  Status AskOwner(const Ask& ask) {
    bool again = true;
    Status s;
    for (int asked = 0; again && asked < kMaxOwnersAsked; ++asked) {
      s = AskOneOwner(OwnerSession::Use::kShort, owner_wait(), ask, &again);
    }
    return s;
  }
  // The same with one owner. *again: it was lost, and the next one may be
  // asked. `wait`: for a channel.
  template <typename Ask>
  Status AskOneOwner(OwnerSession::Use use, std::chrono::milliseconds wait,
                     const Ask& ask, bool* again) {
    *again = false;
    OwnerSession* owner = nullptr;
    if (Status s = FindOwner(&owner); !s.ok()) return s;
    LentChannel channel(owner, use);
    if (Status s = channel.Take(wait); !s.ok()) {
      *again = owner->is_lost();
      return s;
    }
    Status s = ask(owner, channel.get());
    channel.SetWhole();
    *again = NoteFate(owner, channel.get()->fate());
    return s;
  }

  std::chrono::milliseconds owner_wait() const {
    return std::chrono::milliseconds(owner_wait_ms_.load());
  }
  // For the answer to what takes no time; to a commit; to what may take long.
  Patience patience() const { return {owner_wait()}; }
  Patience commit_patience() const { return {owner_wait(), kCommitRounds}; }
  Patience long_patience() const { return {owner_wait(), kLongRounds}; }

  // The owner of the moment; where it is lost, the next one. Errors:
  // kNotSupported in a child of fork(); kBusy where nobody serves the store in
  // time, or whoever does has no room; kFenced where the directory is another
  // store's by now; those of Parts::elect.
  Status FindOwner(OwnerSession** owner);

  // The owner that was found last, also where it is lost by now.
  OwnerSession* last_owner() const {
    return present_.load(std::memory_order_acquire);
  }
  // The slate in which new pins have their words.
  Slate* slate() const { return slate_.load(std::memory_order_acquire); }
  // Rises before the next owner is told which pins are awake.
  uint64_t owner_count() const {
    return owner_count_.load(std::memory_order_seq_cst);
  }
  // StoreSide::lost_pin_count().
  uint64_t lost_pin_count() const {
    const Slate* const of_owner = slate();
    return lost_pins_.load(std::memory_order_seq_cst) +
           (of_owner->is_of_parent() ? 0 : of_owner->taken_count());
  }
  void NoteLostPins(uint64_t count) noexcept { lost_pins_ += count; }

  // The time of the store, as it is given here.
  ClientTime* time() { return &time_; }

  // In a child of fork() nothing may be asked, nor shared memory be touched.
  bool is_of_parent() const { return last_owner()->is_of_parent(); }

  // Store::cache_id() of the store; 0: there is none yet, or any more.
  uint64_t cache_id() const {
    return cache_id_.load(std::memory_order_acquire);
  }

  // Actors that are to be opened at each owner.
  void AddPlace(std::shared_ptr<ActorPlace> place);
  void RemovePlace(const ActorPlace* place) noexcept;

 private:
  using Time = std::chrono::steady_clock::time_point;

  Status FindNext(OwnerSession* lost, OwnerSession** owner);
  // Looks for the next owner, until there is one or the time is over.
  Status Search();
  // One try: says HELLO to whoever serves, and makes it the owner of the
  // moment.
  Status Join();
  Status SayHello(std::shared_ptr<OwnerSession>* session, size_t* named_pins);
  // `named_pins`: so many it was told of.
  void Adopt(const std::shared_ptr<OwnerSession>& session, size_t named_pins);
  Status OpenPlaces(OwnerSession* owner);
  // Has nobody here take what he knows for the newest.
  void RaiseHeads();
  std::vector<std::shared_ptr<ActorPlace>> Places();
  std::vector<PinFields> HeldPins();
  // Those of the places whose words this process has.
  static std::vector<std::string_view> HeldWords(
      const std::vector<std::shared_ptr<ActorPlace>>& places);
  // Returns whether the next owner may be asked.
  static bool NoteFate(OwnerSession* owner, ChannelFate fate);
  Status NobodyServes(const Status& joined, const Status& elected) const;

  const Parts parts_;
  ClientTime time_{this};
  std::atomic<int64_t> owner_wait_ms_{kOwnerWait.count()};
  std::atomic<OwnerSession*> present_{nullptr};
  std::atomic<Slate*> slate_{nullptr};
  std::atomic<uint64_t> owner_count_{0};
  // That no owner keeps, or one before this one took away.
  std::atomic<uint64_t> lost_pins_{0};
  std::atomic<uint64_t> failover_count_{0};
  std::atomic<bool> is_ending_{false};
  std::atomic<uint64_t> cache_id_{0};

  std::mutex search_mutex_;
  std::condition_variable searched_;
  bool is_searching_ = false;
  uint64_t search_count_ = 0;  // that are over
  Status search_error_;        // of the last one
  // By the thread that searches: all that there were, for the words on their
  // boards.
  std::vector<std::shared_ptr<OwnerSession>> owners_;

  std::mutex places_mutex_;
  std::vector<std::shared_ptr<ActorPlace>> places_;

  std::mutex store_mutex_;
  Store* store_ = nullptr;

  OwnerWatch watch_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_CLIENT_SESSION_H_
