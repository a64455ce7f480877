#include "kv/files/work_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <utility>

#include "kv/base/descriptor.h"
#include "kv/base/system_error.h"
#include "kv/base/thrown.h"

namespace actorkv {
namespace {

constexpr int kOwnerByte = 0;

// A slot changes a few times in the life of a piece of work, each time for less
// than a microsecond.
constexpr int kReadAttempts = 16;

std::string PathIn(const std::string& directory) {
  return directory + "/" + kWorkFileName;
}

// Reads the file as it is now; shorter where it is shorter.
Status ReadAll(int fd, const std::string& path, std::string* bytes) {
  bytes->resize(kWorkBoardBytes);
  const ssize_t got = pread(fd, bytes->data(), bytes->size(), 0);
  if (got < 0) return SystemError("read", path, errno);
  bytes->resize(static_cast<size_t>(got));
  return Status::Ok();
}

// The kernel copies whole words of 8 bytes, and one read after the other.
Status ReadCopies(int fd, const std::string& path, WorkBoardCopies* copies) {
  for (std::string* copy : {&copies->before, &copies->bytes, &copies->after}) {
    if (Status s = ReadAll(fd, path, copy); !s.ok()) return s;
  }
  return Status::Ok();
}

// A full disk may take a part, and then nothing.
Status WriteAll(int fd, const std::string& path, std::string_view bytes) {
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t put = pwrite(fd, bytes.data() + done, bytes.size() - done,
                               static_cast<off_t>(done));
    if (put < 0) return SystemError("write", path, errno);
    if (put == 0) return SystemError("write", path, EIO);
    done += static_cast<size_t>(put);
  }
  return Status::Ok();
}

bool IsOwned(int fd) {
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = kOwnerByte;
  lock.l_len = 1;
  return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

}  // namespace

Status WorkFile::Make(const std::string& directory,
                      std::shared_ptr<WorkFile>* file) {
  const std::string path = PathIn(directory);
  if (unlink(path.c_str()) != 0 && errno != ENOENT) {
    return SystemError("remove", path, errno);
  }
  std::unique_ptr<LockFile> opened;
  if (Status s = LockFile::Open(path, /*create=*/true, &opened); !s.ok()) {
    return s;
  }
  if (Status s = WriteAll(opened->fd(), path, EmptyWorkBoard()); !s.ok()) {
    unlink(path.c_str());
    return s;
  }
  bool locked = false;
  if (Status s =
          opened->TryLock(kOwnerByte, LockFile::Kind::kExclusive, &locked);
      !s.ok()) {
    return s;
  }
  if (!locked) return Status::Busy("somebody has a lock on " + path);
  void* const mapped = mmap(nullptr, kWorkBoardBytes, PROT_READ | PROT_WRITE,
                            MAP_SHARED, opened->fd(), 0);
  if (mapped == MAP_FAILED) return SystemError("map", path, errno);
  std::unique_ptr<WorkFile> made = OrUndo(
      [&] {
        return std::unique_ptr<WorkFile>(
            new WorkFile(std::move(opened), mapped));
      },
      [&] { munmap(mapped, kWorkBoardBytes); });
  *file = std::move(made);
  return Status::Ok();
}

std::shared_ptr<WorkFile> WorkFile::MakeOrNone(
    const std::string& directory) noexcept {
  std::shared_ptr<WorkFile> file;
  static_cast<void>(
      IfMemory([&] { static_cast<void>(Make(directory, &file)); }));
  return file;
}

WorkFile::~WorkFile() { munmap(mapped_, kWorkBoardBytes); }

Status ReadWorkFile(const std::string& directory, std::vector<WorkRow>* rows) {
  const std::string path = PathIn(directory);
  const Descriptor file(
      open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file.get() < 0) {
    const bool is_none = errno == ENOENT || errno == ENOTDIR;
    return is_none ? Status::Ok() : SystemError("open", path, errno);
  }
  struct stat found = {};
  if (fstat(file.get(), &found) != 0)
    return SystemError("look at", path, errno);
  if (!S_ISREG(found.st_mode)) return Status::Ok();
  std::vector<WorkRow> read;
  for (int attempt = 0; attempt < kReadAttempts; ++attempt) {
    WorkBoardCopies copies;
    read.clear();
    if (Status s = ReadCopies(file.get(), path, &copies); !s.ok()) return s;
    if (ReadWorkBoard(copies, &read)) break;
  }
  // Looked at last: whoever had it was alive when the file was read.
  if (!IsOwned(file.get())) return Status::Ok();
  rows->insert(rows->end(), read.begin(), read.end());
  return Status::Ok();
}

}  // namespace actorkv
