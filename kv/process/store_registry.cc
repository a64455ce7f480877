#include "kv/process/store_registry.h"

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "kv/base/events.h"
#include "kv/base/process_end.h"
#include "kv/base/system_error.h"
#include "kv/files/directory.h"
#include "kv/rocksdb/database_files.h"

namespace actorkv {

namespace {

enum class Forked { kNo, kWithOpenStore, kAfterStores };

// A directory may be replaced while it is opened.
constexpr int kAcquireAttempts = 8;

std::atomic<bool> any_store_opened{false};
std::atomic<int> open_store_count{0};
std::atomic<Forked> forked{Forked::kNo};

// In a child of fork() exit() must not go on to RocksDB's static objects: their
// destructors wait for threads that only the parent has (rocksdb::Timer of
// 7.8.3 does, for ever). So such a child ends here. And so does a process of
// which a thread stays in RocksDB, which must not meet what is destroyed, or
// which has given up a database, whose threads may wait for ever.
void AtExit(int status, void* /*unused*/) {
  if (!StoreRegistry::InForkedChild() &&
      StoreRegistry::Instance()->Shutdown() && !RocksDbMayNotEnd()) {
    return;
  }
  std::fflush(nullptr);
  _exit(status);
}

// Handlers run in reverse order, so this one finds the static objects of
// RocksDB alive that were made before. MakeRocksDbStatics() has made those of
// the version that we know. For those that another version may make in its
// first open for writing, or for reading, it is registered once more after it.
void RunAtExitOnce(OpenMode mode) {
  static std::once_flag follower;
  static std::once_flag writer;
  std::call_once(mode == OpenMode::kFollow ? follower : writer,
                 [] { on_exit(AtExit, nullptr); });
}

Status NoSuchStore(const std::string& directory) {
  return Status::NotFound(
      "no such store: " + directory +
      ": correct the path, or open an actor in it without mode=ro and mode=rw "
      "to make it");
}

// Whether `store` is what `directory` means, of which `now` was read. *known:
// that of the store when it was opened, or looked at last.
bool IsStill(const std::string& directory, const StoreIdentity& now,
             Store* store, StoreIdentity* known) {
  if (now == *known && directory == store->path()) return true;
  if (now.device != known->device || now.directory != known->directory) {
    return false;
  }
  if (!store->engine()->CheckNotMoved().ok()) return false;
  *known = now;
  return true;
}

void AfterForkInChild() {
  if (!any_store_opened.load() || forked.load() != Forked::kNo) return;
  forked.store(open_store_count.load() > 0 ? Forked::kWithOpenStore
                                           : Forked::kAfterStores);
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
  static auto* const registry = new StoreRegistry;
  return registry;
}

bool StoreRegistry::InForkedChild() {
  return forked.load(std::memory_order_relaxed) != Forked::kNo;
}

Status StoreRegistry::ForkedChildError() {
  const char* const when =
      forked.load(std::memory_order_relaxed) == Forked::kWithOpenStore
          ? "a store was open when this process was forked"
          : "a store had been opened, and closed, before this process was "
            "forked";
  return Status::NotSupported(
      std::string(when) +
      "; a process that has opened one cannot hand that on by fork(): use "
      "stores in the parent alone, fork before the first one is opened, or "
      "exec first");
}

StoreRegistry::StoreRegistry() {
  pthread_atfork(nullptr, nullptr, AfterForkInChild);
  MakeRocksDbStatics();
  on_exit(AtExit, nullptr);
}

void StoreRegistry::SetEngineFactoryForTesting(EngineFactory factory) {
  std::lock_guard<std::mutex> lock(mutex_);
  factory_ = std::move(factory);
}

std::shared_ptr<StoreRegistry::Entry> StoreRegistry::FindEntry(const Key& key) {
  std::lock_guard<std::mutex> lock(mutex_);
  // Made first: the map must have no place without one.
  auto found = entries_.find(key);
  if (found == entries_.end()) {
    found = entries_.emplace(key, std::make_shared<Entry>()).first;
  }
  const std::shared_ptr<Entry> entry = found->second;
  StartThread();
  return entry;
}

std::shared_ptr<Store> StoreRegistry::WriterOf(const std::string& directory,
                                               const StoreIdentity& identity) {
  std::shared_ptr<Entry> entry;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    auto it = entries_.find({identity.device, identity.directory, false, 0});
    if (it == entries_.end()) return nullptr;
    entry = it->second;
  }
  std::lock_guard<std::mutex> lock(entry->mutex);
  if (entry->store == nullptr || stopping_ ||
      !IsStill(directory, identity, entry->store.get(), &entry->identity)) {
    return nullptr;
  }
  return Lend(entry.get());
}

Status StoreRegistry::Acquire(const std::string& directory, OpenMode mode,
                              const OpenWait& wait,
                              std::shared_ptr<Store>* store) {
  Attempt attempt{directory, mode, wait, std::nullopt, nullptr};
  for (;;) {
    const bool is_last = mode == OpenMode::kFollow || wait.IsOver();
    Status s = AcquireNow(&attempt, store);
    if (s.code() != Code::kBusy || is_last) return s;
    if (!attempt.mark.has_value()) attempt.mark.emplace(directory);
    do {
      if (Status paused = wait.Pause(); !paused.ok()) return paused;
    } while (IsOpenElsewhere(attempt) && !wait.IsOver() && !stopping_);
  }
}

bool StoreRegistry::IsOpenElsewhere(const Attempt& attempt) {
  if (!attempt.mark->IsHeld()) return false;
  if (attempt.entry == nullptr) return true;
  // By another thread of this process: then it is for all of them.
  const std::unique_lock<std::mutex> lock(attempt.entry->mutex,
                                          std::try_to_lock);
  return !lock.owns_lock() || attempt.entry->store == nullptr;
}

Status StoreRegistry::AcquireNow(Attempt* attempt,
                                 std::shared_ptr<Store>* store) {
  if (InForkedChild()) {
    return ForkedChildError().WithContext(attempt->directory);
  }
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
  Status found = ReadIdentity(directory, &identity);
  if (found.code() == Code::kNotFound && mode == OpenMode::kCreate) {
    if (Status s = MakeDirectory(directory); !s.ok()) return s;
    found = ReadIdentity(directory, &identity);
  }
  if (found.code() == Code::kNotFound && mode != OpenMode::kCreate) {
    return NoSuchStore(directory);
  }
  if (!found.ok()) return found;
  const bool follow = mode == OpenMode::kFollow;
  if (follow) {
    *store = WriterOf(directory, identity);
    if (*store != nullptr) return Status::Ok();
  }
  any_store_opened.store(true);
  const std::shared_ptr<Entry> entry =
      FindEntry({identity.device, identity.directory, follow, 0});
  attempt->entry = entry;
  std::lock_guard<std::mutex> lock(entry->mutex);
  if (stopping_) return ProcessIsEnding(directory);
  if (Status s = GiveUpStale(directory, identity, entry.get()); !s.ok()) {
    return s;
  }
  *again = entry->is_replaced;
  if (*again) return Status::Ok();
  if (Status s = GiveWay(entry.get(), attempt); !s.ok()) return s;
  if (entry->store == nullptr) {
    if (Status s = OpenInto(directory, mode, entry.get()); !s.ok()) return s;
  }
  // What was opened under this key may be what took its place.
  *again = entry->identity.device != identity.device ||
           entry->identity.directory != identity.directory;
  if (*again) {
    CloseStore(entry.get());
    return Status::Ok();
  }
  *store = Lend(entry.get());
  return Status::Ok();
}

Status StoreRegistry::GiveUpStale(const std::string& directory,
                                  StoreIdentity now, Entry* entry) {
  if (entry->store == nullptr || entry->is_replaced ||
      IsStill(directory, now, entry->store.get(), &entry->identity)) {
    return Status::Ok();
  }
  // Who waited here while another thread made the store looked before its
  // marker was there.
  if (Status s = ReadIdentity(directory, &now); !s.ok()) return s;
  if (IsStill(directory, now, entry->store.get(), &entry->identity)) {
    return Status::Ok();
  }
  if (entry->IsIdle() && entry->store.use_count() == 1) {
    CloseStore(entry);
    return Status::Ok();
  }
  if (!entry->store->read_only() && now.IsSameFiles(entry->identity)) {
    return Status::Fenced("this process has the store open as " +
                          entry->store->path() +
                          ", which was moved or replaced: close all "
                          "connections to it, then open it as " +
                          directory);
  }
  Replace(entry);
  return Status::Ok();
}

void StoreRegistry::Replace(Entry* entry) {
  entry->is_replaced = true;
  std::lock_guard<std::mutex> lock(mutex_);
  // Under this key it stays as long as somebody has it, as its caller does.
  auto node =
      entries_.extract({entry->identity.device, entry->identity.directory,
                        entry->store->read_only(), 0});
  std::get<3>(node.key()) = ++replaced_count_;
  entries_.insert(std::move(node));
}

Status StoreRegistry::GiveWay(Entry* entry, Attempt* attempt) {
  if (attempt->mode == OpenMode::kFollow || attempt->wait.IsOver()) {
    return Status::Ok();
  }
  const Clock::time_point now = Clock::now();
  if (entry->IsIdle() && entry->store.use_count() == 1 &&
      now >= entry->next_look) {
    entry->next_look = now + kLookInterval;
    if (entry->store->engine()->IsWaitedFor()) {
      CloseStore(entry);
      entry->stand_back_until = Clock::now() + kStandBack;
    }
  }
  if (entry->store != nullptr || now >= entry->stand_back_until) {
    return Status::Ok();
  }
  if (!attempt->mark.has_value()) attempt->mark.emplace(attempt->directory);
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
  entry->store->Close();
  entry->store.reset();
  NoteEvent({EventKind::kClose, path, "", "", timer.elapsed_us()});
  --open_store_count;
}

Status StoreRegistry::OpenInto(const std::string& given, OpenMode mode,
                               Entry* entry) {
  const EventTimer timer;
  std::error_code error;
  const std::filesystem::path path = std::filesystem::canonical(given, error);
  if (error) return SystemError("resolve", given, error.value());
  const std::string directory = path.string();
  std::unique_ptr<Engine> engine;
  if (Status s = OpenEngine(directory, mode, &engine); !s.ok()) return s;
  std::shared_ptr<Store> opened;
  if (Status s = Store::Open(directory, std::move(engine),
                             mode == OpenMode::kFollow, &opened);
      !s.ok()) {
    return s;
  }
  if (Status s = ReadIdentity(directory, &entry->identity); !s.ok()) return s;
  entry->store = std::move(opened);
  NoteEvent({EventKind::kOpen, directory, "",
             mode == OpenMode::kFollow ? "to read" : "to write",
             timer.elapsed_us()});
  ++open_store_count;
  Wake();
  return Status::Ok();
}

Status StoreRegistry::OpenEngine(const std::string& directory, OpenMode mode,
                                 std::unique_ptr<Engine>* engine) {
  EngineFactory factory;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    factory = factory_;
  }
  if (factory != nullptr) return factory(directory, mode, engine);
  Status marked = CheckMarker(directory);
  if (marked.code() == Code::kNotFound) {
    DirectoryKind kind = DirectoryKind::kMissing;
    if (Status s = ClassifyDirectory(directory, &kind); !s.ok()) return s;
    if (kind == DirectoryKind::kDatabase) {
      return Status::InvalidArgument(
          "a RocksDB database that is not a store: " + directory);
    }
    if (mode != OpenMode::kCreate) return NoSuchStore(directory);
    marked = WriteMarker(directory);
  }
  if (!marked.ok()) return marked;
  if (Status s = OpenRocksDbEngine(directory, mode, engine); !s.ok()) return s;
  RunAtExitOnce(mode);
  return Status::Ok();
}

}  // namespace actorkv
