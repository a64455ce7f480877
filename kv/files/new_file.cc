#include "kv/files/new_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <utility>

#include "kv/base/system_error.h"
#include "kv/files/file_names.h"
#include "kv/files/temporary.h"

namespace actorkv {

namespace {

constexpr mode_t kNewMode = 0666;       // less the process's umask
constexpr mode_t kReplacedMode = 0600;  // until it has the other's mode

// The number of attempts: the place may change between a look and what follows
// it.
constexpr int kAttempts = 100;

std::atomic<bool> name_all{false};

std::string ProcPath(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

// Opens a file without a name in the directory, or returns -1.
int OpenUnnamed(const std::string& directory, mode_t mode) {
  if (name_all.load(std::memory_order_relaxed)) return -1;
  const int fd =
      open(directory.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
  // Without /proc the file could not be given a name.
  if (fd < 0 || access(ProcPath(fd).c_str(), F_OK) == 0) return fd;
  close(fd);
  return -1;
}

}  // namespace

void NewFile::NameAllForTesting(bool all) { name_all = all; }

Status NewFile::Create(const std::string& path, bool overwrite,
                       std::unique_ptr<NewFile>* file) {
  FileTarget target;
  if (Status s = FindFileTarget(path, overwrite, &target); !s.ok()) return s;
  // Files of dead writers go before one is made: on a disk that is full they
  // may be what fills it.
  RemoveLeftovers(std::string(DirectoryOf(target.path)));
  std::unique_ptr<NewFile> made(new NewFile(std::move(target), overwrite));
  if (Status s = made->Open(); !s.ok()) return s.WithContext(path);
  *file = std::move(made);
  return Status::Ok();
}

NewFile::NewFile(FileTarget target, bool overwrite)
    : target_(std::move(target)), overwrite_(overwrite) {}

NewFile::~NewFile() {
  if (fd_ < 0) return;
  // The name may mean something else if RenameOverFile() failed.
  if (!temporary_.empty() && IsStillNamed(fd_, temporary_)) {
    unlink(temporary_.c_str());
  }
  // The descriptor goes last: the file is locked until it has no name.
  close(fd_);
}

Status NewFile::Open() {
  const std::string directory(DirectoryOf(target_.path));
  // What replaces a private file must not be readable by others, not for a
  // moment either.
  const mode_t mode = target_.is_now.has_value() ? kReplacedMode : kNewMode;
  fd_ = OpenUnnamed(directory, mode);
  if (fd_ >= 0) {
    // It may get a temporary name later, and is locked by then: others take it
    // for nobody's leftover.
    LockUnnamed(fd_);
    return Status::Ok();
  }
  Temporary made;
  if (Status s = MakeTemporary(directory, TemporaryKind::kFile, mode, &made);
      !s.ok()) {
    return s;
  }
  temporary_ = std::move(made.path);
  fd_ = made.fd;
  return Status::Ok();
}

Status NewFile::Append(std::string_view bytes) {
  size_bytes_ += bytes.size();
  while (!bytes.empty()) {
    // Small pieces are collected: a dump has many pairs of some bytes, and a
    // write for each would cost more than the pair.
    const std::string_view part = bytes.substr(0, kPieceBytes - piece_.size());
    piece_.append(part);
    bytes.remove_prefix(part.size());
    if (piece_.size() < kPieceBytes) continue;
    if (Status s = WritePiece(); !s.ok()) return s;
  }
  return Status::Ok();
}

Status NewFile::WritePiece() {
  std::string_view rest = piece_;
  while (!rest.empty()) {
    const ssize_t put = write(fd_, rest.data(), rest.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return SystemError("write", target_.path, errno);
    rest.remove_prefix(static_cast<size_t>(put));
  }
  piece_.clear();
  return Status::Ok();
}

Status NewFile::GiveName(const std::string& path) {
  if (!temporary_.empty()) return RenameWithoutReplacing(temporary_, path);
  if (linkat(AT_FDCWD, ProcPath(fd_).c_str(), AT_FDCWD, path.c_str(),
             AT_SYMLINK_FOLLOW) == 0) {
    return Status::Ok();
  }
  return errno == EEXIST ? ExistsAlready(path)
                         : SystemError("create", path, errno);
}

Status NewFile::Place(bool* done) {
  FileTarget now;
  if (Status s = FindFileTarget(target_.path, overwrite_, &now); !s.ok()) {
    return s;
  }
  const bool replaces = now.is_now.has_value();
  // A file that vanished since Create() still says which permissions to keep.
  if (replaces) target_.is_now = now.is_now;
  if (target_.is_now.has_value()) {
    Status kept = KeepAttributes(target_.path, *target_.is_now, fd_);
    if (!kept.ok()) return kept;
  }
  // The content is on the disk before the name is: after a crash the name means
  // the old file or the whole new one.
  if (fsync(fd_) != 0) return SystemError("sync", target_.path, errno);
  Status placed;
  // linkat() cannot replace, so the file gets a name to be renamed from.
  if (replaces && temporary_.empty()) {
    std::string name = std::string(DirectoryOf(target_.path)) + "/" +
                       NewTemporaryName(TemporaryKind::kFile);
    if (Status s = GiveName(name); !s.ok()) return s;
    temporary_ = std::move(name);
  }
  placed = replaces ? RenameOverFile(temporary_, target_.path)
                    : GiveName(target_.path);
  if (placed.ok()) temporary_.clear();
  *done = placed.ok();
  // The place changed since the look: it is looked at again, unless the file
  // that came must stay.
  const Code lost = replaces ? Code::kNotFound : Code::kAlreadyExists;
  const bool again = placed.code() == lost && (replaces || overwrite_);
  return again ? Status::Ok() : placed;
}

Status NewFile::Finish() {
  if (Status s = WritePiece(); !s.ok()) return s;
  bool done = false;
  for (int i = 0; !done; ++i) {
    if (i == kAttempts) {
      return Status::Busy("others make and remove it all the time: " +
                          target_.path);
    }
    if (Status s = Place(&done); !s.ok()) return s;
  }
  // Some network file systems tell of a failed write only at the close
  // (close(2)).
  const int closed = close(std::exchange(fd_, -1));
  if (closed != 0) return SystemError("close", target_.path, errno);
  return SyncDirectoryOf(target_.path);
}

}  // namespace actorkv
