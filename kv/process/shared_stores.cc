#include "kv/process/shared_stores.h"

#include <unistd.h>

#include <atomic>
#include <utility>

#include "kv/files/opened_directory.h"
#include "kv/files/store_marker.h"
#include "kv/share/process_state.h"
#include "kv/store/store.h"

namespace actorkv {
namespace {

std::atomic<const char*> sqlite_version{""};

Status OpenWithMarker(const std::string& path,
                      std::shared_ptr<OpenedDirectory>* directory,
                      Marker* marker) {
  std::shared_ptr<OpenedDirectory> opened;
  if (Status s = OpenedDirectory::Open(path, &opened); !s.ok()) return s;
  if (Status s = ReadMarker(opened->work_path(), marker); !s.ok()) {
    return opened->Named(s);
  }
  *directory = std::move(opened);
  return Status::Ok();
}

}  // namespace

void SetSqliteVersion(const char* version) { sqlite_version.store(version); }

Status ServedStore::Start(const std::shared_ptr<Store>& store,
                          const StoreIdentity& identity,
                          std::vector<MarkNumber> hosts_beside,
                          ShareServer::CallFunction call,
                          std::function<void()> session_ended,
                          std::shared_ptr<ServedStore>* served) {
  ShareServer::Parts parts;
  Marker marker;
  if (Status s = OpenWithMarker(store->path(), &parts.directory, &marker);
      !s.ok()) {
    return s;
  }
  std::shared_ptr<ServedStore> made(new ServedStore);
  if (Status s = HostMark::Make(parts.directory->work_path(),
                                store->engine()->owner(), &made->mark_);
      !s.ok()) {
    return parts.directory->Named(s);
  }
  // The store counts its users to know when it can be closed. The server is
  // none: it goes before.
  parts.store = std::shared_ptr<Store>(std::shared_ptr<void>(), store.get());
  parts.marker_id = marker.id;
  parts.marker_inode = identity.store;
  parts.hosts_beside = std::move(hosts_beside);
  parts.sqlite_version = sqlite_version.load();
  parts.call = std::move(call);
  parts.session_ended = std::move(session_ended);
  if (Status s = ShareServer::Start(std::move(parts), &made->server_);
      !s.ok()) {
    return s;
  }
  *served = std::move(made);
  return Status::Ok();
}

Status JoinedStore::Join(const std::string& directory,
                         const StoreIdentity& identity, const EngineHome& home,
                         std::function<Status()> elect,
                         std::unique_ptr<JoinedStore>* joined) {
  ShareClient::Parts parts;
  Marker marker;
  if (Status s = OpenWithMarker(directory, &parts.directory, &marker);
      !s.ok()) {
    return s;
  }
  const std::shared_ptr<OpenedDirectory> opened = parts.directory;
  std::unique_ptr<JoinedStore> made(new JoinedStore);
  parts.host = HostId{0, RandomId()};
  if (Status s = HostMark::Make(opened->work_path(), parts.host, &made->mark_);
      !s.ok()) {
    return opened->Named(s);
  }
  parts.path = directory;
  parts.marker_id = marker.id;
  parts.marker_inode = identity.store;
  parts.elect = std::move(elect);
  parts.limits = home.Limits();
  parts.is_alive = [opened](const HostId& host, bool* alive) {
    return opened->Named(IsHostMarked(opened->work_path(), host, alive));
  };
  parts.program = LookAtProcess(getpid()).name;
  parts.module = ACTORKV_VERSION;
  parts.sqlite_version = sqlite_version.load();
  parts.engine_version = home.Version();
  if (Status s = ShareClient::Connect(std::move(parts), &made->client_);
      !s.ok()) {
    return s;
  }
  if (Status s = Store::OpenShared(directory, made->client_->NewEngine(),
                                   made->client_->NewSide(), &made->store_);
      !s.ok()) {
    return s;
  }
  made->client_->SetStore(made->store_.get());
  *joined = std::move(made);
  return Status::Ok();
}

JoinedStore::~JoinedStore() {
  if (client_ != nullptr) client_->SetStore(nullptr);
  store_.reset();
}

}  // namespace actorkv
