#include "kv/share/remote_engine.h"

#include <utility>

#include "kv/share/client_commit.h"
#include "kv/share/engine_messages.h"
#include "kv/share/remote_reader.h"

namespace actorkv {
namespace {

// Another process has the store open for writing beside this one.
EngineLimits SharedLimits(EngineLimits limits) {
  limits.one_process = false;
  limits.is_remote = true;
  return limits;
}

}  // namespace

RemoteEngine::RemoteEngine(std::shared_ptr<ClientSession> session)
    : session_(std::move(session)),
      limits_(SharedLimits(session_->parts().limits)) {}

std::unique_ptr<EngineReader> RemoteEngine::NewReader() {
  return std::make_unique<RemoteReader>(session_.get());
}

CommitResult RemoteEngine::Commit(const Batch& batch, Durability durability) {
  return ClientCommit(session_.get(), durability).Run(batch, nullptr);
}

Status RemoteEngine::IsAlive(const HostId& host, bool* alive) {
  const auto& ask = session_->parts().is_alive;
  if (host == owner() || ask == nullptr) {
    *alive = true;
    return Status::Ok();
  }
  return ask(host, alive);
}

template <typename Request>
Status RemoteEngine::Have(const Request& request) {
  return session_->AskOwner([&](OwnerSession*, ClientChannel* channel) {
    DoneAnswer<Request::kOp> done;
    return channel->Ask(request, session_->long_patience(), &done);
  });
}

Status RemoteEngine::Drop(Partition partition) {
  DropRequest request;
  request.partition = partition;
  return Have(request);
}

Status RemoteEngine::Compact(Partition partition, std::string_view begin,
                             std::string_view end) {
  CompactRequest request;
  request.partition = partition;
  request.begin = begin;
  request.end = end;
  return Have(request);
}

Status RemoteEngine::Sync() { return Have(SyncRequest{}); }

// Each read is one of the owner's engine, as it is then.
Status RemoteEngine::CatchUp(std::atomic<uint64_t>*) { return Status::Ok(); }

Status RemoteEngine::CheckNotMoved() {
  return session_->parts().directory->CheckNotMoved();
}

Status RemoteEngine::Checkpoint(const std::string& path, uint64_t*) {
  return Status::NotSupported(
      "only the process that owns the store copies it: " + path);
}

// That of the owner of the moment: it found it when it opened the store.
Status RemoteEngine::ListDamage(std::vector<EngineDamage>* damage) {
  OwnerSession* owner = nullptr;
  if (Status s = session_->FindOwner(&owner); !s.ok()) return s;
  *damage = owner->damages();
  return Status::Ok();
}

std::string RemoteEngine::Describe() const {
  const OwnerInfo owner = session_->owner();
  return owner.engine_version + ", by process " + std::to_string(owner.pid);
}

}  // namespace actorkv
