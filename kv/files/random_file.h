// RandomFile: a file that is read at any offset.

#ifndef ACTORKV_KV_FILES_RANDOM_FILE_H_
#define ACTORKV_KV_FILES_RANDOM_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "kv/base/status.h"

namespace actorkv {

class RandomFile {
 public:
  // Errors: kNotFound, kIOError.
  static Status Open(const std::string& path,
                     std::unique_ptr<RandomFile>* file);
  ~RandomFile();
  RandomFile(const RandomFile&) = delete;
  RandomFile& operator=(const RandomFile&) = delete;

  // Gives the number of bytes that it has at present.
  Status Size(uint64_t* bytes);

  // Reads exactly `size` bytes. Errors: kIOError, also past the end.
  Status Read(uint64_t offset, size_t size, char* buffer);

 private:
  RandomFile(std::string path, int fd);

  const std::string path_;
  const int fd_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_FILES_RANDOM_FILE_H_
