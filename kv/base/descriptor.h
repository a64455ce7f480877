// Descriptor: a file descriptor that is closed when it goes.

#ifndef ACTORKV_KV_BASE_DESCRIPTOR_H_
#define ACTORKV_KV_BASE_DESCRIPTOR_H_

#include <unistd.h>

namespace actorkv {

class Descriptor {
 public:
  // Takes the result of open(); negative: none.
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return fd_; }

 private:
  const int fd_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_BASE_DESCRIPTOR_H_
