#include "kv/commit_counter.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <new>

#include "kv/descriptor.h"
#include "kv/store_directory.h"

namespace actorkv {
namespace {

static_assert(std::atomic<uint64_t>::is_always_lock_free,
              "processes share the number");

constexpr size_t kBytes = sizeof(uint64_t);

std::string PathIn(const std::string& directory) {
  return directory + "/" + kCommitCounterFileName;
}

// Writes the number once, so that its block exists: a store to a page of a
// mapping that the disk has no room for would kill the process.
Status WriteFirst(int fd, const std::string& path) {
  uint64_t value = 0;
  if (pread(fd, &value, kBytes, 0) < 0) {
    return SystemError("read", path, errno);
  }
  ++value;
  if (pwrite(fd, &value, kBytes, 0) != static_cast<ssize_t>(kBytes)) {
    return SystemError("write", path, errno);
  }
  return Status::Ok();
}

}  // namespace

Status CommitCounter::Open(const std::string& directory,
                           std::unique_ptr<CommitCounter>* counter) {
  const std::string path = PathIn(directory);
  const Descriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (file.get() < 0) return SystemError("open", path, errno);
  if (Status s = WriteFirst(file.get(), path); !s.ok()) return s;
  void* const mapped =
      mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (mapped == MAP_FAILED) return SystemError("map", path, errno);
  counter->reset(
      new CommitCounter(static_cast<std::atomic<uint64_t>*>(mapped)));
  return Status::Ok();
}

CommitCounter::~CommitCounter() { munmap(value_, kBytes); }

Status ReadCommitCount(const std::string& directory, CommitCount* count) {
  const std::string path = PathIn(directory);
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    if (errno != ENOENT) return SystemError("open", path, errno);
    *count = CommitCount();
    return Status::Ok();
  }
  struct stat status = {};
  uint64_t value = 0;
  if (fstat(file.get(), &status) != 0 ||
      pread(file.get(), &value, kBytes, 0) < 0) {
    return SystemError("read", path, errno);
  }
  *count = {status.st_dev, status.st_ino, value};
  return Status::Ok();
}

}  // namespace actorkv
