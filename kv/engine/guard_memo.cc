#include "kv/engine/guard_memo.h"

#include "kv/base/hash.h"

namespace actorkv {

size_t GuardMemo::PlaceOf(std::string_view key) {
  return Hash64(key, /*seed=*/0) % kPlaces;
}

GuardMemo::Ticket GuardMemo::Begin(std::string_view key) {
  const size_t index = PlaceOf(key);
  Place& place = places_[index];
  const std::lock_guard<std::mutex> lock(place.mutex);
  return {index, place.version};
}

// The former key and value go with the arguments, without the lock.
void GuardMemo::Learn(const Ticket& ticket, std::string key,
                      std::string value) noexcept {
  Place& place = places_[ticket.place];
  const std::lock_guard<std::mutex> lock(place.mutex);
  // Somebody wrote the key, or another one of this place, since Begin().
  if (place.version != ticket.version) return;
  place.key.swap(key);
  place.value.swap(value);
}

void GuardMemo::Forget(std::string_view key) noexcept {
  Forget(Ticket{PlaceOf(key), 0});
}

void GuardMemo::Forget(const Ticket& ticket) noexcept {
  Place& place = places_[ticket.place];
  const std::lock_guard<std::mutex> lock(place.mutex);
  Empty(&place);
}

void GuardMemo::Clear() noexcept {
  for (Place& place : places_) {
    const std::lock_guard<std::mutex> lock(place.mutex);
    Empty(&place);
  }
}

bool GuardMemo::Holds(std::string_view key, std::string_view value) {
  Place& place = places_[PlaceOf(key)];
  const std::lock_guard<std::mutex> lock(place.mutex);
  return place.key == key && place.value == value;
}

// REQUIRES: place->mutex held.
void GuardMemo::Empty(Place* place) noexcept {
  // What others are about to learn here is overtaken, too.
  ++place->version;
  place->key.clear();
  place->value.clear();
}

}  // namespace actorkv
