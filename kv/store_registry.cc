#include "kv/store_registry.h"

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <system_error>
#include <utility>

#include "kv/helper_threads.h"
#include "kv/read_ahead.h"
#include "kv/store_directory.h"
#include "kv/thrown.h"

namespace actorkv {

namespace {

// How long a store stays open without users.
constexpr std::chrono::milliseconds kLinger{1000};
constexpr std::chrono::milliseconds kServeInterval{250};

std::atomic<bool> any_store_opened{false};
std::atomic<bool> forked{false};

// In a child of fork() exit() must not go on to RocksDB's static objects: their
// destructors wait for threads that only the parent has (rocksdb::Timer of
// 7.8.3 does, for ever). So such a child ends here.
void AtExit(int status, void* /*unused*/) {
  if (StoreRegistry::InForkedChild()) {
    std::fflush(nullptr);
    _exit(status);
  }
  StoreRegistry::Instance()->Shutdown();
  // Its threads may wait for ever, and with them the static objects of RocksDB.
  if (RocksDbMayNotEnd()) {
    std::fflush(nullptr);
    _exit(status);
  }
}

// Registered after a store is open: handlers run in reverse order, so that this
// one finds the static objects of RocksDB alive. A follower makes fewer of them
// than a writer, so each of the two has its turn.
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

void AfterForkInChild() {
  if (any_store_opened.load()) forked.store(true);
}

}  // namespace

StoreRegistry* StoreRegistry::Instance() {
  static auto* const registry = new StoreRegistry;
  return registry;
}

bool StoreRegistry::InForkedChild() {
  return forked.load(std::memory_order_relaxed);
}

StoreRegistry::StoreRegistry() {
  pthread_atfork(nullptr, nullptr, AfterForkInChild);
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
  const std::shared_ptr<Entry>& entry = found->second;
  if (!thread_.joinable() && !stopping_) {
    thread_ = std::thread([this] { Run(); });
  }
  return entry;
}

std::shared_ptr<Store> StoreRegistry::WriterOf(const StoreIdentity& identity) {
  std::shared_ptr<Entry> entry;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    auto it = entries_.find({identity.device, identity.directory, false});
    if (it == entries_.end()) return nullptr;
    entry = it->second;
  }
  std::lock_guard<std::mutex> lock(entry->mutex);
  return entry->identity == identity ? entry->store : nullptr;
}

Status StoreRegistry::Acquire(const std::string& directory, OpenMode mode,
                              std::shared_ptr<Store>* store) {
  if (InForkedChild()) {
    return Status::NotSupported(
        "a store was open when this process was forked; open stores only in "
        "the parent, or exec first: " +
        directory);
  }
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
    *store = WriterOf(identity);
    if (*store != nullptr) return Status::Ok();
  }
  std::shared_ptr<Entry> entry =
      FindEntry({identity.device, identity.directory, follow});
  std::lock_guard<std::mutex> lock(entry->mutex);
  // Who waited here while another thread made the store looked before its
  // marker was there.
  if (entry->store != nullptr && !(entry->identity == identity)) {
    if (Status s = ReadIdentity(directory, &identity); !s.ok()) return s;
  }
  if (entry->store != nullptr && !(entry->identity == identity)) {
    if (entry->store.use_count() > 1) {
      return Status::IOError(
          "the store's directory was replaced while it is open: " + directory);
    }
    entry->store.reset();
  }
  if (entry->store == nullptr) {
    if (Status s = OpenInto(directory, mode, entry.get()); !s.ok()) return s;
  }
  entry->idle_since = Clock::time_point::max();
  *store = entry->store;
  return Status::Ok();
}

Status StoreRegistry::OpenInto(const std::string& given, OpenMode mode,
                               Entry* entry) {
  any_store_opened.store(true);
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

void StoreRegistry::Wake() {
  if (InForkedChild()) return;  // its thread, and perhaps its mutex, are lost
  std::lock_guard<std::mutex> lock(mutex_);
  woken_ = true;
  wake_.notify_one();
}

std::map<StoreRegistry::Key, std::shared_ptr<StoreRegistry::Entry>>
StoreRegistry::Entries() {
  std::lock_guard<std::mutex> lock(mutex_);
  return entries_;
}

void StoreRegistry::Run() {
  for (;;) {
    {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait_for(lock, kServeInterval, [this] { return woken_; });
      woken_ = false;
      if (stopping_) return;
    }
    // The next turn does what this one had no memory for.
    static_cast<void>(IfMemory([this] { ServeOnce(kLinger); }));
  }
}

void StoreRegistry::ServeOnce(std::chrono::milliseconds linger) {
  for (const auto& [key, entry] : Entries()) {
    std::shared_ptr<Store> store;
    {
      std::lock_guard<std::mutex> lock(entry->mutex);
      if (entry->store == nullptr) continue;
      const bool idle = entry->store.use_count() == 1;
      const Clock::time_point now = Clock::now();
      if (!idle) {
        entry->idle_since = Clock::time_point::max();
        store = entry->store;
      } else if (entry->idle_since == Clock::time_point::max()) {
        entry->idle_since = now;
      }
      if (idle && now - entry->idle_since >= linger) {
        entry->store->Close();
        entry->store.reset();
      }
    }
    // Errors of maintenance come back: what it was about is tried again.
    bool more = store != nullptr && !store->read_only();
    while (more && store->Maintain(&more).ok()) {
    }
  }
  DropClosedEntries();
}

void StoreRegistry::DropClosedEntries() {
  std::lock_guard<std::mutex> lock(mutex_);
  for (auto it = entries_.begin(); it != entries_.end();) {
    // With no other holder, no one can be opening a store in it.
    const bool closed =
        it->second.use_count() == 1 && it->second->store == nullptr;
    it = closed ? entries_.erase(it) : std::next(it);
  }
}

void StoreRegistry::CloseIdle() {
  // A store whose pages are being read ahead is in use.
  if (!InForkedChild()) ReadAhead::Instance()->Wait();
  ServeOnce(std::chrono::milliseconds::zero());
}

void StoreRegistry::Shutdown() {
  if (InForkedChild()) return;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
    woken_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
  ReadAhead::Instance()->Stop();
  HelperThreads::Instance()->Stop();
  CloseIdle();
  for (const auto& [key, entry] : Entries()) {
    std::lock_guard<std::mutex> lock(entry->mutex);
    if (entry->store != nullptr) entry->store->Close();
  }
}

}  // namespace actorkv
