#include "vfs/sqlite/actor_path.h"

#include <sys/stat.h>

#include <filesystem>
#include <mutex>
#include <system_error>
#include <unordered_map>

#include "kv/store/store.h"

namespace actorkv {

namespace {

// The number of names that are remembered: a process has a few stores, under a
// few names.
constexpr size_t kMaxKnownDirectories = 256;

struct DirectoryId {
  dev_t device = 0;
  ino_t inode = 0;

  friend bool operator==(const DirectoryId& a, const DirectoryId& b) {
    return a.device == b.device && a.inode == b.inode;
  }
};

bool FindId(const std::string& directory, DirectoryId* id) {
  struct stat info = {};
  if (stat(directory.c_str(), &info) != 0) return false;
  *id = {info.st_dev, info.st_ino};
  return true;
}

struct KnownDirectory {
  DirectoryId id;
  std::string canonical;
};

struct KnownDirectories {
  std::mutex mutex;
  std::unordered_map<std::string, KnownDirectory> by_name;
};

KnownDirectories* Known() {
  // The object is never destroyed, as SQLite may resolve names while the
  // process ends.
  static auto* const known = new KnownDirectories;
  return known;
}

// Recalls the canonical form of `name`, which is absolute, if both still lead
// to the same directory.
bool Recall(const std::string& name, std::string* canonical) {
  KnownDirectory found;
  {
    KnownDirectories* known = Known();
    std::lock_guard<std::mutex> lock(known->mutex);
    auto it = known->by_name.find(name);
    if (it == known->by_name.end()) return false;
    found = it->second;
  }
  // The system calls are made without the lock.
  DirectoryId id;
  if (!FindId(name, &id) || !(id == found.id)) return false;
  if (found.canonical != name &&
      !(FindId(found.canonical, &id) && id == found.id)) {
    return false;
  }
  *canonical = std::move(found.canonical);
  return true;
}

// Remembers a canonical name; nothing where one of the two names is not there,
// or they differ by then.
void Remember(const std::string& name, const std::string& canonical) {
  DirectoryId given;
  DirectoryId id;
  if (!FindId(name, &given) || !FindId(canonical, &id) || !(given == id)) {
    return;
  }
  KnownDirectories* known = Known();
  std::lock_guard<std::mutex> lock(known->mutex);
  if (known->by_name.size() >= kMaxKnownDirectories) known->by_name.clear();
  known->by_name[name] = {id, canonical};
}

// Makes a name absolute: without "/" at the front it is in the current
// directory.
Status AbsoluteName(const std::string& directory, std::string* name) {
  std::error_code error;
  *name = directory;
  if (directory.empty() || directory[0] != '/') {
    *name = std::filesystem::absolute(directory, error).string();
  }
  if (!error) return Status::Ok();
  return Status::IOError("cannot resolve " + directory + ": " + error.message())
      .WithErrno(error.value());
}

}  // namespace

Status CanonicalDirectory(const std::string& directory,
                          std::string* canonical) {
  std::string name;
  if (Status s = AbsoluteName(directory, &name); !s.ok()) return s;
  if (Recall(name, canonical)) return Status::Ok();
  std::error_code error;
  std::filesystem::path path = name;
  // It takes two passes: in missing/../link the link shows only when ".." is
  // gone.
  for (int i = 0; i < 2 && !error; ++i) {
    path = std::filesystem::weakly_canonical(path, error);
  }
  if (error) {
    return Status::IOError("cannot resolve " + directory + ": " +
                           error.message())
        .WithErrno(error.value());
  }
  std::string text = path.string();
  // weakly_canonical keeps a trailing slash where the end does not exist.
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  Remember(name, text);
  *canonical = std::move(text);
  return Status::Ok();
}

Status ResolveActorPath(const std::string& name, ActorPath* path) {
  const size_t slash = name.rfind('/');
  if (slash == std::string::npos) {
    return Status::InvalidArgument("not of the form STORE/ACTOR: " + name);
  }
  ActorPath resolved;
  resolved.actor = name.substr(slash + 1);
  if (Status s = CheckActorName(resolved.actor); !s.ok()) {
    return s.WithContext(name);
  }
  const std::string directory = slash == 0 ? "/" : name.substr(0, slash);
  if (Status s = CanonicalDirectory(directory, &resolved.store); !s.ok()) {
    return s;
  }
  if (FullName(resolved).size() > size_t{kMaxPathBytes}) {
    return Status::InvalidArgument("the name is " +
                                   std::to_string(FullName(resolved).size()) +
                                   " bytes long, the limit is " +
                                   std::to_string(kMaxPathBytes) + ": " + name);
  }
  *path = std::move(resolved);
  return Status::Ok();
}

std::string FullName(const ActorPath& path) {
  if (path.store == "/") return "/" + path.actor;
  return path.store + "/" + path.actor;
}

std::string_view QueryOf(std::string_view full_name) {
  // Two slashes at the front mark a plain file (vfs/actor/plain_name.h).
  const size_t end = full_name.substr(0, 2) == "//" ? std::string_view::npos
                                                    : full_name.find("//", 1);
  return end == std::string_view::npos ? std::string_view()
                                       : full_name.substr(end + 2);
}

Status SplitFullName(std::string_view full_name, ActorPath* path) {
  full_name = full_name.substr(0, full_name.find("//", 1));
  const size_t slash = full_name.rfind('/');
  if (slash == std::string_view::npos) {
    return Status::InvalidArgument("not a full path name: " +
                                   std::string(full_name));
  }
  path->store = std::string(full_name.substr(0, slash == 0 ? 1 : slash));
  path->actor = std::string(full_name.substr(slash + 1));
  return Status::Ok();
}

bool RemoveSuffix(std::string_view suffix, std::string* name) {
  if (name->size() < suffix.size() ||
      name->compare(name->size() - suffix.size(), suffix.size(), suffix) != 0) {
    return false;
  }
  name->resize(name->size() - suffix.size());
  return true;
}

}  // namespace actorkv
