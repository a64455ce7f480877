#include "vfs/sqlite/last_error.h"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "kv/base/thrown.h"
#include "kv/base/time_text.h"
#include "kv/base/wall_clock.h"
#include "kv/base/whole_mutex.h"
#include "kv/history/point.h"

namespace actorkv {

namespace {

constexpr std::string_view kNoMemory = "out of memory";

// Note: what is known of an error without any memory. Errors are numbered from
// 1 on; 0: no error.
struct Note {
  uint64_t number = 0;
  int code = 0;
  uint64_t at_us = 0;
  bool has_connection = false;  // its connection is known
};

struct Record {
  Note note;
  std::string text;
  bool ended = false;
};

using RecordRef = std::shared_ptr<Record>;

// Slot: keeps an error: the note, and the record where there was memory for it.
// A record that is older than the note does not count.
struct Slot {
  Note note;
  RecordRef record;
};

// NewestRecords: the records of the newest errors, by their owners.
template <typename Key>
class NewestRecords {
 public:
  explicit NewestRecords(size_t limit) : limit_(limit) {}

  void Put(const Key& key, const RecordRef& record) {
    // This entry may throw and comes first: a key without one would never be
    // dropped.
    order_[record->note.number] = key;
    RecordRef& place = by_key_[key];
    if (place != nullptr) order_.erase(place->note.number);
    place = record;
    // The oldest goes: there is no end to names and threads, and what was told
    // long ago helps nobody.
    if (by_key_.size() <= limit_ || order_.empty()) return;
    const auto oldest = order_.begin();
    // The record there may be another one, where there was no memory to put
    // this one in its place.
    auto it = by_key_.find(oldest->second);
    if (it != by_key_.end() && it->second->note.number == oldest->first) {
      by_key_.erase(it);
    }
    order_.erase(oldest);
  }

  template <typename Like>
  RecordRef Find(const Like& key) const {
    auto it = by_key_.find(key);
    return it == by_key_.end() ? nullptr : it->second;
  }

 private:
  const size_t limit_;
  std::map<Key, RecordRef, std::less<>> by_key_;
  std::map<uint64_t, Key> order_;  // by the number of the error
};

struct Kept {
  WholeMutex mutex;
  uint64_t count = 0;
  std::unordered_map<sqlite3*, Slot> connections;
  NewestRecords<uint64_t> threads{kMaxErrorThreads};
  NewestRecords<std::string> names{kMaxErrorNames};
};

Kept* GetKept() {
  // Threads may report errors while static objects are destroyed, so this one
  // is not.
  static auto* const kept = new Kept;
  return kept;
}

// The number of connections that have an error. Every commit asks for it, so it
// costs no lock.
std::atomic<int> connections_with_error{0};

// ThreadPlace: what the calling thread knows. They are plain numbers, which
// need no memory, and nothing has to run when the thread ends. Errors of inner
// work have a place of their own.
struct ThreadPlace {
  uint64_t key = 0;  // in Kept::threads; 0: it never had an error
  Note note;
};
struct ThreadState {
  ThreadPlace places[2];
  int inner_depth = 0;

