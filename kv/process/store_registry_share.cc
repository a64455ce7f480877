// StoreRegistry: stores that several processes share.

#include <unistd.h>

#include <memory>
#include <utility>

#include "kv/base/process_end.h"
#include "kv/base/timed_lock.h"
#include "kv/files/file_system.h"
#include "kv/process/engines.h"
#include "kv/process/store_registry.h"
#include "kv/share/process_state.h"
#include "kv/store/retention.h"
#include "kv/store/store.h"

namespace actorkv {
namespace {

// Whoever closes a store waits for the calls of its sessions, which wait for no
// mutex longer than that.
constexpr std::chrono::milliseconds kLockInCall{100};

thread_local bool is_in_call = false;

std::atomic<StoreRegistry::CallFunction> call_function{nullptr};

// True on this thread as long as it lives.
class InCall {
 public:
  InCall() { is_in_call = true; }
  ~InCall() { is_in_call = false; }
  InCall(const InCall&) = delete;
  InCall& operator=(const InCall&) = delete;
};

}  // namespace

std::unique_lock<std::mutex> StoreRegistry::LockEntry(Entry* entry) {
  if (!is_in_call) return std::unique_lock<std::mutex>(entry->mutex);
  return LockUntil(&entry->mutex, Clock::now() + kLockInCall);
}

StoreRegistry::Known StoreRegistry::KnownEntries(
    const StoreIdentity& identity) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto entry_of = [&](StoreAccess access) -> std::shared_ptr<Entry> {
    const auto it = entries_.find(KeyOf(identity, access));
    return it == entries_.end() ? nullptr : it->second;
  };
  return {entry_of(StoreAccess::kOwns), entry_of(StoreAccess::kShares),
          factory_ == nullptr};
}

bool StoreRegistry::IsOpen(Entry* entry) {
  if (entry == nullptr) return false;
  const auto lock = LockEntry(entry);
  return lock.owns_lock() && entry->store != nullptr;
}

bool StoreRegistry::IsUsedAsShared(Entry* shared) {
  // What the owner does for another process it does by its own object.
  if (is_in_call || shared == nullptr) return false;
  const auto lock = LockEntry(shared);
  return lock.owns_lock() && shared->store != nullptr && !shared->IsIdle();
}

bool StoreRegistry::MayShare() {
  std::lock_guard<std::mutex> lock(mutex_);
  return factory_ == nullptr;
}

Status StoreRegistry::AcquireShared(const StoreIdentity& identity,
                                    const Attempt& attempt,
                                    std::shared_ptr<Store>* store,
                                    bool* again) {
  Attempt shared{attempt.directory, OpenMode::kExisting, attempt.wait,
                 StoreAccess::kShares, attempt.home};
  return AcquireAs(identity, &shared, store, again);
}

Status StoreRegistry::Join(const Attempt& attempt, const std::string& directory,
                           Entry* entry, std::shared_ptr<Store>* opened) {
  StoreIdentity identity;
  if (Status s = attempt.home->Identify(directory, &identity); !s.ok()) {
    return s;
  }
  const auto elect = [this, directory, identity, home = attempt.home] {
    // Asked every few milliseconds by each process that waits for the end of an
    // owner, whose time an attempt to open the store would take.
    if (!IsOpen(KnownEntries(identity).owned.get())) {
      if (Status s = home->CheckFree(directory); !s.ok()) return s;
    }
    return BecomeOwner(directory, identity);
  };
  std::unique_ptr<JoinedStore> joined;
  if (Status s =
          JoinedStore::Join(directory, identity, *attempt.home, elect, &joined);
      !s.ok()) {
    return s;
  }
  *opened = joined->store();
  entry->joined = std::move(joined);
  return Status::Ok();
}

Status StoreRegistry::BecomeOwner(const std::string& directory,
                                  const StoreIdentity& identity) {
  const OpenWait no_wait;
  Attempt attempt{directory, OpenMode::kExisting, no_wait, StoreAccess::kOwns};
  if (Status s = FindHome(directory, &attempt.home); !s.ok()) return s;
  StoreIdentity now;
  if (Status s = attempt.home->Identify(directory, &now); !s.ok()) return s;
  if (!now.IsSameStore(identity)) {
    return Status::Fenced("the directory was replaced while it was shared: " +
                          directory);
  }
  const std::shared_ptr<Entry> entry = FindEntry(KeyOf(now, attempt.access));
  std::lock_guard<std::mutex> lock(entry->mutex);
  if (stopping_) return ProcessIsEnding(directory);
  if (Status s = GiveUpStale(attempt, now, entry.get()); !s.ok()) return s;
  if (entry->is_replaced) {
    return Status::Busy("the directory changes while it is opened: " +
                        directory);
  }
  if (entry->store == nullptr) {
    if (Status s = OpenInto(attempt, entry); !s.ok()) return s;
  }
  if (entry->served != nullptr) return Status::Ok();
  return Status::NotSupported("this process owns the store and cannot serve: " +
                              entry->not_shared);
}

