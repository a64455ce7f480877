// SlotTable: the slots of the board that are given to actors, in the owner of
// the store: one for each actor that any session has open.
//
// Invariants:
//  1. An actor has one slot at a time, and a slot one actor, from the first
//     Open() to the last Close().
//  2. While it has a slot the actor is open here as well, so that nobody
//     renames or deletes it, and its word rises with its head (Actor::Share()).
//
// Thread-safe. Its mutex is taken before those of actors and word queues.

#ifndef ACTORKV_KV_SHARE_SLOT_TABLE_H_
#define ACTORKV_KV_SHARE_SLOT_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "kv/base/status.h"
#include "kv/share/actor_slot.h"
#include "kv/share/board.h"
#include "kv/share/word_queue.h"
#include "kv/store/actor.h"
#include "kv/store/store.h"

namespace actorkv {

// OpenSlot: a slot, and whose it is.
struct OpenSlot {
  OpenSlot(std::shared_ptr<Store> of_store, std::shared_ptr<Actor> opened)
      : store(std::move(of_store)), actor(std::move(opened)) {}
  ~OpenSlot();
  OpenSlot(const OpenSlot&) = delete;
  OpenSlot& operator=(const OpenSlot&) = delete;

  const std::shared_ptr<Store> store;
  std::shared_ptr<Actor> actor;
  uint32_t number = 0;
  ActorSlot* slot = nullptr;
  std::shared_ptr<WordQueue> queue;
  size_t sessions = 0;  // that have it open; the table's
};

class SlotTable {
 public:
  // `first_seq`: see ActorSlot::Give(). `keeps_words`: the words of slots are
  // kept until EndKeeping() (kKeptToken).
  SlotTable(std::shared_ptr<Store> store, std::shared_ptr<Board> board,
            uint64_t first_seq, bool keeps_words)
      : store_(std::move(store)),
        board_(std::move(board)),
        first_seq_(first_seq),
        keeps_words_(keeps_words) {}
  SlotTable(const SlotTable&) = delete;
  SlotTable& operator=(const SlotTable&) = delete;

  // Opens the actor for one more session. Errors: those of Store::OpenActor()
  // and Actor::Current(); kBusy where there is no slot left.
  Status Open(const std::string& name, std::shared_ptr<OpenSlot>* slot);
  // For one session less. What it has of the word is given up before.
  void Close(const std::shared_ptr<OpenSlot>& slot);
  // Nobody is about to come any more for whom words are kept.
  void EndKeeping();
  // The owner ends. Nobody gets a word here any more, and whoever has one keeps
  // it, for the next owner to know (kv/share/grace_period.h).
  void Stop();

 private:
  Status GiveLocked(const HeadState& state, OpenSlot* slot);

  const std::shared_ptr<Store> store_;
  const std::shared_ptr<Board> board_;
  const uint64_t first_seq_;

  std::mutex mutex_;
  bool keeps_words_;
  bool is_stopped_ = false;
  std::unordered_map<std::string, std::shared_ptr<OpenSlot>> open_;  // by name
  std::vector<uint32_t> free_;  // that were used before
  uint32_t next_ = 0;           // the first that was not
};

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_SLOT_TABLE_H_
