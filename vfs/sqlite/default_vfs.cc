#include "vfs/sqlite/default_vfs.h"

#include <atomic>
#include <mutex>

#include "kv/base/whole_mutex.h"

namespace actorkv {

namespace {

struct VfsState {
  sqlite3_vfs* ours = nullptr;
  sqlite3_vfs* base = nullptr;
  std::atomic<DefaultVfs> value{DefaultVfs::kBase};
  WholeMutex mutex;  // guards what follows
  std::string default_store;
};

VfsState* State() {
  // SQLite may call the VFS while static objects are destroyed, so this one is
  // not.
  static auto* const state = new VfsState;
  return state;
}

}  // namespace

void SetVfses(sqlite3_vfs* ours, sqlite3_vfs* base) {
  State()->ours = ours;
  State()->base = base;
}

sqlite3_vfs* OurVfs() { return State()->ours; }

sqlite3_vfs* BaseVfs() { return State()->base; }

const char* BaseVfsName() { return State()->base->zName; }

// SQLite is asked for the default: sqlite3_shutdown() and sqlite3_initialize()
// make the base VFS that again. Another one may stand before ours and ask it.
DefaultVfs GetDefaultVfs() {
  const bool is_base = sqlite3_vfs_find(nullptr) == State()->base;
  return is_base ? DefaultVfs::kBase : State()->value.load();
}

Status SetDefaultVfs(DefaultVfs value, DefaultVfs* previous) {
  VfsState* const state = State();
  *previous = GetDefaultVfs();
  // The value comes before the VFS: a name that comes to ours already is read
  // in the new way.
  state->value.store(value);
  sqlite3_vfs* const vfs =
      value == DefaultVfs::kBase ? state->base : state->ours;
  // To register a VFS that is there already makes it the default, and changes
  // nothing else (sqlite3_vfs_register()).
  if (sqlite3_vfs_register(vfs, 1) != SQLITE_OK) {
    return Status::IOError("cannot change the default VFS");
  }
  return Status::Ok();
}

void SetDefaultStore(const std::string& store) {
  VfsState* const state = State();
  std::lock_guard<WholeMutex> lock(state->mutex);
  state->default_store = store;
}

std::string DefaultStore() {
  VfsState* const state = State();
  std::lock_guard<WholeMutex> lock(state->mutex);
  return state->default_store;
}

}  // namespace actorkv
