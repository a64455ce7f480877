#include "bench/backend.h"

#include <sqlite3.h>
#include <unistd.h>

#include <chrono>
#include <utility>

#include "ext/actorkv.h"
#include "kv/store_registry.h"

namespace actorkv::bench {

namespace {

void (*const kEntryPoint)() =
    reinterpret_cast<void (*)()>(sqlite3_actorkv_init);

}  // namespace

Backend::Backend(Kind kind, std::string directory)
    : kind_(kind), directory_(std::move(directory)) {}

const char* Backend::name() const {
  return kind_ == Kind::kUnixWal ? "unix" : "actorkv";
}

void Backend::Activate() const {
  if (kind_ == Kind::kUnixWal) {
    sqlite3_cancel_auto_extension(kEntryPoint);
    return;
  }
  sqlite3_auto_extension(kEntryPoint);
  // The first connection registers the VFS.
  const Connection first(":memory:");
}

std::string Backend::PathOf(const std::string& database) const {
  if (kind_ == Kind::kUnixWal) return directory_ + "/" + database + ".db";
  return "file:" + directory_ + "/store/" + database + "?vfs=actorkv";
}

void Backend::MakeDurable(Connection* connection) const {
  connection->Execute("PRAGMA synchronous=FULL");
}

Connection Backend::Create(const std::string& database) const {
  Connection connection(PathOf(database));
  if (kind_ == Kind::kUnixWal) {
    connection.Execute("PRAGMA journal_mode=WAL");
  }
  MakeDurable(&connection);
  return connection;
}

Connection Backend::CreateUnsynced(const std::string& database) const {
  Connection connection(PathOf(database));
  connection.Execute("PRAGMA synchronous=OFF");
  if (kind_ == Kind::kUnixWal) {
    connection.Execute("PRAGMA journal_mode=WAL");
  }
  return connection;
}

Connection Backend::Open(const std::string& database) const {
  return Connection(PathOf(database));
}

void Backend::Remove(const std::string& database) const {
  // An actor stays: history is kept, and a store of our own goes as a whole.
  if (kind_ == Kind::kActorkv) return;
  for (const char* suffix : {"", "-wal", "-shm"}) {
    unlink((PathOf(database) + suffix).c_str());
  }
}

void Backend::Settle() const {
  if (kind_ == Kind::kActorkv) StoreRegistry::Instance()->CloseIdle();
  sync();
}

}  // namespace actorkv::bench