void StoreRegistry::Serve(const std::shared_ptr<Entry>& entry) {
  entry->is_meant = false;
  if (!MayShare()) {
    entry->not_shared = "its engine is of this process";
    return;
  }
  const Status served = TryServe(entry);
  if (!served.ok()) entry->not_shared = std::string(served.message());
}

Status StoreRegistry::TryServe(const std::shared_ptr<Entry>& entry) {
  Store* const store = entry->store.get();
  std::vector<MarkNumber> others;
  Status listed = ListHostMarks(store->path(), &others);
  if (!listed.ok() || !others.empty()) store->reclaim_turns()->Hold();
  if (!listed.ok()) return listed;
  Settings settings;
  if (Status s = store->settings()->Get(ActorId{}, &settings); !s.ok()) {
    return s;
  }
  if (settings.share == 0) {
    entry->is_meant = true;
    return Status::NotSupported("the setting share of the store is 0");
  }
  ShareServer::CallFunction call;
  if (const CallFunction run = call_function; run != nullptr) {
    call = [run, path = store->path()](const CallSpec& spec, const auto& add,
                                       const auto& keep_on) {
      const InCall in_call;
      return run(path, spec, add, keep_on);
    };
  }
  // The entry may be gone when the last session is.
  const std::weak_ptr<Entry> weak = entry;
  const auto session_ended = [this, weak] {
    const std::shared_ptr<Entry> of_session = weak.lock();
    if (of_session != nullptr) of_session->session_ended = true;
    Wake();
  };
  return ServedStore::Start(entry->store, entry->identity, std::move(others),
                            std::move(call), session_ended, &entry->served);
}

void StoreRegistry::SetCallFunction(CallFunction call) { call_function = call; }

std::shared_ptr<StoreRegistry::Entry> StoreRegistry::EntryOf(
    const Store* store) {
  for (const auto& [key, entry] : Entries()) {
    const auto lock = LockEntry(entry.get());
    if (lock.owns_lock() && entry->store.get() == store) return entry;
  }
  return nullptr;
}

SharingInfo StoreRegistry::SharingOf(const Store* store) {
  SharingInfo info;
  info.file_system = SharedFileSystemOf(store->path());
  const std::shared_ptr<Entry> entry = EntryOf(store);
  if (entry == nullptr) return info;
  const auto lock = LockEntry(entry.get());
  if (!lock.owns_lock()) return info;
  info.not_shared = entry->not_shared;
  info.is_meant = entry->is_meant;
  if (store->read_only()) return info;
  if (entry->joined != nullptr) {
    info.access = StoreAccess::kShares;
    info.owner_pid = entry->joined->client()->owner().pid;
  } else {
    info.access = StoreAccess::kOwns;
    info.owner_pid = static_cast<uint32_t>(getpid());
    if (entry->served != nullptr) {
      info.session_count = entry->served->server()->session_count();
    }
  }
  if (info.owner_pid != 0)
    info.owner_program = LookAtProcess(static_cast<pid_t>(info.owner_pid)).name;
  return info;
}

std::vector<SessionInfo> StoreRegistry::SessionsOf(const Store* store) {
  const std::shared_ptr<Entry> entry = EntryOf(store);
  if (entry == nullptr) return {};
  const auto lock = LockEntry(entry.get());
  if (!lock.owns_lock() || entry->served == nullptr) return {};
  return entry->served->server()->Sessions();
}

std::shared_ptr<ShareClient> StoreRegistry::ClientOf(const Store* store) {
  const std::shared_ptr<Entry> entry = EntryOf(store);
  if (entry == nullptr) return nullptr;
  const auto lock = LockEntry(entry.get());
  return lock.owns_lock() && entry->joined != nullptr ? entry->joined->client()
                                                      : nullptr;
}

}  // namespace actorkv
