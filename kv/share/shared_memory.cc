#include "kv/share/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "kv/base/system_error.h"

namespace actorkv {
namespace {

// Nobody makes it shorter or longer, or takes these seals away.
constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

// The unit of st_blocks (stat(2)).
constexpr uint64_t kBlockBytes = 512;

std::atomic<bool> memfds_are_refused{false};

int MakeMemfd(const std::string& name) {
  if (memfds_are_refused) {
    errno = EPERM;
    return -1;
  }
  return memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

// A disk that is full may take a part, and then nothing.
Status WriteZeros(int fd, const std::string& path, size_t size_bytes) {
  const std::string zeros(std::min(size_bytes, size_t{1} << 16), '\0');
  for (size_t done = 0; done < size_bytes;) {
    const ssize_t put =
        pwrite(fd, zeros.data(), std::min(zeros.size(), size_bytes - done),
               static_cast<off_t>(done));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return SystemError("write", path, put < 0 ? errno : EIO);
    done += static_cast<size_t>(put);
  }
  return Status::Ok();
}

// "" where the file is memory of this size that stays so, else what is wrong.
std::string Fault(int fd, const struct stat& file, size_t size_bytes) {
  if (!S_ISREG(file.st_mode)) return "it is no memory";
  if (static_cast<uint64_t>(file.st_size) != size_bytes) {
    return "it has " + std::to_string(file.st_size) + " bytes, not " +
           std::to_string(size_bytes);
  }
  const int seals = fcntl(fd, F_GET_SEALS);
  if (seals >= 0) {
    return (seals & kSeals) == kSeals ? "" : "its size is not sealed";
  }
  // A file of a disk has no seals.
  if (file.st_nlink != 0) return "it is a file with a name";
  const auto blocks = static_cast<uint64_t>(file.st_blocks);
  return blocks * kBlockBytes >= size_bytes ? "" : "it is a file with holes";
}

}  // namespace

void RefuseMemfdsForTesting(bool refuse) { memfds_are_refused = refuse; }

Status SharedMemory::Make(const OpenedDirectory& directory,
                          const std::string& name, size_t size_bytes,
                          std::unique_ptr<SharedMemory>* memory) {
  std::unique_ptr<SharedMemory> made(new SharedMemory(size_bytes));
  if (made->fd_.Open([&] { return MakeMemfd(name); }) < 0) {
    if (Status s = made->MakeFile(directory, name); !s.ok()) return s;
  } else if (ftruncate(made->fd(), static_cast<off_t>(size_bytes)) != 0 ||
             fcntl(made->fd(), F_ADD_SEALS, kSeals) != 0) {
    return SystemError("size and seal", name, errno);
  }
  if (Status s = made->Map(name); !s.ok()) return s;
  *memory = std::move(made);
  return Status::Ok();
}

Status SharedMemory::MakeFile(const OpenedDirectory& directory,
                              const std::string& name) {
  static std::atomic<uint64_t> count{0};
  const std::string file = "/" + name + "." + std::to_string(getpid()) + "." +
                           std::to_string(++count);
  const std::string path = directory.work_path() + file;
  const std::string shown = directory.path() + file;
  // What has the name is of a process that died between the next two calls,
  // and nobody else's: only the owner of the store makes it.
  if (unlink(path.c_str()) != 0 && errno != ENOENT) {
    return SystemError("remove", shown, errno);
  }
  constexpr int kFlags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  constexpr mode_t kMode = 0600;
  if (fd_.Open([&] { return open(path.c_str(), kFlags, kMode); }) < 0) {
    return SystemError("make", shown, errno);
  }
  if (unlink(path.c_str()) != 0) return SystemError("remove", shown, errno);
  return WriteZeros(fd(), shown, size_bytes_);
}

Status SharedMemory::Adopt(int fd, const std::string& name, size_t size_bytes,
                           std::unique_ptr<SharedMemory>* memory) {
  UnsharedFd taken;
  if (taken.Open([&] { return fd; }) < 0) {
    return SystemError("take over", name, errno);
  }
  struct stat file = {};
  if (fstat(taken.get(), &file) != 0) {
    return SystemError("look at", name, errno);
  }
  if (std::string fault = Fault(taken.get(), file, size_bytes);
      !fault.empty()) {
    return Status::Corruption(
        name + " came from the owner of the store, and is not used: " + fault);
  }
  std::unique_ptr<SharedMemory> made(new SharedMemory(size_bytes));
  const int copy = made->fd_.Open(
      [&] { return fcntl(taken.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1); });
  if (copy < 0) return SystemError("take over", name, errno);
  if (Status s = made->Map(name); !s.ok()) return s;
  *memory = std::move(made);
  return Status::Ok();
}

Status SharedMemory::Map(const std::string& name) {
  void* const mapped =
      mmap(nullptr, size_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, fd(), 0);
  if (mapped == MAP_FAILED) return SystemError("map", name, errno);
  data_ = mapped;
  // A child of fork() would go on with what its parent does there.
  if (madvise(mapped, size_bytes_, MADV_DONTFORK) != 0) {
    return SystemError("keep from children", name, errno);
  }
  return Status::Ok();
}

SharedMemory::~SharedMemory() {
  // In a child something else may lie where the parent has the mapping.
  if (data_ != nullptr && !is_of_parent()) munmap(data_, size_bytes_);
}

}  // namespace actorkv
