#include "kv/rocksdb/ballast.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "kv/base/descriptor.h"
#include "kv/files/file_access.h"

namespace actorkv {
namespace {

uint64_t RoundedUp(uint64_t bytes) {
  return (bytes + kBallastStepBytes - 1) / kBallastStepBytes *
         kBallastStepBytes;
}

}  // namespace

Ballast::Ballast(std::string directory)
    : path_(std::move(directory) + "/" + kBallastFileName) {
  struct stat info = {};
  if (stat(path_.c_str(), &info) == 0) {
    size_bytes_ = static_cast<uint64_t>(info.st_size);
  }
}

void Ballast::Keep(const Need& need) {
  const uint64_t wanted =
      need.store_bytes < kMinBallastStoreBytes
          ? 0
          : RoundedUp(need.flush_bytes + kBallastOverheadBytes);
  const uint64_t has = size_bytes_.load();
  if (wanted == 0) is_missing_ = false;
  // The common case, without the lock: Keep() is called often, and a size that
  // is a moment old does no harm.
  if (wanted <= has && has <= wanted + kBallastStepBytes) return;
  if (wanted > has && wanted - has > need.free_bytes) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (wanted < has) return Cut(wanted);
  // A file system that refused fallocate() once is not asked again.
  if (!is_possible_) return;
  int fd = -1;
  if (!OpenStoreFile(path_, O_RDWR, &fd).ok()) return;
  const Descriptor file(fd);
  if (fallocate(file.get(), 0, 0, static_cast<off_t>(wanted)) == 0) {
    size_bytes_ = wanted;
    is_missing_ = false;
    return;
  }
  is_possible_ = errno != EOPNOTSUPP && errno != ENOSYS;
  // Part of the file may have been allocated; it goes, as its size must be what
  // size_bytes_ says.
  if (ftruncate(file.get(), static_cast<off_t>(has)) != 0) {
    unlink(path_.c_str());
    size_bytes_ = 0;
  }
}

void Ballast::Trim(uint64_t flush_bytes) {
  const uint64_t wanted = flush_bytes + kBallastOverheadBytes;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (wanted < size_bytes_.load()) Cut(wanted);
}

void Ballast::Cut(uint64_t bytes) {
  int fd = -1;
  if (!OpenStoreFile(path_, O_RDWR, &fd).ok()) return;
  const Descriptor file(fd);
  if (ftruncate(file.get(), static_cast<off_t>(bytes)) == 0) {
    size_bytes_ = bytes;
  }
}

bool Ballast::GiveUp() {
  const std::lock_guard<std::mutex> lock(mutex_);
  struct stat info = {};
  // A file without blocks, whatever its size, has no space to give back.
  const bool had = stat(path_.c_str(), &info) == 0 && info.st_blocks > 0;
  size_bytes_ = 0;
  const bool given = unlink(path_.c_str()) == 0 && had;
  if (given) is_missing_ = true;
  return given;
}

}  // namespace actorkv
