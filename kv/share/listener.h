// ShareListener: the socket by which other processes reach the owner of a
// store, actorkv.sock in its directory.
//
// The socket is bound under another name, gets its mode, listens, and is then
// renamed over the one that may be there: nobody meets one that is not ready,
// and a dead owner's needs no cleaning. Who may write to the directory may
// connect, nobody else: such a process could change the store's files as well.
//
// Invariants:
//  1. A socket is made and removed only in the directory that was opened, and
//     while its marker is in it.
//  2. Only the process that has the store locked makes a ShareListener, and it
//     ends before the lock: so the name is its own from Make() to the end.
//
// Thread-safe. Waits for nothing. In a child of fork() it is closed.

#ifndef ACTORKV_KV_SHARE_LISTENER_H_
#define ACTORKV_KV_SHARE_LISTENER_H_

#include <sys/types.h>

#include <memory>
#include <string>

#include "kv/base/status.h"
#include "kv/files/opened_directory.h"
#include "kv/share/channel.h"
#include "kv/share/unshared_fd.h"

namespace actorkv {

class ShareListener {
 public:
  // Makes the socket, and removes what owners left that died while they made
  // one. Errors: kFenced where the directory is another store's by now;
  // kNoSpace; kIOError, with path, reason and system_errno(). After an error
  // the store is as good, but nobody else can use it.
  static Status Make(std::shared_ptr<OpenedDirectory> directory,
                     std::unique_ptr<ShareListener>* listener);
  // Removes the socket, if it is still this one.
  ~ShareListener();
  ShareListener(const ShareListener&) = delete;
  ShareListener& operator=(const ShareListener&) = delete;

  // For poll(): readable when somebody wants to connect. Negative in a child of
  // fork().
  int fd() const { return fd_.get(); }

  // Lets one in; *channel is null where nobody waits any more. Errors:
  // kIOError, also where the process has no descriptor left: then whoever waits
  // still does, and the caller should ask again later, not at once.
  Status Accept(std::unique_ptr<ShareChannel>* channel);

 private:
  explicit ShareListener(std::shared_ptr<OpenedDirectory> directory);
  Status Bind(const std::string& file);
  Status Publish(const std::string& file);
  void RemoveLeftovers() const;
  std::string WorkPath(const std::string& file) const;
  Status Failed(const char* what, const std::string& file, int error) const;

  const std::shared_ptr<OpenedDirectory> directory_;
  UnsharedFd fd_;
  bool is_published_ = false;
  dev_t device_ = 0;  // of the socket's name
  ino_t inode_ = 0;
};

// Returns the mode of a socket in a directory of this mode: whoever may write
// there may read and write it.
mode_t SocketModeIn(mode_t directory_mode);

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_LISTENER_H_
