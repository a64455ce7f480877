// OpenedDirectory: the directory of a store as it was when it was opened.
//
// A path says where something is now, and may mean another directory a moment
// later: moved away, replaced by a backup, removed and made again, mounted
// over. So the directory is held by a descriptor, and everything in it is found
// through that (work_path()): what is made or removed is so in the directory
// that was opened, wherever it is, and nowhere else. Where /proc is missing
// work_path() is the path itself; then IsHolding() keeps files from being made
// or removed in another store.
//
// Invariants:
//  1. Directory and marker are held open, so no other file can have their
//     inode numbers: equal numbers mean the same file.
//  2. CheckNotMoved() is ok only where the path leads to this directory and the
//     marker in it is the one that was opened: same inode, and the same content
//     since the change time that is remembered. One look at the marker by its
//     path says both, as long as the marker has no second name elsewhere.
//
// Thread-safe.

#ifndef ACTORKV_KV_FILES_OPENED_DIRECTORY_H_
#define ACTORKV_KV_FILES_OPENED_DIRECTORY_H_

#include <sys/stat.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "kv/base/status.h"
#include "kv/files/file_access.h"
#include "kv/files/store_marker.h"

namespace actorkv {

class OpenedDirectory {
 public:
  // `path` is absolute and has no links. A directory without a marker will do.
  // Errors: kNotFound; kInvalidArgument for a file; kIOError; those of
  // ReadMarker().
  static Status Open(const std::string& path,
                     std::shared_ptr<OpenedDirectory>* directory);

  ~OpenedDirectory();
  OpenedDirectory(const OpenedDirectory&) = delete;
  OpenedDirectory& operator=(const OpenedDirectory&) = delete;

  // The name under which it was opened, for people.
  const std::string& path() const { return path_; }

  // The path for system calls.
  const std::string& work_path() const { return work_path_; }

  // Takes over the marker after RaiseMarker() in it. Errors: those of
  // ReadMarker().
  Status AdoptMarker();

  // Says ok while path() leads here. Costs one system call. Errors: kFenced,
  // with what became of it and what to do.
  Status CheckNotMoved();

  // Says whether the marker under work_path() is the one that was opened, and
  // the access that files made there are to have.
  bool IsHolding(FileAccess* access) const;

  // Returns `status` with path() in its message in the place of work_path().
  Status Named(const Status& status) const;

 private:
  OpenedDirectory(std::string path, int fd, const struct stat& directory);

  std::string MarkerIn(const std::string& directory) const;
  bool IsKnownMarker(const struct stat& file) const;
  // Looks at the directory and the content, where a look at the marker was not
  // enough.
  Status LookAgain();
  Status CheckPath() const;
  Status Moved(const std::string& what) const;
  // REQUIRES, of both: mutex_ is held.
  Status TakeMarker(bool must_be_same);
  Status TakeMarkerOnce(bool must_be_same);

  const std::string path_;
  const int fd_;
  const dev_t device_;
  const ino_t inode_;
  const std::string work_path_;
  const std::string marker_path_;  // by path_

  std::mutex mutex_;
  Marker marker_;       // guarded by mutex_
  int marker_fd_ = -1;  // guarded by mutex_; -1: there is none
  // The values that a look at the marker is compared with. Written with mutex_
  // held; a reader of half a change looks again.
  std::atomic<uint64_t> marker_device_{0};
  std::atomic<uint64_t> marker_inode_{0};  // 0: there is none
  std::atomic<int64_t> marker_changed_ns_{0};
};

// Returns `text` with `directory` in the place of every name of a directory
// through its descriptor, "/proc/self/fd/7".
std::string WithoutDescriptors(std::string text, std::string_view directory);

}  // namespace actorkv

#endif  // ACTORKV_KV_FILES_OPENED_DIRECTORY_H_
