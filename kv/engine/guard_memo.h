// GuardMemo: knows what some guarded keys hold, from the commits that wrote
// them, so that the next commit of an actor need not read its head to see that
// nobody else wrote it.
//
// Invariant: what it knows of a key is what the database holds, or the key is
// being written at this moment. So whoever writes a key forgets it after the
// write, and Learn() drops what was overtaken: it takes effect only when nobody
// forgot the key since Begin(), which comes before the write. Nothing that is
// done after a write can fail: what is learned was allocated before it.
//
// Bounded: a key has one place, which it shares with others. Thread-safe.

#ifndef ACTORKV_KV_ENGINE_GUARD_MEMO_H_
#define ACTORKV_KV_ENGINE_GUARD_MEMO_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace actorkv {

class GuardMemo {
 public:
  // Ticket: the moment at which somebody was about to write a key.
  struct Ticket {
    size_t place = 0;
    uint64_t version = 0;
  };

  Ticket Begin(std::string_view key);
  void Learn(const Ticket& ticket, std::string key, std::string value) noexcept;
  void Forget(std::string_view key) noexcept;
  // Forgets the key of the ticket.
  void Forget(const Ticket& ticket) noexcept;
  void Clear() noexcept;

  // Says whether the key is known to hold `value`.
  bool Holds(std::string_view key, std::string_view value);

 private:
  static constexpr size_t kPlaces = 1024;
  struct Place {
    std::mutex mutex;
    uint64_t version = 0;
    std::string key;  // empty: nothing is known
    std::string value;
  };

  static size_t PlaceOf(std::string_view key);
  static void Empty(Place* place) noexcept;

  std::array<Place, kPlaces> places_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_ENGINE_GUARD_MEMO_H_
