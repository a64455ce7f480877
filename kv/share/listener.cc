#include "kv/share/listener.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "kv/base/system_error.h"
#include "kv/files/directory.h"
#include "kv/files/store_names.h"

namespace actorkv {
namespace {

// So many may wait to be let in; one more finds the owner busy.
constexpr int kWaitingConnections = 128;

constexpr mode_t kWriteBits = S_IWUSR | S_IWGRP | S_IWOTH;

std::string TemporaryFile() {
  static std::atomic<uint64_t> count{0};
  return std::string(kSocketFileName) + "." + std::to_string(getpid()) + "." +
         std::to_string(++count);
}

}  // namespace

mode_t SocketModeIn(mode_t directory_mode) {
  // connect() asks for the right to write (unix(7)); the right to read goes
  // with it, as for the files.
  const mode_t may_write = directory_mode & kWriteBits;
  return may_write | may_write << 1;
}

ShareListener::ShareListener(std::shared_ptr<OpenedDirectory> directory)
    : directory_(std::move(directory)) {}

std::string ShareListener::WorkPath(const std::string& file) const {
  return directory_->work_path() + "/" + file;
}

Status ShareListener::Failed(const char* what, const std::string& file,
                             int error) const {
  return SystemError(what, directory_->path() + "/" + file, error)
      .WithContext("cannot share the store")
      .WithErrno(error);
}

Status ShareListener::Make(std::shared_ptr<OpenedDirectory> directory,
                           std::unique_ptr<ShareListener>* listener) {
  FileAccess access;
  if (!directory->IsHolding(&access)) {
    return Status::Fenced(
        "the store's directory is another one by now, and no socket is made "
        "in it: " +
        directory->path());
  }
  std::unique_ptr<ShareListener> made(new ShareListener(std::move(directory)));
  made->RemoveLeftovers();
  const std::string file = TemporaryFile();
  Status s = made->Bind(file);
  if (s.ok()) s = made->Publish(file);
  if (!s.ok()) {
    unlink(made->WorkPath(file).c_str());
    return s;
  }
  *listener = std::move(made);
  return Status::Ok();
}

void ShareListener::RemoveLeftovers() const {
  std::vector<std::string> files;
  const std::string prefix = std::string(kSocketFileName) + ".";
  // What cannot be listed or removed stays, and costs nothing but its name.
  if (!ListNames(directory_->work_path(), prefix, &files).ok()) return;
  for (const std::string& file : files) {
    struct stat found = {};
    const std::string path = WorkPath(file);
    if (lstat(path.c_str(), &found) == 0 && S_ISSOCK(found.st_mode)) {
      unlink(path.c_str());
    }
  }
}

Status ShareListener::Bind(const std::string& file) {
  const std::string path = WorkPath(file);
  if (Status s = CheckSocketPath(path, directory_->path() + "/" + file);
      !s.ok()) {
    return s;
  }
  const auto make = [] {
    return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  };
  if (fd_.Open(make) < 0) return Failed("make a socket for", file, errno);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  if (bind(fd(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return Failed("bind", file, errno);
  }
  return Status::Ok();
}

Status ShareListener::Publish(const std::string& file) {
  const std::string path = WorkPath(file);
  struct stat place = {};
  if (stat(directory_->work_path().c_str(), &place) != 0) {
    return Failed("look at the directory of", file, errno);
  }
  // As root's process makes files for the directory's owner. What a file system
  // without owners refuses is let be.
  if (geteuid() == 0) {
    static_cast<void>(lchown(path.c_str(), place.st_uid, place.st_gid) == 0);
  }
  // Nobody can connect before it listens, so nobody meets the mode that the
  // umask left.
  if (chmod(path.c_str(), SocketModeIn(place.st_mode)) != 0) {
    return Failed("give the mode to", file, errno);
  }
  if (listen(fd(), kWaitingConnections) != 0) {
    return Failed("listen at", file, errno);
  }
  struct stat named = {};
  if (lstat(path.c_str(), &named) != 0) return Failed("look at", file, errno);
  if (rename(path.c_str(), WorkPath(kSocketFileName).c_str()) != 0) {
    return Failed("rename", file, errno);
  }
  device_ = named.st_dev;
  inode_ = named.st_ino;
  is_published_ = true;
  return Status::Ok();
}

ShareListener::~ShareListener() {
  // A child of fork() removes nothing of its parent.
  if (!is_published_ || fd() < 0) return;
  struct stat found = {};
  const std::string path = WorkPath(kSocketFileName);
  if (lstat(path.c_str(), &found) == 0 && found.st_dev == device_ &&
      found.st_ino == inode_) {
    unlink(path.c_str());
  }
}

Status ShareListener::Accept(std::unique_ptr<ShareChannel>* channel) {
  const std::string name = directory_->path() + "/" + kSocketFileName;
  std::unique_ptr<ShareChannel> made(new ShareChannel(name));
  for (;;) {
    const int accepted = made->fd_.Open(
        [&] { return accept4(fd(), nullptr, nullptr, SOCK_CLOEXEC); });
    if (accepted >= 0) break;
    // Who wanted to be let in may be gone by now.
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno != EAGAIN) return Failed("accept at", kSocketFileName, errno);
    channel->reset();
    return Status::Ok();
  }
  *channel = std::move(made);
  return Status::Ok();
}

}  // namespace actorkv
