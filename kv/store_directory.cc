#include "kv/store_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>

#include "kv/affix.h"
#include "kv/descriptor.h"
#include "kv/log_scan.h"
#include "kv/store_marker.h"

namespace actorkv {
namespace {

constexpr std::string_view kCurrent = "CURRENT";

// Files that exist only where a database was. MANIFEST-000001 is not one of
// them: a crash in the middle of the first creation leaves it without
// CURRENT, and there cannot be data behind it.
bool IsDatabaseFile(std::string_view name) {
  return EndsWith(name, ".sst") || EndsWith(name, ".blob") ||
         EndsWith(name, ".log") ||
         (BeginsWith(name, "MANIFEST-") && name != "MANIFEST-000001");
}

// Files that a creation which did not finish may leave, our own, and what
// mkfs puts into the root of a file system.
bool IsHarmless(std::string_view name) {
  return BeginsWith(name, "actorkv.") || name == "LOCK" || name == "IDENTITY" ||
         BeginsWith(name, "LOG") || BeginsWith(name, "OPTIONS-") ||
         EndsWith(name, ".dbtmp") || name == "MANIFEST-000001" ||
         name == "lost+found";
}

bool IsStamped(std::string_view name) {
  return name == kCurrent || BeginsWith(name, "MANIFEST-") ||
         EndsWith(name, ".log");
}

// Every name but "." and "..".
Status ListDirectory(const std::string& directory,
                     std::vector<std::string>* names) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(directory.c_str()),
                                                &closedir);
  if (dir == nullptr) return SystemError("list", directory, errno);
  std::vector<std::string> found;
  errno = 0;
  while (const dirent* entry = readdir(dir.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") found.emplace_back(name);
    errno = 0;
  }
  if (errno != 0) return SystemError("list", directory, errno);
  *names = std::move(found);
  return Status::Ok();
}

Status RewriteFile(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (file.get() < 0) return SystemError("open", path, errno);
  std::vector<char> buffer(size_t{1} << 20);
  off_t offset = 0;
  for (;;) {
    const ssize_t got = pread(file.get(), buffer.data(), buffer.size(), offset);
    if (got < 0) return SystemError("read", path, errno);
    if (got == 0) break;
    const auto wanted = static_cast<size_t>(got);
    const ssize_t put = pwrite(file.get(), buffer.data(), wanted, offset);
    if (put < 0) return SystemError("write", path, errno);
    if (put == 0) return SystemError("write", path, EIO);
    offset += put;
  }
  if (fsync(file.get()) != 0) return SystemError("sync", path, errno);
  return Status::Ok();
}

}  // namespace

Status SystemError(std::string_view what, std::string_view path, int error) {
  const std::string message = std::string(what) + " " + std::string(path) +
                              ": " + std::generic_category().message(error);
  if (error == ENOSPC || error == EDQUOT) return Status::NoSpace(message);
  if (error == ENOENT) return Status::NotFound(message);
  return Status::IOError(message);
}

Status ClassifyDirectory(const std::string& directory, DirectoryKind* kind) {
  std::vector<std::string> names;
  Status listed = ListDirectory(directory, &names);
  if (listed.code() == Code::kNotFound) {
    *kind = DirectoryKind::kMissing;
    return Status::Ok();
  }
  if (!listed.ok()) return listed;
  if (std::find(names.begin(), names.end(), kCurrent) != names.end()) {
    *kind = DirectoryKind::kDatabase;
    return Status::Ok();
  }
  for (const std::string& name : names) {
    if (IsDatabaseFile(name)) {
      return Status::Corruption("CURRENT is missing beside " + name + ": " +
                                directory);
    }
  }
  for (const std::string& name : names) {
    if (!IsHarmless(name)) {
      return Status::InvalidArgument("not a store, and not empty (" + name +
                                     "): " + directory);
    }
  }
  *kind = DirectoryKind::kFresh;
  return Status::Ok();
}

