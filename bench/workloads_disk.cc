// R1: what the disk itself does, without any database: durable writes of 4 KiB
// over blocks that were written before, one after another.

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "bench/die.h"
#include "bench/timing.h"
#include "bench/workload.h"

namespace actorkv::bench {

namespace {

constexpr size_t kBlockBytes = 4096;
constexpr off_t kFileBytes = off_t{64} << 20;

// O_DIRECT wants aligned memory.
class Block {
 public:
  Block() : bytes_(std::aligned_alloc(kBlockBytes, kBlockBytes)) {
    if (bytes_ == nullptr) Die("no memory");
    std::memset(bytes_, 'x', kBlockBytes);
  }
  ~Block() { std::free(bytes_); }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  const void* bytes() const { return bytes_; }

 private:
  void* const bytes_;
};

class RawWrites : public Workload {
 public:
  RawWrites(const Backend& backend, const Effort& effort)
      : path_(backend.directory() + "/raw"), effort_(effort) {}
  ~RawWrites() override {
    if (file_ >= 0) close(file_);
  }

  // Where the file system refuses O_DIRECT the row is 0, and no bar uses it.
  void SetUp() override {
    const int made = open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    for (off_t at = 0; at < kFileBytes; at += kBlockBytes) WriteAt(made, at);
    if (fsync(made) != 0) Die("cannot write " + path_);
    close(made);
    file_ = open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_DIRECT | O_DSYNC);
  }

  Sample Run() override {
    Sample sample;
    if (file_ < 0) return sample;
    const Stopwatch watch;
    while (watch.seconds() < effort_.seconds) {
      WriteAt(file_, at_);
      at_ = (at_ + static_cast<off_t>(kBlockBytes)) % kFileBytes;
      ++sample.op_count;
    }
    sample.seconds = watch.seconds();
    return sample;
  }

 private:
  void WriteAt(int file, off_t at) const {
    if (pwrite(file, block_.bytes(), kBlockBytes, at) !=
        static_cast<ssize_t>(kBlockBytes)) {
      Die("cannot write " + path_);
    }
  }

  const std::string path_;
  const Effort effort_;
  const Block block_;
  int file_ = -1;
  off_t at_ = 0;
};

}  // namespace

void AddDiskWorkloads(std::vector<WorkloadSpec>* specs) {
  WorkloadSpec spec;
  spec.id = kRawDiskId;
  spec.text = "writes of 4 KiB, O_DIRECT and O_DSYNC, no database";
  spec.sides = Sides::kWalOnly;
  spec.make = [](const Backend& backend, const Effort& effort) {
    return std::make_unique<RawWrites>(backend, effort);
  };
  specs->push_back(std::move(spec));
}

}  // namespace actorkv::bench
