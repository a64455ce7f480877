#include "kv/share/session_table.h"

#include <string>
#include <utility>

#include "kv/base/host_id.h"
#include "kv/base/metrics.h"
#include "kv/share/actor_slot.h"
#include "kv/share/session_messages.h"

namespace actorkv {

Status SessionTable::Add(ServerSession::Parts parts,
                         std::shared_ptr<ServerSession>* session) {
  parts.key = RandomId();
  const std::lock_guard<std::mutex> lock(mutex_);
  if (sessions_.size() == kMaxSessions) {
    return Status::Busy("too many processes share the store: " +
                        std::to_string(kMaxSessions) + " at most");
  }
  static_assert(kMaxSessions < kMaxSession, "so one is free");
  do {
    last_number_ = last_number_ == kMaxSession ? 1 : last_number_ + 1;
  } while (sessions_.count(last_number_) != 0);
  parts.number = last_number_;
  auto made = std::make_shared<ServerSession>(std::move(parts), slots_, pins_);
  sessions_[last_number_] = made;
  actorkv::Add(Metric::kSessions);
  *session = std::move(made);
  return Status::Ok();
}

Status SessionTable::Find(uint32_t number, uint64_t key,
                          std::shared_ptr<ServerSession>* session) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto it = sessions_.find(number);
  if (it == sessions_.end() || it->second->key() != key) {
    return Status::NotFound("there is no session " + std::to_string(number) +
                            " with this key");
  }
  *session = it->second;
  return Status::Ok();
}

void SessionTable::Remove(uint32_t number) {
  std::shared_ptr<ServerSession> removed;  // goes without the mutex
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto it = sessions_.find(number);
  if (it == sessions_.end()) return;
  removed = std::move(it->second);
  sessions_.erase(it);
  Subtract(Metric::kSessions);
}

size_t SessionTable::size() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return sessions_.size();
}

std::vector<std::shared_ptr<ServerSession>> SessionTable::All() {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<std::shared_ptr<ServerSession>> all;
  all.reserve(sessions_.size());
  for (const auto& [number, session] : sessions_) all.push_back(session);
  return all;
}

}  // namespace actorkv
