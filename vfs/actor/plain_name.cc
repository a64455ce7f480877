#include "vfs/actor/plain_name.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <mutex>
#include <set>
#include <vector>

#include "kv/base/affix.h"
#include "kv/base/whole_mutex.h"
#include "kv/files/directory.h"
#include "kv/files/file_names.h"
#include "kv/process/engines.h"
#include "vfs/sqlite/actor_path.h"
#include "vfs/sqlite/default_vfs.h"

namespace actorkv {

namespace {

constexpr std::string_view kStoreSuffix = ".store";

// The modes of URIs, by the index that a mark counts.
constexpr std::array<std::string_view, 3> kModes = {"", "rw", "ro"};

// The VFSes that URIs have named, by their index. A process has a few.
constexpr size_t kMaxNamedVfses = 16;

struct NamedVfses {
  WholeMutex mutex;
  std::vector<std::string> names;
};

NamedVfses* Named() {
  static auto* const named = new NamedVfses;
  return named;
}

// Returns false when too many VFSes were named.
bool IndexOf(const std::string& name, size_t* index) {
  NamedVfses* const named = Named();
  std::lock_guard<WholeMutex> lock(named->mutex);
  // An index is given for ever, as full path names in use count it.
  const auto it = std::find(named->names.begin(), named->names.end(), name);
  *index = static_cast<size_t>(it - named->names.begin());
  if (it != named->names.end()) return true;
  if (named->names.size() == kMaxNamedVfses) return false;
  named->names.push_back(name);
  return true;
}

sqlite3_vfs* VfsAt(size_t index) {
  NamedVfses* const named = Named();
  std::string name;
  {
    std::lock_guard<WholeMutex> lock(named->mutex);
    if (index >= named->names.size()) return nullptr;
    name = named->names[index];
  }
  return sqlite3_vfs_find(name.c_str());
}

struct PlainDirectories {
  std::atomic<bool> any{false};
  WholeMutex mutex;
  std::set<std::string, std::less<>> names;
};

PlainDirectories* Directories() {
  static auto* const directories = new PlainDirectories;
  return directories;
}

bool IsPlainDirectory(std::string_view directory) {
  PlainDirectories* const known = Directories();
  // Most processes open no plain file by directory: then each xAccess costs no
  // lock.
  if (!known->any.load(std::memory_order_acquire)) return false;
  std::lock_guard<WholeMutex> lock(known->mutex);
  return known->names.find(directory) != known->names.end();
}

// Refuses parameters of a URI of a plain file that this VFS cannot pass on.
Status CheckForOther(const RawUri& uri) {
  for (const auto& [key, value] : uri.parameters) {
    if (key == "vfs" || key == "mode" || key == "cache" || key[0] == '_') {
      continue;
    }
    return Status::InvalidArgument(
        "SQLite did not read this URI, so that another VFS cannot have its "
        "parameter " +
        key + "=" + value + ": leave it out");
  }
  return Status::Ok();
}

}  // namespace

// The first slash is the path's; one more is the mark of VFS 0 without a mode.
bool FindMarkedName(const char* full_name, PlainName* plain) {
  const size_t slashes = std::strspn(full_name, "/");
  if (slashes < 2) return false;
  const size_t mark = slashes - 2;
  plain->vfs = VfsAt(mark / kModes.size());
  plain->name = full_name + slashes - 1;
  plain->mode = kModes[mark % kModes.size()];
  plain->is_marked = true;
  return plain->vfs != nullptr;
}

bool FindPlainName(const char* full_name, PlainName* plain) {
  if (FindMarkedName(full_name, plain)) return true;
  if (!IsPlainDirectory(DirectoryOf(full_name))) return false;
  *plain = {BaseVfs(), full_name, "", false};
  return true;
}

bool IsInStore(std::string_view name) {
  const std::string directory(DirectoryOf(name));
  std::string canonical;
  PlaceKind kind = PlaceKind::kForeign;
  EngineHome* home = nullptr;
  if (!FindHome(directory, &home).ok() ||
      !home->Canonical(directory, &canonical).ok() ||
      !home->Look(canonical, &kind).ok()) {
    return false;
  }
  if (kind == PlaceKind::kStore) return true;
  return EndsWith(canonical, kStoreSuffix) && kind != PlaceKind::kForeign;
}

void RememberPlainDirectory(std::string_view full_name) {
  PlainDirectories* const known = Directories();
  std::lock_guard<WholeMutex> lock(known->mutex);
  // The name is there before `any` says so: IsPlainDirectory() must not miss
  // it.
  known->names.emplace(DirectoryOf(full_name));
  known->any.store(true, std::memory_order_release);
}

void ForgetPlainDirectory(std::string_view full_name) {
  const std::string_view directory = DirectoryOf(full_name);
  if (!IsPlainDirectory(directory)) return;
  PlainDirectories* const known = Directories();
  std::lock_guard<WholeMutex> lock(known->mutex);
  const auto it = known->names.find(directory);
  if (it != known->names.end()) known->names.erase(it);
}

Status ResolvePlainUri(const RawUri& uri, const std::string& vfs_name,
                       std::string* full_name) {
  sqlite3_vfs* const vfs = sqlite3_vfs_find(vfs_name.c_str());
  if (vfs == nullptr)
    return Status::InvalidArgument("no such vfs: " + vfs_name);
  // SQLite gave this open a buffer of our size.
  if (vfs->szOsFile > OurVfs()->szOsFile) {
    return Status::InvalidArgument(
        "SQLite did not read this URI, and the files of this vfs are too large "
        "to be opened by another: " +
        vfs_name);
  }
  if (Status s = CheckForOther(uri); !s.ok()) return s;
  // SQLite gives xFullPathname mxPathname + 1 bytes (pager.c sqlite3PagerOpen,
  // 3.40.1).
  std::vector<char> theirs(static_cast<size_t>(vfs->mxPathname) + 1);
  const int code = vfs->xFullPathname(
      vfs, uri.path.c_str(), static_cast<int>(theirs.size()), theirs.data());
  // SQLITE_OK_SYMLINK is a success as well.
  if ((code & 0xff) != SQLITE_OK) {
    return Status::InvalidArgument("the vfs " + vfs_name +
                                   " cannot open this name: " + uri.path);
  }
  const std::string path = theirs.data();
  size_t index = 0;
  if (path.empty() || path[0] != '/' || !IndexOf(vfs_name, &index)) {
    return Status::InvalidArgument(
        "SQLite did not read this URI, and no name of this vfs can be passed "
        "on: " +
        vfs_name);
  }
  if (Status s = CheckNotInStore(path); !s.ok()) return s;
  const std::string* const mode = uri.Find("mode");
  size_t mark = index * kModes.size();
  if (mode != nullptr && *mode == "rw") mark += 1;
  if (mode != nullptr && *mode == "ro") mark += 2;
  *full_name = std::string(mark + 1, '/') + path;
  return Status::Ok();
}

Status ApplyMode(std::string_view mode, int* flags) {
  constexpr int kMask =
      SQLITE_OPEN_READONLY | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  if (mode.empty()) return Status::Ok();
  int wanted = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  if (mode == "ro") wanted = SQLITE_OPEN_READONLY;
  if (mode == "rw") wanted = SQLITE_OPEN_READWRITE;
  // This is how SQLite compares a URI's mode (main.c sqlite3ParseUri, 3.40.1):
  // READONLY, READWRITE and READWRITE with CREATE are numbers in that order.
  if (wanted > (*flags & kMask)) {
    return Status::InvalidArgument("access mode not allowed: " +
                                   std::string(mode));
  }
  *flags = (*flags & ~kMask) | wanted;
  return Status::Ok();
}

}  // namespace actorkv
