#include "kv/rivet/archive_layout.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <memory>
#include <utility>

#include "kv/base/system_error.h"
#include "kv/files/byte_reader.h"

namespace actorkv {

namespace {

struct DirCloser {
  void operator()(DIR* dir) const { closedir(dir); }
};

// The memory that a string of a list takes beside its characters, about: malloc
// has some for itself.
constexpr size_t kStringBytes = sizeof(std::string) + 16;

Status IsDirectory(DIR* dir, const dirent& entry, bool whole,
                   bool* is_directory) {
  struct stat file = {};
  // Links are followed: an archive may be put together from them.
  if (fstatat(dirfd(dir), static_cast<const char*>(entry.d_name), &file, 0) !=
      0) {
    // A link that leads nowhere, or a file that went since: in the list of all
    // that is there it counts as a file, and whoever reads it says what is
    // wrong.
    if (whole && errno == ENOENT) return Status::Ok();
    return SystemError("look at", static_cast<const char*>(entry.d_name),
                       errno);
  }
  *is_directory = S_ISDIR(file.st_mode);
  return Status::Ok();
}

Status List(const std::string& directory, bool whole, DirectoryList* list) {
  const std::unique_ptr<DIR, DirCloser> dir(opendir(directory.c_str()));
  if (dir == nullptr) return SystemError("list", directory, errno);
  DirectoryList found;
  size_t bytes = 0;
  // readdir() tells its end from an error by errno alone (readdir(3)).
  for (errno = 0; const dirent* entry = readdir(dir.get()); errno = 0) {
    const std::string_view name = static_cast<const char*>(entry->d_name);
    if (name == "." || name == ".." || (name[0] == '.' && !whole)) continue;
    // What is counted is memory: a directory can have more names than fit into
    // it, and an error is better than the end of the process.
    bytes += name.size() + kStringBytes;
    if (bytes > kMaxListBytes) {
      return Status::InvalidArgument("the names in " + directory +
                                     " take more than the limit of " +
                                     std::to_string(kMaxListBytes) + " bytes");
    }
    bool is_directory = entry->d_type == DT_DIR;
    // Some file systems do not fill in the type.
    if (entry->d_type == DT_UNKNOWN || entry->d_type == DT_LNK) {
      if (Status s = IsDirectory(dir.get(), *entry, whole, &is_directory);
          !s.ok()) {
        return s.WithContext(directory);
      }
    }
    (is_directory ? found.directories : found.others).emplace_back(name);
  }
  // A list that ends early would make an archive look smaller than it is: the
  // error counts, not what was read.
  if (errno != 0) return SystemError("list", directory, errno);
  // Sorted, so that names are found by bisection and shown in one order.
  std::sort(found.directories.begin(), found.directories.end());
  std::sort(found.others.begin(), found.others.end());
  *list = std::move(found);
  return Status::Ok();
}

}  // namespace

Status ListDirectory(const std::string& directory, DirectoryList* list) {
  return List(directory, false, list);
}

Status ListWholeDirectory(const std::string& directory, DirectoryList* list) {
  return List(directory, true, list);
}

Status CheckArchiveActorId(std::string_view id) {
  // The id becomes the name of a directory: it must not lead out of the
  // archive, nor be one of the names that are passed over.
  const bool is_name = !id.empty() && id.size() <= NAME_MAX && id[0] != '.' &&
                       id.find('/') == std::string_view::npos &&
                       id.find('\0') == std::string_view::npos;
  if (is_name) return Status::Ok();
  return Status::InvalidArgument(
      "an actor of an archive must have an id that is a file name, not \"" +
      std::string(id.substr(0, NAME_MAX)) + "\"");
}

Status ReadManifest(const std::string& directory, ArchiveManifest* manifest) {
  const std::string path = directory + kManifestName;
  std::string text;
  if (Status s = ReadJsonFile(path, &text); !s.ok()) return s;
  return ParseArchiveManifest(text, manifest).WithContext(path);
}

Status ReadJsonFile(const std::string& path, std::string* text) {
  std::unique_ptr<ByteSource> source;
  if (Status s = OpenFileBytes(path, &source); !s.ok()) return s;
  ByteReader reader(std::move(source));
  std::string read;
  // One byte more than the limit tells a file that is too large from one that
  // is just as large.
  if (Status s = reader.Take(kMaxArchiveJsonBytes + 1, &read); !s.ok()) {
    return s;
  }
  if (read.size() > kMaxArchiveJsonBytes) {
    return Status::InvalidArgument(path + " is larger than the limit of " +
                                   std::to_string(kMaxArchiveJsonBytes) +
                                   " bytes");
  }
  *text = std::move(read);
  return Status::Ok();
}

}  // namespace actorkv