  ThreadPlace* place() { return &places[inner_depth > 0 ? 1 : 0]; }
};
thread_local ThreadState thread_state;

void SetNote(Slot* slot, const Note& note) {
  if (slot->note.number == 0) ++connections_with_error;
  slot->note = note;
}

void ClearSlot(Slot* slot) {
  if (slot->note.number == 0) return;
  --connections_with_error;
  // Thread and connection share the record, so that the error ends for both.
  if (slot->record != nullptr) slot->record->ended = true;
  // The thread may have only the note, where there was no memory for the
  // record.
  Note* const of_thread = &thread_state.place()->note;
  if (of_thread->number == slot->note.number) *of_thread = Note();
  *slot = Slot();
}

// Tells an error by the record of `note`, or what can be said without it.
std::optional<KeptError> Tell(const Note& note, const RecordRef& record) {
  if (note.number == 0) return std::nullopt;
  KeptError error{note.code, note.at_us, {}};
  if (record != nullptr && record->note.number == note.number) {
    if (record->ended) return std::nullopt;
    error.text = record->text;
  } else if (note.code == SQLITE_NOMEM) {
    error.text = kNoMemory;
  } else {
    error.text = "the text of this error was not kept";
  }
  return error;
}

}  // namespace

std::string KeptError::ToString() const {
  return text + " (code " + std::to_string(code) + ", " + TimeText(at_us) + ")";
}

void KeepError(int code, std::string_view text, const ErrorOwner& owner) {
  Kept* const kept = GetKept();
  const std::lock_guard<WholeMutex> lock(kept->mutex);
  const Note note = {++kept->count, code, WallClockUs(), owner.db != nullptr};
  ThreadPlace* const place = thread_state.place();
  place->note = note;
  // Connections that nobody watches are not kept: their addresses may come
  // again for others.
  const auto watched = kept->connections.find(owner.db);
  Slot* const slot =
      watched == kept->connections.end() ? nullptr : &watched->second;
  if (slot != nullptr) SetNote(slot, note);
  // The notes are left where this fails: invariant 4.
  static_cast<void>(IfMemory([&] {
    const auto record = std::make_shared<Record>(
        Record{note, std::string(text.empty() ? kNoMemory : text), false});
    if (slot != nullptr) slot->record = record;
    if (place->key == 0) place->key = note.number;
    kept->threads.Put(place->key, record);
    if (!owner.name.empty()) kept->names.Put(std::string(owner.name), record);
  }));
}

void KeepErrorOfName(int code, std::string_view text, std::string_view name) {
  Kept* const kept = GetKept();
  const std::lock_guard<WholeMutex> lock(kept->mutex);
  const Note note = {++kept->count, code, WallClockUs(), false};
  static_cast<void>(IfMemory([&] {
    kept->names.Put(std::string(name), std::make_shared<Record>(Record{
                                           note, std::string(text), false}));
  }));
}

void WatchConnection(sqlite3* db) {
  Kept* const kept = GetKept();
  const std::lock_guard<WholeMutex> lock(kept->mutex);
  // A connection without a place has the errors of its thread.
  static_cast<void>(IfMemory([&] { kept->connections[db]; }));
}

void ForgetConnection(sqlite3* db) {
  Kept* const kept = GetKept();
  const std::lock_guard<WholeMutex> lock(kept->mutex);
  const auto it = kept->connections.find(db);
  if (it == kept->connections.end()) return;
  // The last error of the connection still is the thread's.
  if (it->second.note.number != 0) --connections_with_error;
  kept->connections.erase(it);
}

void EndErrorOfConnection(sqlite3* db) {
  if (db == nullptr ||
      connections_with_error.load(std::memory_order_relaxed) == 0) {
    return;
  }
  Kept* const kept = GetKept();
  const std::lock_guard<WholeMutex> lock(kept->mutex);
  const auto it = kept->connections.find(db);
  if (it != kept->connections.end()) ClearSlot(&it->second);
}

void EndErrorOfThread() {
  if (InnerWork::UnderWay()) return;
  thread_state.place()->note = Note();
}

std::optional<KeptError> ErrorOfConnection(sqlite3* db) {
  Kept* const kept = GetKept();
  const std::lock_guard<WholeMutex> lock(kept->mutex);
  const auto it = kept->connections.find(db);
  if (it == kept->connections.end()) return std::nullopt;
  return Tell(it->second.note, it->second.record);
}

std::optional<KeptError> ErrorFor(sqlite3* db) {
  const ThreadPlace* const place = thread_state.place();
  Kept* const kept = GetKept();
  const std::lock_guard<WholeMutex> lock(kept->mutex);
  const auto it = kept->connections.find(db);
  const Slot slot = it == kept->connections.end() ? Slot() : it->second;
  // An open that failed knows no connection: see the header.
  const bool newer_open =
      !place->note.has_connection && place->note.number > slot.note.number;
  std::optional<KeptError> error;
  if (!newer_open) error = Tell(slot.note, slot.record);
  if (error.has_value()) return error;
  return Tell(place->note, kept->threads.Find(place->key));
}

std::optional<KeptError> ErrorOfThread() {
  const ThreadPlace* const place = thread_state.place();
  Kept* const kept = GetKept();
  const std::lock_guard<WholeMutex> lock(kept->mutex);
  return Tell(place->note, kept->threads.Find(place->key));
}

std::optional<KeptError> ErrorOfName(std::string_view name) {
  Kept* const kept = GetKept();
  const std::lock_guard<WholeMutex> lock(kept->mutex);
  const RecordRef record = kept->names.Find(name);
  if (record == nullptr) return std::nullopt;
  return KeptError{record->note.code, record->note.at_us, record->text};
}

InnerWork::InnerWork() {
  if (thread_state.inner_depth++ == 0) thread_state.place()->note = Note();
}

InnerWork::~InnerWork() { --thread_state.inner_depth; }

bool InnerWork::UnderWay() { return thread_state.inner_depth > 0; }

}  // namespace actorkv
