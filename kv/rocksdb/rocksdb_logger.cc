#include "kv/rocksdb/rocksdb_logger.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <ctime>
#include <string>

#include "kv/files/file_access.h"
#include "kv/files/opened_directory.h"

namespace actorkv {
namespace {

class SilentLogger : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  SilentLogger() : Logger(rocksdb::FATAL_LEVEL) {}
  void Logv(const char*, va_list) override {}
};

class FileLogger : public rocksdb::Logger {
 public:
  // Opens the file; where that fails, nothing is written.
  explicit FileLogger(const std::string& path) : Logger(rocksdb::WARN_LEVEL) {
    if (!OpenStoreFile(path, O_WRONLY | O_APPEND, &fd_).ok()) fd_ = -1;
  }
  ~FileLogger() override {
    if (fd_ >= 0) close(fd_);
  }

  // RocksDB dumps all options at each open as "header"; they are in its
  // OPTIONS file already.
  void Logv(const rocksdb::InfoLogLevel level, const char* format,
            va_list arguments) override {
    if (level < GetInfoLogLevel() || level == rocksdb::HEADER_LEVEL) return;
    Logv(format, arguments);
  }

  void Logv(const char* format, va_list arguments) override {
    if (fd_ < 0) return;
    // A line is written at once, so threads need no lock.
    char line[1024];
    const std::time_t now = std::time(nullptr);
    std::tm utc = {};
    gmtime_r(&now, &utc);
    size_t size = std::strftime(line, sizeof(line), "%FT%TZ ", &utc);
    const int added =
        std::vsnprintf(line + size, sizeof(line) - size, format, arguments);
    if (added < 0) return;
    size = std::min(size + static_cast<size_t>(added), sizeof(line) - 2);
    line[size++] = '\n';
    // Files are named as seen from the store's directory; that is shorter.
    const std::string text =
        WithoutDescriptors(std::string(line, size), /*directory=*/".");
    struct stat file = {};
    const bool full = fstat(fd_, &file) != 0 ||
                      static_cast<size_t>(file.st_size) > kMaxLogFileBytes;
    // The oldest messages go: the newest say what is wrong now.
    if (full && ftruncate(fd_, 0) != 0) return;
    if (write(fd_, text.data(), text.size()) < 0) return;
  }

 private:
  int fd_ = -1;
};

}  // namespace

std::shared_ptr<rocksdb::Logger> NewFileLogger(const std::string& directory) {
  return std::make_shared<FileLogger>(directory + "/LOG");
}

std::shared_ptr<rocksdb::Logger> NewSilentLogger() {
  return std::make_shared<SilentLogger>();
}

}  // namespace actorkv