Status HasData(const std::string& directory, bool* has_data) {
  std::vector<std::string> names;
  if (Status s = ListDirectory(directory, &names); !s.ok()) return s;
  bool found = false;
  for (const std::string& name : names) {
    found = found || EndsWith(name, ".sst");
    if (!EndsWith(name, ".log")) continue;
    // There are zeros ahead of a log before there is anything in it.
    LogScan log;
    if (Status s = ScanLog(directory + "/" + name, &log); !s.ok()) return s;
    found = found || log.used_bytes > 0;
  }
  *has_data = found;
  return Status::Ok();
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
  if (access(directory.c_str(), F_OK) == 0) return Status::Ok();
  if (Status s = CheckNotInStore(directory); !s.ok()) return s;
  if (mkdir(directory.c_str(), 0777) == 0 || errno == EEXIST) {
    return Status::Ok();
  }
  return SystemError("mkdir", directory, errno);
}

Status ReadStamp(const std::string& directory, DirectoryStamp* stamp) {
  std::vector<std::string> names;
  if (Status s = ListDirectory(directory, &names); !s.ok()) return s;
  std::sort(names.begin(), names.end());
  DirectoryStamp read;
  bool has_current = false;
  for (const std::string& name : names) {
    if (!IsStamped(name)) continue;
    struct stat file = {};
    // A file that vanished since it was listed makes the stamps differ.
    if (stat((directory + "/" + name).c_str(), &file) != 0) continue;
    has_current = has_current || name == kCurrent;
    read.files.push_back(
        {name, file.st_ino, static_cast<uint64_t>(file.st_size),
         int64_t{file.st_mtim.tv_sec} * 1000000000 + file.st_mtim.tv_nsec});
  }
  if (!has_current) return Status::NotFound("no database: " + directory);
  *stamp = std::move(read);
  return Status::Ok();
}

bool SameFiles(const DirectoryStamp& before, const DirectoryStamp& after) {
  if (before.files.size() != after.files.size()) return false;
  for (size_t i = 0; i < before.files.size(); ++i) {
    const DirectoryStamp::File& a = before.files[i];
    const DirectoryStamp::File& b = after.files[i];
    if (a.name != b.name || a.inode != b.inode) return false;
    // Commits write to logs, and only to them.
    if (!EndsWith(a.name, ".log") && !(a == b)) return false;
  }
  return true;
}

Status SyncDirectory(const std::string& directory) {
  const Descriptor opened(
      open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() < 0) return SystemError("open", directory, errno);
  if (fsync(opened.get()) != 0) return SystemError("sync", directory, errno);
  return Status::Ok();
}

Status ListLogs(const std::string& directory, std::vector<std::string>* names) {
  std::vector<std::string> all;
  if (Status s = ListNames(directory, "", &all); !s.ok()) return s;
  all.erase(
      std::remove_if(all.begin(), all.end(),
                     [](const auto& name) { return !EndsWith(name, ".log"); }),
      all.end());
  *names = std::move(all);
  return Status::Ok();
}

Status ListNames(const std::string& directory, std::string_view prefix,
                 std::vector<std::string>* names) {
  std::vector<std::string> all;
  if (Status s = ListDirectory(directory, &all); !s.ok()) return s;
  all.erase(std::remove_if(all.begin(), all.end(),
                           [prefix](const auto& name) {
                             return !BeginsWith(name, prefix);
                           }),
            all.end());
  std::sort(all.begin(), all.end());
  *names = std::move(all);
  return Status::Ok();
}

Status RewriteLogs(const std::string& directory) {
  std::vector<std::string> logs;
  if (Status s = ListLogs(directory, &logs); !s.ok()) return s;
  for (const std::string& name : logs) {
    if (Status s = RewriteFile(directory + "/" + name); !s.ok()) return s;
  }
  return Status::Ok();
}

Status DirectoryBytes(const std::string& directory, uint64_t* bytes) {
  std::vector<std::string> names;
  if (Status s = ListDirectory(directory, &names); !s.ok()) return s;
  uint64_t sum = 0;
  for (const std::string& name : names) {
    struct stat file = {};
    if (stat((directory + "/" + name).c_str(), &file) != 0) {
      return SystemError("stat", directory + "/" + name, errno);
    }
    sum += static_cast<uint64_t>(file.st_size);
  }
  *bytes = sum;
  return Status::Ok();
}

}  // namespace actorkv
