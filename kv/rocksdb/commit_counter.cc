#include "kv/rocksdb/commit_counter.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <random>

#include "kv/base/descriptor.h"
#include "kv/base/system_error.h"
#include "kv/files/file_access.h"

namespace actorkv {
namespace {

static_assert(std::atomic<uint64_t>::is_always_lock_free,
              "processes share the number");

// DO NOT CHANGE THIS LAYOUT: processes of different modules share the file.
struct Contents {
  uint64_t count = 0;
  uint64_t random = 0;
};
static_assert(sizeof(Contents) == 16, "both without a gap");

constexpr size_t kBytes = sizeof(Contents);

std::string PathIn(const std::string& directory) {
  return directory + "/" + kCommitCounterFileName;
}

uint64_t NewRandom() {
  std::random_device device;
  uint64_t number = 0;
  // 0 stands for a file of an older module.
  while (number == 0) number = uint64_t{device()} << 32 | device();
  return number;
}

// Writes all bytes once, so that their block exists: a store to a page of a
// mapping that the disk has no room for would kill the process (SIGBUS).
Status WriteFirst(int fd, const std::string& path) {
  Contents contents;
  if (pread(fd, &contents, kBytes, 0) < 0) {
    return SystemError("read", path, errno);
  }
  // A file that an older module wrote is 8 bytes long: then `random` is 0 here,
  // and the count goes on.
  ++contents.count;
  contents.random = NewRandom();
  if (pwrite(fd, &contents, kBytes, 0) != static_cast<ssize_t>(kBytes)) {
    return SystemError("write", path, errno);
  }
  return Status::Ok();
}

}  // namespace

Status CommitCounter::Open(const std::string& directory,
                           std::unique_ptr<CommitCounter>* counter) {
  const std::string path = PathIn(directory);
  int fd = -1;
  if (Status s = OpenStoreFile(path, O_RDWR, &fd); !s.ok()) return s;
  const Descriptor file(fd);
  if (Status s = WriteFirst(file.get(), path); !s.ok()) return s;
  // The mapping outlives the descriptor, which is closed at the end (mmap(2)).
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
  const Descriptor file(
      open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file.get() < 0) {
    if (errno != ENOENT) return SystemError("open", path, errno);
    *count = CommitCount();
    return Status::Ok();
  }
  struct stat status = {};
  Contents contents;
  if (fstat(file.get(), &status) != 0 ||
      pread(file.get(), &contents, kBytes, 0) < 0) {
    return SystemError("read", path, errno);
  }
  // A file that is shorter leaves zeros, as an older module means them.
  *count = {status.st_dev, status.st_ino, contents.count, contents.random};
  return Status::Ok();
}

}  // namespace actorkv
