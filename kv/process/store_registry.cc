#include "kv/process/store_registry.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "kv/base/events.h"
#include "kv/base/per_process.h"
#include "kv/base/process_end.h"
#include "kv/process/engines.h"
#include "kv/process/not_served.h"
#include "kv/process/upkeep.h"
#include "kv/store/store.h"

namespace actorkv {

namespace {

// A directory may be replaced while it is opened.
constexpr int kAcquireAttempts = 8;

PerProcess<StoreRegistry> of_process;

bool EnginesMayEnd() {
  const auto& homes = AllHomes();
  return std::none_of(homes.begin(), homes.end(),
                      [](const EngineHome* home) { return home->MayNotEnd(); });
}

// Where an engine's static objects would wait for ever, exit() must not go on
// to them: so the process ends here, when its stores have ended. And so does
// one of which a thread stays in an engine, which must not meet what is
// destroyed.
void AtExit(int status, void* /*unused*/) {
  if (StoreRegistry::Instance()->Shutdown() && EnginesMayEnd()) return;
  std::fflush(nullptr);
  _exit(status);
}

// Handlers run in reverse order, so this one finds the static objects of an
// engine alive that were made before. EngineHome::Prepare() has made those of
// the version that we know. For those that another version may make in its
// first open for writing, or for reading, it is registered once more after it.
bool EndStoresAtExit() { return on_exit(AtExit, nullptr) == 0; }

void RunAtExitOnce(OpenMode mode) {
  static std::once_flag follower;
  static std::once_flag writer;
  std::call_once(mode == OpenMode::kFollow ? follower : writer,
                 [] { EndStoresAtExit(); });
}

// Whether `store` is what `directory` means, of which `now` was read. *known:
// that of the store when it was opened, or looked at last.
bool IsStill(const std::string& directory, const StoreIdentity& now,
             Store* store, StoreIdentity* known) {
  if (now == *known && directory == store->path()) return true;
  if (!now.IsSamePlace(*known)) return false;
  if (!store->engine()->CheckNotMoved().ok()) return false;
  *known = now;
  return true;
}

const char* HowOpened(StoreAccess access) {
  switch (access) {
    case StoreAccess::kOwns:
      return "to write";
    case StoreAccess::kShares:
      return "to share";
    case StoreAccess::kFollows:
      return "to read";
  }
  return "";
}

}  // namespace

// Tells the registry when the last user of a store has gone.
struct StoreRegistry::Lease {
  explicit Lease(std::shared_ptr<Store> leased) : store(std::move(leased)) {}
  ~Lease() {
    store.reset();  // before it looks
    Instance()->NoteIdle();
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  std::shared_ptr<Store> store;
};

StoreRegistry* StoreRegistry::Instance() {
  // Once for a process and its children, also for one that only shares stores:
  // made by the first open for writing, they would be destroyed under it where
  // another thread ends the process at that moment.
  static const bool prepared = [] {
    for (EngineHome* home : AllHomes()) home->Prepare();
    return EndStoresAtExit();
  }();
  static_cast<void>(prepared);
  return of_process.Get();
}

void StoreRegistry::SetEngineFactoryForTesting(EngineFactory factory) {
  std::lock_guard<std::mutex> lock(mutex_);
  factory_ = std::move(factory);
}

std::shared_ptr<Upkeep> StoreRegistry::UpkeepForTesting(const Store* store) {
  for (const auto& [key, entry] : Entries()) {
    std::lock_guard<std::mutex> lock(entry->mutex);
    if (entry->store.get() == store) return entry->upkeep;
  }
  return nullptr;
}

std::shared_ptr<StoreRegistry::Entry> StoreRegistry::FindEntry(const Key& key) {
  std::lock_guard<std::mutex> lock(mutex_);
  // Made first: the map must have no place without one.
  auto found = entries_.find(key);
  if (found == entries_.end()) {
    found = entries_.emplace(key, std::make_shared<Entry>()).first;
  }
  std::shared_ptr<Entry> entry = found->second;
  StartThread();
  return entry;
}

std::shared_ptr<Store> StoreRegistry::OpenHere(const std::string& directory,
                                               const StoreIdentity& identity,
                                               Entry* entry) {
  if (entry == nullptr) return nullptr;
  const auto lock = LockEntry(entry);
  if (!lock.owns_lock() || entry->store == nullptr || stopping_ ||
      !IsStill(directory, identity, entry->store.get(), &entry->identity)) {
    return nullptr;
  }
  return Lend(entry);
}

Status StoreRegistry::Acquire(const std::string& directory, OpenMode mode,
                              const OpenWait& wait,
                              std::shared_ptr<Store>* store) {
  Attempt attempt{
      directory, mode, wait,
      mode == OpenMode::kFollow ? StoreAccess::kFollows : StoreAccess::kOwns};
  if (Status s = FindHome(directory, &attempt.home); !s.ok()) return s;
  for (;;) {
    const bool is_last = mode == OpenMode::kFollow || wait.IsOver();
    Status s = AcquireNow(&attempt, store);
    if (s.code() != Code::kBusy || is_last) return s;
    if (attempt.mark == nullptr) attempt.mark = attempt.home->Wait(directory);
    do {
      if (Status paused = wait.Pause(); !paused.ok()) return paused;
    } while (IsOpenElsewhere(attempt) && !wait.IsOver() && !stopping_);
  }
}

bool StoreRegistry::IsOpenElsewhere(const Attempt& attempt) {
  // It may be served by now.
  if (MayShare()) return false;
  if (!attempt.mark->IsHeld()) return false;
  if (attempt.entry == nullptr) return true;
  // By another thread of this process: then it is for all of them.
  const std::unique_lock<std::mutex> lock(attempt.entry->mutex,
                                          std::try_to_lock);
  return !lock.owns_lock() || attempt.entry->store == nullptr;
}

Status StoreRegistry::AcquireNow(Attempt* attempt,
                                 std::shared_ptr<Store>* store) {
  for (int i = 0; i < kAcquireAttempts; ++i) {
    bool again = false;
    Status s = AcquireOnce(attempt, store, &again);
    if (!s.ok() || !again) return s;
  }
  return Status::Busy("the directory changes while it is opened: " +
                      attempt->directory);
}

Status StoreRegistry::AcquireOnce(Attempt* attempt,
                                  std::shared_ptr<Store>* store, bool* again) {
  const std::string& directory = attempt->directory;
  const OpenMode mode = attempt->mode;
  StoreIdentity identity;
  Status found = attempt->home->Identify(directory, &identity);
  if (found.code() == Code::kNotFound && mode == OpenMode::kCreate) {
    if (Status s = attempt->home->Make(directory); !s.ok()) return s;
    found = attempt->home->Identify(directory, &identity);
  }
  if (found.code() == Code::kNotFound && mode != OpenMode::kCreate) {
    return NoSuchStore(directory);
  }
  if (!found.ok()) return found;
  const bool follow = mode == OpenMode::kFollow;
  // A connection that began to use the store as another process's goes on so,
  // with all its actors: those of two Store objects have no transaction in
  // common. So where this process became the owner meanwhile, that counts for
  // connections that come when nobody uses the other object any more.
  const Known known = KnownEntries(identity);
  if (IsUsedAsShared(known.shared.get())) {
    *store = OpenHere(directory, identity, known.shared.get());
    if (*store != nullptr) return Status::Ok();
  }
  if (follow) {
    *store = OpenHere(directory, identity, known.owned.get());
    if (*store != nullptr) return Status::Ok();
  }
  if (follow || !IsOpen(known.owned.get())) {
    *store = OpenHere(directory, identity, known.shared.get());
    if (*store != nullptr) return Status::Ok();
  }
  attempt->entry = follow ? nullptr : known.owned;
  if (!known.may_share) return AcquireAs(identity, attempt, store, again);
  if (follow) {
    // Where it cannot be shared, for whatever reason, it can be followed.
    Status shared = AcquireShared(identity, *attempt, store, again);
    if (shared.ok()) return shared;
    if (!NobodyListens(shared)) {
      attempt->not_shared = std::string(shared.message());
    }
    *again = false;
    return AcquireAs(identity, attempt, store, again);
  }
  Status owned = AcquireAs(identity, attempt, store, again);
  if (owned.code() != Code::kBusy) return NamingUsers(directory, owned);
  const Status shared = AcquireShared(identity, *attempt, store, again);
  return shared.ok() ? shared : NotServed(directory, owned, shared);
}

Status StoreRegistry::AcquireAs(const StoreIdentity& identity, Attempt* attempt,
                                std::shared_ptr<Store>* store, bool* again) {
  const std::string& directory = attempt->directory;
  if (attempt->entry == nullptr) {
    attempt->entry = FindEntry(KeyOf(identity, attempt->access));
  }
  const std::shared_ptr<Entry> entry = attempt->entry;
  auto lock = LockEntry(entry.get());
  if (!lock.owns_lock()) return Status::Busy("store is closing: " + directory);
  if (stopping_) return ProcessIsEnding(directory);
  if (Status s = GiveUpStale(*attempt, identity, entry.get()); !s.ok()) {
    return s;
  }
  *again = entry->is_replaced;
  if (*again) return Status::Ok();
  if (Status s = GiveWay(entry.get(), attempt); !s.ok()) return s;
  if (attempt->claim != nullptr) entry->claim = attempt->claim;
  if (entry->store == nullptr) {
    if (Status s = OpenInto(*attempt, entry); !s.ok()) return s;
  }
  // What was opened under this key may be what took its place.
  *again = !entry->identity.IsSamePlace(identity);
  if (*again) {
    CloseStore(entry.get());
    return Status::Ok();
  }
  *store = Lend(entry.get());
  const std::shared_ptr<ServedStore> served = entry->served;
  lock.unlock();
  // Who was writing at the owner before goes first. Without the mutex, as one
  // of them may be this process, which needs it to become the owner.
  if (served != nullptr) served->server()->AwaitGrace();
  return Status::Ok();
}

Status StoreRegistry::GiveUpStale(const Attempt& attempt, StoreIdentity now,
                                  Entry* entry) {
  const std::string& directory = attempt.directory;
  if (entry->store == nullptr || entry->is_replaced ||
      IsStill(directory, now, entry->store.get(), &entry->identity)) {
    return Status::Ok();
  }
  // Who waited here while another thread made the store looked before its
  // marker was there.
  if (Status s = attempt.home->Identify(directory, &now); !s.ok()) return s;
  if (IsStill(directory, now, entry->store.get(), &entry->identity)) {
    return Status::Ok();
  }
  if (entry->IsIdle() && !entry->IsAtWork()) {
    CloseStore(entry);
    return Status::Ok();
  }
  if (attempt.access == StoreAccess::kOwns &&
      now.IsSameStore(entry->identity)) {
    return Status::Fenced("this process has the store open as " +
                          entry->store->path() +
                          ", which was moved or replaced: close all "
                          "connections to it, then open it as " +
                          directory);
  }
  Replace(attempt, entry);
  return Status::Ok();
}

void StoreRegistry::Replace(const Attempt& attempt, Entry* entry) {
  entry->is_replaced = true;
  std::lock_guard<std::mutex> lock(mutex_);
  // Under this key it stays as long as somebody has it, as its caller does.
  auto node = entries_.extract(KeyOf(entry->identity, attempt.access));
  std::get<3>(node.key()) = ++replaced_count_;
  entries_.insert(std::move(node));
}

Status StoreRegistry::GiveWay(Entry* entry, Attempt* attempt) {
  if (attempt->access != StoreAccess::kOwns || attempt->wait.IsOver()) {
    return Status::Ok();
  }
  const Clock::time_point now = Clock::now();
  if (entry->IsIdle() && !entry->IsAtWork() && now >= entry->next_look) {
    entry->next_look = now + kLookInterval;
    if (entry->store->engine()->IsWaitedFor()) {
      CloseStore(entry);
      entry->stand_back_until = Clock::now() + kStandBack;
    }
  }
  if (entry->store != nullptr || now >= entry->stand_back_until) {
    return Status::Ok();
  }
  if (attempt->mark == nullptr) {
    attempt->mark = attempt->home->Wait(attempt->directory);
  }
  if (attempt->mark->OthersWait() && !attempt->mark->IsHeld()) {
    return Status::Busy("another process is about to open the store: " +
                        attempt->directory);
  }
  entry->stand_back_until = Clock::time_point::min();
  return Status::Ok();
}

std::shared_ptr<Store> StoreRegistry::Lend(Entry* entry) {
  entry->idle_since = Clock::time_point::max();
  std::shared_ptr<Lease> lease = entry->lease.lock();
  if (lease == nullptr) {
    lease = std::make_shared<Lease>(entry->store);
    entry->lease = lease;
  }
  return {lease, entry->store.get()};
}

void StoreRegistry::CloseStore(Entry* entry) {
  const EventTimer timer;
  const std::string path = entry->store->path();
  if (entry->served != nullptr) {
    static_cast<void>(
        entry->served->server()->Stop(Clock::now() + kLastRequests));
    entry->served.reset();
  }
  entry->upkeep->Close();
  entry->upkeep.reset();
  entry->store.reset();
  entry->joined.reset();
  entry->not_shared.clear();
  NoteEvent({EventKind::kClose, path, "", "", timer.elapsed_us()});
}

Status StoreRegistry::OpenInto(const Attempt& attempt,
                               const std::shared_ptr<Entry>& entry) {
  if (Status s = RespectClaim(attempt, entry.get()); !s.ok()) return s;
  const EventTimer timer;
  // A link that is pointed elsewhere later does not take the store apart.
  std::string directory;
  if (Status s = attempt.home->Resolve(attempt.directory, &directory);
      !s.ok()) {
    return s;
  }
  std::shared_ptr<Store> opened;
  if (Status s = OpenStore(attempt, directory, entry.get(), &opened); !s.ok()) {
    return s;
  }
  auto upkeep = std::make_shared<Upkeep>(opened.get());
  if (Status s = upkeep->Load(); !s.ok()) return s;
  if (Status s = attempt.home->Identify(directory, &entry->identity); !s.ok()) {
    return s;
  }
  entry->store = std::move(opened);
  entry->upkeep = std::move(upkeep);
  entry->not_shared = attempt.not_shared;
  if (attempt.access == StoreAccess::kOwns) Serve(entry);
  NoteEvent({EventKind::kOpen, directory, "", HowOpened(attempt.access),
             timer.elapsed_us()});
  Wake();
  return Status::Ok();
}

Status StoreRegistry::OpenStore(const Attempt& attempt,
                                const std::string& directory, Entry* entry,
                                std::shared_ptr<Store>* opened) {
  if (attempt.access == StoreAccess::kShares) {
    return Join(attempt, directory, entry, opened);
  }
  std::unique_ptr<Engine> engine;
  if (Status s = OpenEngine(attempt, directory, &engine); !s.ok()) return s;
  return Store::Open(directory, std::move(engine),
                     attempt.access == StoreAccess::kFollows, opened);
}

Status StoreRegistry::OpenEngine(const Attempt& attempt,
                                 const std::string& directory,
                                 std::unique_ptr<Engine>* engine) {
  EngineFactory factory;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    factory = factory_;
  }
  if (factory != nullptr) return factory(directory, attempt.mode, engine);
  if (Status s = attempt.home->Open(directory, attempt.mode, engine); !s.ok()) {
    return s;
  }
  RunAtExitOnce(attempt.mode);
  return Status::Ok();
}

}  // namespace actorkv
