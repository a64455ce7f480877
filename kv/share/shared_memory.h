// SharedMemory: memory that processes of one machine share by a descriptor,
// which one of them makes and passes to the others (kv/share/channel.h).
//
// It is a memfd that nobody can make shorter or longer (its seals), so a look
// into a mapping cannot end the process (SIGBUS). Where the system refuses
// memfds (a container's filter), it is a file of the store's directory that has
// no name any more. Its blocks are written before it is mapped, as a page that
// the disk has no room for would end the process as well.
//
// What is in it may be written by any process that has it, also by one that
// works wrongly: nothing of it is an index or a length without a check.
//
// A child of fork() does not have the mapping, and must not touch it.

#ifndef ACTORKV_KV_SHARE_SHARED_MEMORY_H_
#define ACTORKV_KV_SHARE_SHARED_MEMORY_H_

#include <cstddef>
#include <memory>
#include <string>

#include "kv/base/per_process.h"
#include "kv/base/status.h"
#include "kv/files/opened_directory.h"
#include "kv/share/unshared_fd.h"

namespace actorkv {

class SharedMemory {
 public:
  // Makes `size_bytes` of zeros, called `name` by the system's tools. A file,
  // where it has to be one, lies in `directory`. Errors: kNoSpace; kIOError.
  static Status Make(const OpenedDirectory& directory, const std::string& name,
                     size_t size_bytes, std::unique_ptr<SharedMemory>* memory);

  // Maps what a peer made by Make(). Takes `fd`, also on an error. Errors:
  // kCorruption for what is not memory of this size: a file that has a name or
  // holes, a memfd without its seals; kIOError. `name` is for messages.
  static Status Adopt(int fd, const std::string& name, size_t size_bytes,
                      std::unique_ptr<SharedMemory>* memory);

  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  // The descriptor to pass on. Negative in a child of fork(), and after
  // Close().
  int fd() const { return fd_.get(); }
  // Closes the descriptor; the memory stays.
  void Close() { fd_.Close(); }
  // This is a child of fork(), which has no such memory.
  bool is_of_parent() const { return of_parent_.value(); }
  // It begins at a page of the system.
  void* data() const { return data_; }

 private:
  explicit SharedMemory(size_t size_bytes) : size_bytes_(size_bytes) {}
  Status MakeFile(const OpenedDirectory& directory, const std::string& name);
  Status Map(const std::string& name);

  const size_t size_bytes_;
  const OfParent of_parent_;
  UnsharedFd fd_;
  void* data_ = nullptr;
};

// Has memfds refused in this process, as by a filter of system calls.
void RefuseMemfdsForTesting(bool refuse);

}  // namespace actorkv

#endif  // ACTORKV_KV_SHARE_SHARED_MEMORY_H_
