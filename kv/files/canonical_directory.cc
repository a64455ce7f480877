#include "kv/files/canonical_directory.h"

#include <sys/stat.h>

#include <filesystem>
#include <mutex>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "kv/base/per_process.h"
#include "kv/base/system_error.h"

namespace actorkv {

namespace {

// A process has a few stores, under a few names.
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

PerProcess<KnownDirectories> known_directories;

KnownDirectories* Known() { return known_directories.Get(); }

// `name` is absolute.
bool Recall(const std::string& name, std::string* canonical) {
  KnownDirectory found;
  {
    KnownDirectories* known = Known();
    std::lock_guard<std::mutex> lock(known->mutex);
    auto it = known->by_name.find(name);
    if (it == known->by_name.end()) return false;
    found = it->second;
  }
  DirectoryId id;
  // A call of stat() for each of the two names takes the place of one for each
  // part of a path.
  if (!FindId(name, &id) || !(id == found.id)) return false;
  if (found.canonical != name &&
      !(FindId(found.canonical, &id) && id == found.id)) {
    return false;
  }
  *canonical = std::move(found.canonical);
  return true;
}

// Nothing where one of the two names is not there, or they differ by now.
void Remember(const std::string& name, const std::string& canonical) {
  DirectoryId given;
  DirectoryId id;
  if (!FindId(name, &given) || !FindId(canonical, &id) || !(given == id)) {
    return;
  }
  KnownDirectories* known = Known();
  std::lock_guard<std::mutex> lock(known->mutex);
  // Whoever uses more names than that gains nothing from the memory, and loses
  // nothing with it.
  if (known->by_name.size() >= kMaxKnownDirectories) known->by_name.clear();
  known->by_name[name] = {id, canonical};
}

// A name without "/" at the front is in the current directory.
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
  // Twice: in missing/../link the link shows only when ".." is gone.
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

Status ResolveDirectory(const std::string& directory, std::string* canonical) {
  std::error_code error;
  const std::filesystem::path path =
      std::filesystem::canonical(directory, error);
  if (error) return SystemError("resolve", directory, error.value());
  *canonical = path.string();
  return Status::Ok();
}

}  // namespace actorkv
