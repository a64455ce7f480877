#include "kv/files/store_marker.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <random>
#include <string_view>
#include <vector>

#include "kv/base/affix.h"
#include "kv/base/descriptor.h"
#include "kv/base/system_error.h"
#include "kv/base/types.h"
#include "kv/files/directory.h"
#include "kv/files/file_names.h"

namespace actorkv {

namespace {

constexpr std::string_view kText = "actorkv store, format ";
constexpr std::string_view kIdPrefix = "id ";
constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr size_t kMaxMarkerBytes = 256;
constexpr size_t kIdDigits = 32;
constexpr char kTemporarySuffix[] = ".tmp";

std::string MarkerPath(const std::string& directory) {
  return directory + "/" + kMarkerFileName;
}

std::string RandomHex(size_t digits) {
  std::random_device device;
  std::string hex;
  while (hex.size() < digits) hex += kHexDigits[device() % kHexDigits.size()];
  return hex;
}

Status Write(int fd, const std::string& text, const std::string& path) {
  const ssize_t written = write(fd, text.data(), text.size());
  if (written != static_cast<ssize_t>(text.size())) {
    // A marker is written at once; a disk that took only a part of it is full.
    return SystemError("write", path, written < 0 ? errno : ENOSPC);
  }
  return fsync(fd) == 0 ? Status::Ok() : SystemError("sync", path, errno);
}

// Removes files of a process that died meanwhile.
void RemoveLeftovers(const std::string& directory) {
  std::vector<std::string> names;
  const std::string prefix = std::string(kMarkerFileName) + kTemporarySuffix;
  if (!ListNames(directory, prefix, &names).ok()) return;
  for (const std::string& name : names) {
    unlink((directory + "/" + name).c_str());
  }
}

// Writes a marker under a name that nobody else has; it is on the disk then.
Status WriteTemporary(const std::string& directory, const FileAccess& access,
                      const std::string& id, std::string* path) {
  RemoveLeftovers(directory);
  const std::string made =
      MarkerPath(directory) + kTemporarySuffix + "-" + RandomHex(16);
  const Descriptor file(
      open(made.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
           0600));
  if (file.get() < 0) return SystemError("create", made, errno);
  GiveAccess(file.get(), access);
  const std::string text = std::string(kText) + std::to_string(kStoreFormat) +
                           "\n" + std::string(kIdPrefix) + id + "\n";
  if (Status s = Write(file.get(), text, made); !s.ok()) {
    unlink(made.c_str());
    return s;
  }
  *path = made;
  return Status::Ok();
}

bool IsId(std::string_view id) {
  return id.size() == kIdDigits &&
         id.find_first_not_of(kHexDigits) == std::string_view::npos;
}

// Parses a marker; `rest` is its text without the first line.
Status ParseMarker(std::string_view format, std::string_view rest,
                   const std::string& directory, Marker* marker) {
  // A marker of format 1 is one line, and has no id.
  if (format == "1") {
    *marker = {1, ""};
    return Status::Ok();
  }
  // Formats 2 and 3 have the same marker.
  const bool known = format == "2" || format == std::to_string(kStoreFormat);
  if (!known) {
    return Status::NotSupported(
        "store format " + std::string(format) +
        " is not known; this module reads formats 1 to " +
        std::to_string(kStoreFormat) + ": " + directory);
  }
  if (BeginsWith(rest, kIdPrefix) && EndsWith(rest, "\n")) {
    rest.remove_prefix(kIdPrefix.size());
    rest.remove_suffix(1);
    if (IsId(rest)) {
      *marker = {format == "2" ? 2U : kStoreFormat, std::string(rest)};
      return Status::Ok();
    }
  }
  return Status::Corruption("not a store marker: " + MarkerPath(directory));
}

}  // namespace

Status WriteMarker(const std::string& directory) {
  return WriteMarker(directory, AccessIn(directory));
}

Status WriteMarker(const std::string& directory, const FileAccess& access) {
  const std::string path = MarkerPath(directory);
  struct stat there = {};
  // Anything of that name stays (invariant 2); a reader says what is wrong with
  // it.
  if (lstat(path.c_str(), &there) == 0) return Status::Ok();
  std::string temporary;
  if (Status s =
          WriteTemporary(directory, access, RandomHex(kIdDigits), &temporary);
      !s.ok()) {
    return s;
  }
  // It appears whole, with its content on the disk, or not at all.
  Status renamed = RenameWithoutReplacing(temporary, path);
  if (!renamed.ok()) unlink(temporary.c_str());
  // Another process may have been first: either its marker is there, or it took
  // ours away as a leftover and is about to put its own.
  if (renamed.code() == Code::kNotFound) return WriteMarker(directory, access);
  if (!renamed.ok() && renamed.code() != Code::kAlreadyExists) return renamed;
  return SyncDirectory(directory);
}

Status RaiseMarker(const std::string& directory, bool* raised) {
  *raised = false;
  Marker marker;
  Status read = ReadMarker(directory, &marker);
  if (read.code() == Code::kNotFound) return Status::Ok();
  // A format that is not known is an error of ReadMarker(), so what is left is
  // older.
  if (!read.ok() || marker.format == kStoreFormat) return read;
  std::string temporary;
  // It is the same store to whoever has it open and knows its id.
  const std::string id = marker.id.empty() ? RandomHex(kIdDigits) : marker.id;
  if (Status s = WriteTemporary(directory, AccessIn(directory), id, &temporary);
      !s.ok()) {
    return s;
  }
  // This one replaces: the store is held, so no other process is at work with
  // the old one.
  if (rename(temporary.c_str(), MarkerPath(directory).c_str()) != 0) {
    Status s = SystemError("rename", temporary, errno);
    unlink(temporary.c_str());
    return s;
  }
  *raised = true;
  return SyncDirectory(directory);
}

Status ReadMarker(const std::string& directory, Marker* marker) {
  const std::string path = MarkerPath(directory);
  if (Status s = CheckPlainFile(path); !s.ok()) return s;
  const Descriptor file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (file.get() < 0) return SystemError("open", path, errno);
  std::string text(kMaxMarkerBytes, '\0');
  const ssize_t got = read(file.get(), text.data(), text.size());
  if (got < 0) return SystemError("read", path, errno);
  text.resize(static_cast<size_t>(got));
  const size_t line_end = text.find('\n');
  if (!BeginsWith(text, kText) || line_end == std::string::npos) {
    return Status::Corruption("not a store marker: " + path);
  }
  const std::string_view all = text;
  return ParseMarker(all.substr(kText.size(), line_end - kText.size()),
                     all.substr(line_end + 1), directory, marker);
}

Status CheckMarker(const std::string& directory) {
  Marker marker;
  return ReadMarker(directory, &marker);
}

int64_t ChangedNs(const struct stat& file) {
  return int64_t{file.st_ctim.tv_sec} * 1000000000 + file.st_ctim.tv_nsec;
}

}  // namespace actorkv
