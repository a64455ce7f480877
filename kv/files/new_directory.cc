#include "kv/files/new_directory.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "kv/base/system_error.h"
#include "kv/files/directory.h"
#include "kv/files/file_names.h"

namespace actorkv {

namespace {

constexpr mode_t kMode = 0777;  // less the process's umask

Status CheckFree(const std::string& path) {
  struct stat there = {};
  if (lstat(path.c_str(), &there) == 0) return ExistsAlready(path);
  if (errno == ENOENT) return Status::Ok();
  if (errno != ENAMETOOLONG) return SystemError("look at", path, errno);
  return Status::InvalidArgument(
      "cannot make " + path +
      ": the file system takes no name that is so long");
}

}  // namespace

Status NewDirectory::Create(const std::string& place, const std::string& path,
                            std::unique_ptr<NewDirectory>* directory) {
  if (Status s = CheckFree(path); !s.ok()) return s;
  // A store's directory belongs to the engine, which may take any name in it.
  if (Status s = CheckNotInStore(path); !s.ok()) return s;
  RemoveLeftovers(place);
  Temporary made;
  if (Status s = MakeTemporary(place, TemporaryKind::kDirectory, kMode, &made);
      !s.ok()) {
    return s.WithContext(path);
  }
  directory->reset(new NewDirectory(std::move(made), path));
  return Status::Ok();
}

NewDirectory::NewDirectory(Temporary temporary, std::string path)
    : temporary_(std::move(temporary)), path_(std::move(path)) {}

NewDirectory::~NewDirectory() {
  std::error_code ignored;
  // After Finish() the content is gone from here, and what is removed is the
  // empty directory around it.
  std::filesystem::remove_all(temporary_.path, ignored);
  // The descriptor goes last: the temporary is locked until it has no name.
  close(temporary_.fd);
}

Status NewDirectory::Finish() {
  if (Status s = RenameWithoutReplacing(content(), path_); !s.ok()) return s;
  return SyncDirectoryOf(path_);
}

}  // namespace actorkv
