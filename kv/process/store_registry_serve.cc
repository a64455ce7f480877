// StoreRegistry: its thread, and how stores are closed.

#include <algorithm>
#include <iterator>
#include <thread>
#include <utility>

#include "kv/base/start_thread.h"
#include "kv/base/thrown.h"
#include "kv/base/timed_lock.h"
#include "kv/base/workers.h"
#include "kv/pages/read_ahead.h"
#include "kv/process/engines.h"
#include "kv/process/store_registry.h"
#include "kv/process/upkeep.h"
#include "kv/store/store.h"

namespace actorkv {
namespace {

// How long a store stays open without users, and how often it is looked after
// while it has some.
constexpr std::chrono::milliseconds kLinger{1000};
constexpr std::chrono::milliseconds kServeInterval{250};

// How often the holder looks, while a store is idle, whether somebody waits.
constexpr std::chrono::milliseconds kIdleInterval{20};

}  // namespace

void StoreRegistry::Wake() {
  std::lock_guard<std::mutex> lock(mutex_);
  woken_ = true;
  StartThread();
  if (!thread_runs_) sleeps_ = true;  // the next close tries again
  wake_.notify_one();
}

void StoreRegistry::NoteIdle() {
  if (sleeps_.exchange(false)) Wake();
}

void StoreRegistry::StartThread() {
  if (thread_runs_ || stopping_) return;
  const auto run = [](void* self) -> void* {
    static_cast<StoreRegistry*>(self)->Run();
    return nullptr;
  };
  thread_runs_ = actorkv::StartThread(run, this, &thread_);
}

std::map<StoreRegistry::Key, std::shared_ptr<StoreRegistry::Entry>>
StoreRegistry::Entries() {
  std::lock_guard<std::mutex> lock(mutex_);
  return entries_;
}

void StoreRegistry::Run() {
  for (;;) {
    // Before the look: who becomes idle after it wakes us.
    sleeps_ = true;
    Look look;
    // Where there is no memory for a look, another is due.
    look.open = !IfMemory([&] { ServeOnce(&look); }) || look.open;
    if (look.idle) sleeps_ = false;
    std::unique_lock<std::mutex> lock(mutex_);
    const auto woken = [this] { return woken_ || stopping_; };
    if (look.more) {
      // It goes on at once.
    } else if (look.idle) {
      wake_.wait_for(lock, kIdleInterval, woken);
    } else if (look.open) {
      wake_.wait_for(lock, kServeInterval, woken);
    } else {
      wake_.wait(lock, woken);
    }
    woken_ = false;
    if (!stopping_) continue;
    thread_runs_ = false;
    stopped_.notify_all();
    return;
  }
}

void StoreRegistry::ServeOnce(Look* look) {
  while (closers_ != 0) {  // they would not get the mutex between two rounds
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  std::lock_guard<std::mutex> one_at_a_time(serve_mutex_);
  for (const auto& [key, entry] : Entries()) ServeEntry(entry.get(), look);
  DropClosedEntries();
}

void StoreRegistry::ServeEntry(Entry* entry, Look* look) {
  std::shared_ptr<Store> store;
  std::shared_ptr<Upkeep> upkeep;
  {
    std::lock_guard<std::mutex> lock(entry->mutex);
    if (stopping_ || entry->store == nullptr) return;
    if (CloseIfIdle(entry, kLinger)) return;
    look->open = true;
    if (entry->IsIdle()) {
      look->idle = true;
      return;
    }
  }
  if (LeaveIfClaimed(entry)) return;
  {
    std::lock_guard<std::mutex> lock(entry->mutex);
    if (stopping_ || entry->store == nullptr) return;
    store = entry->store;
    upkeep = entry->upkeep;
  }
  // What the session made and did not commit is dead, once its process is.
  if (entry->session_ended.exchange(false) && !upkeep->Load().ok()) {
    entry->session_ended = true;
  }
  store->engine()->KeepLogShort();
  // Errors of maintenance come back: what it was about is tried again. A piece
  // for each store in turns, and the idle ones are looked at in between.
  bool more = false;
  if (!store->read_only() && upkeep->Maintain(&more).ok() && more) {
    look->more = true;
  }
}

bool StoreRegistry::CloseIfIdle(Entry* entry,
                                std::chrono::milliseconds linger) {
  if (!entry->IsIdle()) return false;
  const Clock::time_point now = Clock::now();
  if (entry->idle_since == Clock::time_point::max()) entry->idle_since = now;
  const bool is_waited_for = entry->store->engine()->IsWaitedFor();
  if (!is_waited_for && now - entry->idle_since < linger) return false;
  if (entry->IsAtWork()) return false;
  if (is_waited_for) entry->stand_back_until = now + kStandBack;
  CloseStore(entry);
  return true;
}

void StoreRegistry::DropClosedEntries() {
  std::lock_guard<std::mutex> lock(mutex_);
  for (auto it = entries_.begin(); it != entries_.end();) {
    // With no other holder, no one can be opening a store in it.
    const bool closed = it->second.use_count() == 1 &&
                        it->second->store == nullptr &&
                        it->second->stand_back_until <= Clock::now() &&
                        it->second->claimed_until <= Clock::now();
    it = closed ? entries_.erase(it) : std::next(it);
  }
}

std::unique_lock<std::mutex> StoreRegistry::LockServing() {
  ++closers_;
  std::unique_lock<std::mutex> lock(serve_mutex_);
  --closers_;
  return lock;
}

uint64_t StoreRegistry::CloseIdle() {
  // A store whose pages are being read ahead is in use.
  ReadAhead::Instance()->Wait();
  const auto one_at_a_time = LockServing();
  uint64_t closed = 0;
  for (const auto& [key, entry] : Entries()) {
    std::lock_guard<std::mutex> lock(entry->mutex);
    if (stopping_) break;
    if (CloseIfIdle(entry.get(), std::chrono::milliseconds::zero())) ++closed;
  }
  DropClosedEntries();
  return closed;
}

bool StoreRegistry::Shutdown() {
  const Clock::time_point give_up = Clock::now() + kExitTime;
  bool has_thread = false;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (stopping_) return true;
    stopping_ = true;
    has_thread = thread_runs_;
    wake_.notify_one();
  }
  // What takes long stops. Opens that are under way are waited for.
  for (const auto& [key, entry] : Entries()) {
    const auto lock = LockUntil(&entry->mutex, give_up);
    if (!lock.owns_lock()) return false;
    if (entry->store != nullptr) entry->store->engine()->BeginEnd();
  }
  if (has_thread) {
    std::unique_lock<std::mutex> lock(mutex_);
    if (!stopped_.wait_until(lock, give_up, [this] { return !thread_runs_; })) {
      return false;
    }
    lock.unlock();
    (void)pthread_join(thread_, nullptr);
  }
  // Who is still at work then gets errors, as any user of a store.
  const bool have_ended = Workers::Instance()->Stop(give_up);
  // What is shared may be by a session with this process.
  if (!EndAll(StoreAccess::kShares, give_up)) return false;
  EndServing();
  return EndAll(StoreAccess::kFollows, give_up) &&
         EndAll(StoreAccess::kOwns, give_up) && EndUse(give_up) && have_ended;
}

// Without the mutex of its entry, which a call of a session may wait for.
void StoreRegistry::EndServing() {
  for (const auto& [key, entry] : Entries()) {
    std::shared_ptr<ServedStore> served;
    WriteOutLog(entry.get());
    {
      std::lock_guard<std::mutex> lock(entry->mutex);
      served.swap(entry->served);
    }
    if (served == nullptr) continue;
    static_cast<void>(served->server()->Stop(Clock::now() + kLastRequests));
  }
}

// Stores are not destroyed: who uses one may still be about to ask it.
bool StoreRegistry::EndAll(StoreAccess access, Clock::time_point give_up) {
  for (const auto& [key, entry] : Entries()) {
    if (std::get<StoreAccess>(key) != access) continue;
    const auto lock = LockUntil(&entry->mutex, give_up);
    if (!lock.owns_lock()) return false;
    if (entry->store == nullptr) continue;
    if (entry->joined != nullptr) {
      entry->joined->client()->SetOwnerWait(kLastRequests);
    }
    entry->upkeep->Close();
    if (!entry->store->engine()->End(give_up)) return false;
  }
  return true;
}

bool StoreRegistry::EndUse(Clock::time_point give_up) {
  const auto& homes = AllHomes();
  return std::all_of(homes.begin(), homes.end(),
                     [&](EngineHome* home) { return home->EndUse(give_up); });
}

}  // namespace actorkv
