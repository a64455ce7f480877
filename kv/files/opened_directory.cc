#include "kv/files/opened_directory.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <system_error>
#include <utility>

#include "kv/base/system_error.h"

namespace actorkv {
namespace {

constexpr std::string_view kDescriptors = "/proc/self/fd/";

// The number of attempts: a marker may be replaced between the two looks at it
// that have to agree.
constexpr int kMarkerAttempts = 8;

std::string ErrorText(int error) {
  return std::generic_category().message(error);
}

std::string WorkPath(int fd, const std::string& path) {
  std::string name = std::string(kDescriptors) + std::to_string(fd);
  struct stat by_name = {};
  struct stat by_fd = {};
  // /proc may be missing, or be that of another pid namespace.
  const bool works = stat(name.c_str(), &by_name) == 0 &&
                     fstat(fd, &by_fd) == 0 && by_name.st_dev == by_fd.st_dev &&
                     by_name.st_ino == by_fd.st_ino;
  return works ? name : path;
}

// Opens a descriptor that is none of the first three, which programs close and
// open again as they like. Negative, and errno, on an error.
int OpenHeld(const std::string& path, int flags) {
  const int fd = open(path.c_str(), flags | O_PATH | O_CLOEXEC);
  if (fd < 0 || fd > STDERR_FILENO) return fd;
  const int higher = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  close(fd);
  return higher;
}

}  // namespace

Status OpenedDirectory::Open(const std::string& path,
                             std::shared_ptr<OpenedDirectory>* directory) {
  // O_PATH takes no right to read, and keeps the inode: its number is given to
  // no other directory while it is open.
  const int fd = OpenHeld(path, O_DIRECTORY);
  if (fd < 0 && errno == ENOTDIR) {
    return Status::InvalidArgument("a store is a directory, this is not: " +
                                   path);
  }
  if (fd < 0) return SystemError("open", path, errno);
  struct stat found = {};
  if (fstat(fd, &found) != 0) {
    Status s = SystemError("look at", path, errno);
    close(fd);
    return s;
  }
  std::shared_ptr<OpenedDirectory> opened(new OpenedDirectory(path, fd, found));
  if (Status s = opened->AdoptMarker(); !s.ok()) return opened->Named(s);
  *directory = std::move(opened);
  return Status::Ok();
}

OpenedDirectory::OpenedDirectory(std::string path, int fd,
                                 const struct stat& directory)
    : path_(std::move(path)),
      fd_(fd),
      device_(directory.st_dev),
      inode_(directory.st_ino),
      work_path_(WorkPath(fd, path_)),
      marker_path_(MarkerIn(path_)) {}

OpenedDirectory::~OpenedDirectory() {
  if (marker_fd_ >= 0) close(marker_fd_);
  close(fd_);
}

std::string OpenedDirectory::MarkerIn(const std::string& directory) const {
  return directory + "/" + kMarkerFileName;
}

bool OpenedDirectory::IsKnownMarker(const struct stat& file) const {
  return file.st_dev == marker_device_.load(std::memory_order_relaxed) &&
         file.st_ino == marker_inode_.load(std::memory_order_relaxed);
}

Status OpenedDirectory::AdoptMarker() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return TakeMarker(/*must_be_same=*/false);
}

Status OpenedDirectory::TakeMarker(bool must_be_same) {
  Status status;
  for (int i = 0; i < kMarkerAttempts; ++i) {
    status = TakeMarkerOnce(must_be_same);
    if (status.code() != Code::kBusy) return status;
  }
  return status;
}

