#include "bench/backend.h"

#include <sqlite3.h>
#include <unistd.h>

#include <chrono>
#include <utility>

#include "ext/actorkv.h"
#include "kv/cache/page_cache.h"
#include "kv/process/store_registry.h"

namespace actorkv::bench {

namespace {

void (*const kEntryPoint)() =
    reinterpret_cast<void (*)()>(sqlite3_actorkv_init);

}  // namespace

Backend::Backend(Kind kind, std::string directory)
    : kind_(kind), directory_(std::move(directory)) {}

const char* Backend::NameOf(Kind kind) {
  switch (kind) {
    case Kind::kUnixWal:
      return "unix_wal";
    case Kind::kUnixDelete:
      return "unix_delete";
    case Kind::kActorkv:
      return "actorkv";
  }
  return "";
}

void Backend::Activate() const {
  if (kind_ != Kind::kActorkv) {
    sqlite3_cancel_auto_extension(kEntryPoint);
    return;
  }
  sqlite3_auto_extension(kEntryPoint);
  // The first connection registers the VFS.
  const Connection first(":memory:");
}

std::string Backend::PathOf(const std::string& database) const {
  if (kind_ != Kind::kActorkv) return directory_ + "/" + database + ".db";
  return "file:" + StorePath() + "/" + database + "?vfs=actorkv";
}

// DELETE is SQLite's own, and an actor has no other.
void Backend::SetJournalMode(Connection* connection) const {
  if (kind_ == Kind::kUnixWal) connection->Execute("PRAGMA journal_mode=WAL");
}

void Backend::MakeDurable(Connection* connection) const {
  connection->Execute("PRAGMA synchronous=FULL");
}

Connection Backend::Create(const std::string& database) const {
  Connection connection(PathOf(database));
  SetJournalMode(&connection);
  MakeDurable(&connection);
  return connection;
}

Connection Backend::CreateUnsynced(const std::string& database) const {
  Connection connection(PathOf(database));
  connection.Execute("PRAGMA synchronous=OFF");
  SetJournalMode(&connection);
  return connection;
}

Connection Backend::Open(const std::string& database) const {
  return Connection(PathOf(database));
}

Connection Backend::OpenBare(const std::string& database) const {
  const bool ours = kind_ == Kind::kActorkv;
  return Connection(PathOf(database) + (ours ? "&actorkv_sql=0" : ""));
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

CacheLimit::CacheLimit(size_t bytes)
    : previous_bytes_(PageCache::Instance()->capacity_bytes()) {
  PageCache::Instance()->SetCapacity(bytes);
}

CacheLimit::~CacheLimit() {
  PageCache::Instance()->SetCapacity(previous_bytes_);
}

}  // namespace actorkv::bench
