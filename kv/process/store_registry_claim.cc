// StoreRegistry: how a store goes to the process that is there to serve it.

#include <utility>

#include "kv/pages/read_ahead.h"
#include "kv/process/engines.h"
#include "kv/process/store_registry.h"
#include "kv/store/store.h"

namespace actorkv {
namespace {

Status HasNotLeft(const Status& busy) {
  return Status::Busy(
      std::string(busy.message()) +
      "; it has not left the store to actorkv_serve(), as a process cannot "
      "that has connections to a store which it was the first to open: close "
      "those or end it, or start actorkv_serve() before it");
}

}  // namespace

Status StoreRegistry::RespectClaim(const Attempt& attempt, Entry* entry) {
  if (attempt.access != StoreAccess::kOwns || attempt.claim != nullptr ||
      !attempt.home->IsClaimDue(attempt.directory)) {
    return Status::Ok();
  }
  const Clock::time_point now = Clock::now();
  if (entry->claimed_until == Clock::time_point::min()) {
    entry->claimed_until = now + kClaimTime;
  }
  if (now < entry->claimed_until) {
    return Status::Busy("another process is about to serve the store: " +
                        attempt.directory);
  }
  entry->claimed_until = Clock::time_point::min();
  return Status::Ok();
}

bool StoreRegistry::MayLeave(const Entry& entry) {
  if (entry.served == nullptr || !entry.lease.expired() ||
      !entry.claim.expired() || entry.IsAtWork() ||
      entry.served->server()->running_call_count() > 0) {
    return false;
  }
  EngineHome* home = nullptr;
  const std::string& directory = entry.store->path();
  return FindHome(directory, &home).ok() && home->IsClaimed(directory);
}

bool StoreRegistry::LeaveIfClaimed(Entry* entry) {
  {
    const std::lock_guard<std::mutex> lock(entry->mutex);
    if (stopping_ || !MayLeave(*entry)) return false;
  }
  WriteOutLog(entry);
  const std::lock_guard<std::mutex> lock(entry->mutex);
  if (stopping_ || !MayLeave(*entry)) return false;
  CloseStore(entry);
  return true;
}

void StoreRegistry::WriteOutLog(Entry* entry) {
  std::shared_ptr<Store> store;
  {
    const std::lock_guard<std::mutex> lock(entry->mutex);
    const bool is_waited_for = entry->served != nullptr &&
                               entry->served->server()->session_count() > 0;
    if (is_waited_for) store = entry->store;
  }
  if (store != nullptr) store->engine()->WriteOutLog();
}

Status StoreRegistry::AcquireToServe(const std::string& directory,
                                     const OpenWait& wait,
                                     const std::shared_ptr<PlaceClaim>& claim,
                                     std::shared_ptr<Store>* store) {
  Attempt attempt{directory, OpenMode::kExisting, wait, StoreAccess::kOwns};
  attempt.claim = claim;
  if (Status s = FindHome(directory, &attempt.home); !s.ok()) return s;
  // An owner without users gives way to who waits.
  attempt.mark = attempt.home->Wait(directory);
  for (;;) {
    const bool is_last = wait.IsOver();
    StoreIdentity identity;
    if (Status s = attempt.home->Identify(directory, &identity); !s.ok()) {
      return s;
    }
    bool again = false;
    Status s = AcquireAs(identity, &attempt, store, &again);
    if (s.ok() && !again) return s;
    if (!s.ok() && s.code() != Code::kBusy) return s;
    if (is_last) return HasNotLeft(s);
    if (Status paused = wait.Pause(); !paused.ok()) return paused;
  }
}

bool StoreRegistry::IsOfDirectory(Entry* entry, const std::string& directory) {
  const std::lock_guard<std::mutex> lock(entry->mutex);
  return entry->store != nullptr && entry->store->path() == directory;
}

bool StoreRegistry::IsCalled(const std::string& directory) {
  for (const auto& [key, entry] : Entries()) {
    if (!IsOfDirectory(entry.get(), directory)) continue;
    const std::lock_guard<std::mutex> lock(entry->mutex);
    if (entry->served != nullptr) {
      return entry->served->server()->running_call_count() > 0;
    }
  }
  return false;
}

void StoreRegistry::LeaveToOthers(const std::string& directory) {
  // Who waits for a function is not told that nobody knows what came of it.
  const OpenWait calls(kLastCalls);
  while (IsCalled(directory) && !calls.IsOver()) {
    if (!calls.Pause().ok()) break;
  }
  // A store whose pages are being read ahead is in use.
  ReadAhead::Instance()->Wait();
  const auto one_at_a_time = LockServing();
  for (const auto& [key, entry] : Entries()) {
    if (std::get<StoreAccess>(key) != StoreAccess::kOwns) continue;
    if (!IsOfDirectory(entry.get(), directory)) continue;
    WriteOutLog(entry.get());
    const std::lock_guard<std::mutex> lock(entry->mutex);
    const bool is_left = !stopping_ && entry->store != nullptr &&
                         entry->lease.expired() && !entry->IsAtWork();
    if (is_left) CloseStore(entry.get());
  }
}

}  // namespace actorkv
