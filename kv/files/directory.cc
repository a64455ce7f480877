#include "kv/files/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "kv/base/affix.h"
#include "kv/base/descriptor.h"
#include "kv/base/system_error.h"
#include "kv/files/store_names.h"

namespace actorkv {

Status VisitNames(const std::string& directory, const NameVisitor& visit) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(directory.c_str()),
                                                &closedir);
  if (dir == nullptr) return SystemError("list", directory, errno);
  errno = 0;
  while (const dirent* entry = readdir(dir.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") {
      if (Status s = visit(name, entry->d_type); !s.ok()) return s;
    }
    // `visit` may have left something in errno, which readdir() sets only on an
    // error (readdir(3)).
    errno = 0;
  }
  return errno == 0 ? Status::Ok() : SystemError("list", directory, errno);
}

Status CheckNotInStore(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string parent =
      slash == std::string::npos ? "." : path.substr(0, slash);
  if (access((parent + "/" + kMarkerFileName).c_str(), F_OK) != 0) {
    return Status::Ok();
  }
  return Status::InvalidArgument("cannot make " + path + ": " + parent +
                                 " is a store, which holds nothing but its own "
                                 "files: choose a place outside of it; an "
                                 "actor's name has no slash");
}

Status MakeDirectory(const std::string& directory) {
  // A directory that is there may lie in a store: only a new one is refused.
  if (access(directory.c_str(), F_OK) == 0) return Status::Ok();
  if (Status s = CheckNotInStore(directory); !s.ok()) return s;
  // Another process may make it at the same moment.
  if (mkdir(directory.c_str(), 0777) == 0 || errno == EEXIST) {
    return Status::Ok();
  }
  return SystemError("mkdir", directory, errno);
}

Status SyncDirectory(const std::string& directory) {
  const Descriptor opened(
      open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() < 0) return SystemError("open", directory, errno);
  // A new name is durable with its directory, not with the file (fsync(2)).
  if (fsync(opened.get()) != 0) return SystemError("sync", directory, errno);
  return Status::Ok();
}

Status ListNames(const std::string& directory, std::string_view prefix,
                 std::vector<std::string>* names) {
  std::vector<std::string> found;
  Status listed =
      VisitNames(directory, [&](const std::string& name, int /*type*/) {
        if (BeginsWith(name, prefix)) found.push_back(name);
        return Status::Ok();
      });
  if (!listed.ok()) return listed;
  // In order, so that what is done with files happens in the same order every
  // time.
  std::sort(found.begin(), found.end());
  *names = std::move(found);
  return Status::Ok();
}

Status DirectoryBytes(const std::string& directory, uint64_t* bytes) {
  std::vector<std::string> names;
  if (Status s = ListNames(directory, "", &names); !s.ok()) return s;
  uint64_t sum = 0;
  for (const std::string& name : names) {
    struct stat file = {};
    if (stat((directory + "/" + name).c_str(), &file) != 0) {
      if (errno == ENOENT) continue;  // it went since it was listed
      return SystemError("stat", directory + "/" + name, errno);
    }
    sum += static_cast<uint64_t>(file.st_size);
  }
  *bytes = sum;
  return Status::Ok();
}

}  // namespace actorkv