Status OpenedDirectory::TakeMarkerOnce(bool must_be_same) {
  const std::string path = MarkerIn(work_path_);
  const int fd = OpenHeld(path, O_NOFOLLOW);
  // A directory that is to become a store has no marker yet.
  if (fd < 0 && errno == ENOENT && !must_be_same) return Status::Ok();
  if (fd < 0) return SystemError("open", path, errno);
  Marker marker;
  struct stat file = {};
  struct stat after = {};
  // The change time is from before the reading: a write meanwhile makes the
  // next look differ.
  const bool looked = fstat(fd, &file) == 0;
  Status status = ReadMarker(work_path_, &marker);
  if (!looked || lstat(path.c_str(), &after) != 0 ||
      file.st_dev != after.st_dev || file.st_ino != after.st_ino) {
    status = Status::Busy("the marker is being replaced: " + path);
  }
  // A marker without an id gets one when the store is first written to.
  const bool raised = marker_.format == 1 && marker.format > 1;
  const bool same = IsKnownMarker(file) && marker == marker_;
  if (status.ok() && must_be_same && !same && !raised) {
    status = Moved("the files of another store were put into it");
  }
  if (!status.ok()) {
    close(fd);
    return status;
  }
  // The new marker is open before the old one is closed: inode numbers cannot
  // repeat in between (invariant 1).
  if (marker_fd_ >= 0) close(marker_fd_);
  marker_fd_ = fd;
  marker_ = marker;
  marker_device_.store(file.st_dev, std::memory_order_relaxed);
  marker_inode_.store(file.st_ino, std::memory_order_relaxed);
  marker_changed_ns_.store(ChangedNs(file), std::memory_order_relaxed);
  return Status::Ok();
}

Status OpenedDirectory::CheckNotMoved() {
  // Before there is a marker the directory itself is all that can be compared.
  if (marker_inode_.load(std::memory_order_relaxed) == 0) return CheckPath();
  struct stat file = {};
  const bool same =
      lstat(marker_path_.c_str(), &file) == 0 && IsKnownMarker(file) &&
      ChangedNs(file) == marker_changed_ns_.load(std::memory_order_relaxed);
  // With a second name the marker may be found in another directory, too
  // (invariant 2).
  if (same && file.st_nlink == 1) return Status::Ok();
  return same ? CheckPath() : LookAgain();
}

Status OpenedDirectory::CheckPath() const {
  struct stat found = {};
  if (stat(path_.c_str(), &found) != 0) {
    return Moved(errno == ENOENT ? "there is nothing of that name now"
                                 : ErrorText(errno));
  }
  if (found.st_dev == device_ && found.st_ino == inode_) return Status::Ok();
  return Moved("another directory has that name now");
}

Status OpenedDirectory::LookAgain() {
  if (Status s = CheckPath(); !s.ok()) return s;
  const std::lock_guard<std::mutex> lock(mutex_);
  Status s = TakeMarker(/*must_be_same=*/true);
  if (s.ok() || s.code() == Code::kFenced) return s;
  return Moved("its marker is gone: " + Named(s).ToString());
}

Status OpenedDirectory::Moved(const std::string& what) const {
  // The kernel knows under which path an open directory is now.
  std::string where(PATH_MAX, '\0');
  const ssize_t got =
      work_path_ == path_
          ? -1
          : readlink(work_path_.c_str(), where.data(), where.size());
  where.resize(got > 0 ? static_cast<size_t>(got) : 0);
  const bool known = !where.empty() && where != path_;
  return Status::Fenced(
      "the store's directory is not the one that was opened: " + path_ +
      " was moved, removed or replaced (" + what +
      (known ? "; the one that was opened is " + where + " now" : "") +
      "): nothing is written; put it back, or close all connections to it and "
      "open them again");
}

bool OpenedDirectory::IsHolding(FileAccess* access) const {
  struct stat file = {};
  if (marker_inode_.load(std::memory_order_relaxed) == 0) {
    *access = AccessIn(work_path_);
    return true;
  }
  if (lstat(MarkerIn(work_path_).c_str(), &file) != 0) return false;
  *access = AccessOf(file);
  return IsKnownMarker(file);
}

Status OpenedDirectory::Named(const Status& status) const {
  if (status.ok() || work_path_ == path_) return status;
  return status.WithMessage(
      WithoutDescriptors(std::string(status.message()), path_));
}

std::string WithoutDescriptors(std::string text, std::string_view directory) {
  size_t at = 0;
  while ((at = text.find(kDescriptors, at)) != std::string::npos) {
    const size_t begin = at + kDescriptors.size();
    size_t end = text.find_first_not_of("0123456789", begin);
    if (end == std::string::npos) end = text.size();
    if (end > begin) {
      text.replace(at, end - at, directory);
      at += directory.size();
    } else {
      at = begin;
    }
  }
  return text;
}

}  // namespace actorkv
