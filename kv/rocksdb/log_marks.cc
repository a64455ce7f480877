#include "kv/rocksdb/log_marks.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>

#include "kv/base/affix.h"
#include "kv/base/descriptor.h"
#include "kv/base/hex.h"
#include "kv/base/system_error.h"
#include "kv/files/file_access.h"

namespace actorkv {
namespace {

static_assert(std::atomic<uint64_t>::is_always_lock_free,
              "processes share the marks");

using BootId = std::array<uint8_t, 16>;

constexpr char kBootIdPath[] = "/proc/sys/kernel/random/boot_id";

// The id is zeros where the system does not say it: then no mark is believed.
BootId ReadBootId() {
  BootId id = {};
  std::string text;
  std::ifstream(kBootIdPath) >> text;
  text.erase(std::remove(text.begin(), text.end(), '-'), text.end());
  std::string bytes;
  if (FromHex(text, &bytes) && bytes.size() == id.size()) {
    std::copy(bytes.begin(), bytes.end(), id.begin());
  }
  return id;
}

std::string PathIn(const std::string& directory) {
  return directory + "/" + kLogMarksFileName;
}

}  // namespace

LogMarks::~LogMarks() {
  if (file_ != nullptr) munmap(file_, sizeof(File));
}

Status LogMarks::Map(const std::string& directory) {
  static_assert(sizeof(File) == 144, "kv/FORMAT.md");
  std::lock_guard<std::mutex> lock(mutex_);
  if (file_ != nullptr) return Status::Ok();
  const std::string path = PathIn(directory);
  int fd = -1;
  if (Status s = OpenStoreFile(path, O_RDWR, &fd); !s.ok()) return s;
  const Descriptor file(fd);
  std::array<char, sizeof(File)> bytes = {};
  if (pread(file.get(), bytes.data(), bytes.size(), 0) < 0) {
    return SystemError("read", path, errno);
  }
  const BootId boot = ReadBootId();
  // Marks of another boot say nothing (see the header): they go before anybody
  // can take them for marks of this one.
  if (std::memcmp(bytes.data(), boot.data(), boot.size()) != 0) {
    bytes = {};
    std::copy(boot.begin(), boot.end(), bytes.begin());
  }
  // The whole file is written, so that its block exists: a store to a page of a
  // mapping that the disk has no room for would kill the process.
  if (pwrite(file.get(), bytes.data(), bytes.size(), 0) !=
      static_cast<ssize_t>(bytes.size())) {
    return SystemError("write", path, errno);
  }
  void* const mapped = mmap(nullptr, sizeof(File), PROT_READ | PROT_WRITE,
                            MAP_SHARED, file.get(), 0);
  if (mapped == MAP_FAILED) return SystemError("map", path, errno);
  file_ = static_cast<File*>(mapped);
  return Status::Ok();
}

LogMarks::Slot* LogMarks::Take(uint64_t log) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (file_ == nullptr || log == 0) return nullptr;
  for (Slot& slot : file_->slots) {
    if (slot.log.load() != 0 && slot.log.load() != log) continue;
    // The length goes first: a kill between the two stores must not leave the
    // number with the length of another log. For the same reason Remove() takes
    // the number away first.
    slot.end_bytes.store(0);
    slot.log.store(log);
    return &slot;
  }
  return nullptr;
}

bool LogMarks::Remove(uint64_t log) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (file_ == nullptr || log == 0) return true;
  for (Slot& slot : file_->slots) {
    if (slot.log.load() != log) continue;
    slot.log.store(0);
    slot.end_bytes.store(0);
    // Invariant 2: the mark is off the disk before the log is.
    return msync(file_, sizeof(File), MS_SYNC) == 0;
  }
  return true;
}

Status ReadLogMarks(const std::string& directory, std::vector<LogMark>* marks) {
  marks->clear();
  const std::string path = PathIn(directory);
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (file.get() < 0) {
    return errno == ENOENT ? Status::Ok() : SystemError("open", path, errno);
  }
  std::array<uint64_t, 2 + 2 * LogMarks::kSlots> words = {};
  const ssize_t got = pread(file.get(), words.data(), sizeof words, 0);
  if (got < 0) return SystemError("read", path, errno);
  const BootId boot = ReadBootId();
  if (got != static_cast<ssize_t>(sizeof words) || boot == BootId{} ||
      std::memcmp(words.data(), boot.data(), boot.size()) != 0) {
    return Status::Ok();
  }
  for (size_t i = 2; i < words.size(); i += 2) {
    // A mark of 0 bytes is of a log of which nothing was synced.
    if (words[i] != 0 && words[i + 1] != 0) {
      marks->push_back({words[i], words[i + 1]});
    }
  }
  return Status::Ok();
}

uint64_t LogNumber(std::string_view name) {
  constexpr std::string_view kSuffix = ".log";
  if (!EndsWith(name, kSuffix)) return 0;
  const std::string_view digits = name.substr(0, name.size() - kSuffix.size());
  const char* const end = digits.data() + digits.size();
  uint64_t number = 0;
  const auto [rest, error] = std::from_chars(digits.data(), end, number);
  return error == std::errc() && rest == end ? number : 0;
}

}  // namespace actorkv
