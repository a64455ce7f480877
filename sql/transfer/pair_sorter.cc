#include "sql/transfer/pair_sorter.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace actorkv {

namespace {

// What is read of a run at once.
constexpr size_t kMinWindowBytes = size_t{4} << 10;
constexpr size_t kMaxWindowBytes = size_t{256} << 10;

struct PairHead {
  uint32_t key_bytes;
  uint32_t value_bytes;
  uint64_t row;
};

PairHead HeadAt(const std::string& bytes, size_t offset) {
  PairHead head;
  std::memcpy(&head, bytes.data() + offset, sizeof head);
  return head;
}

std::string_view KeyAt(const std::string& bytes, size_t offset) {
  return std::string_view{bytes}.substr(offset + sizeof(PairHead),
                                        HeadAt(bytes, offset).key_bytes);
}

class SortedPairs : public PairSource {
 public:
  std::string Place() const override { return "row " + std::to_string(row_); }

 protected:
  uint64_t row_ = 0;
};

class MemoryPairSource : public SortedPairs {
 public:
  MemoryPairSource(const std::string& bytes, const std::vector<size_t>& offsets)
      : bytes_(bytes), offsets_(offsets) {}

  Status Next(KeyValue* pair, bool* more) override {
    *more = next_ < offsets_.size();
    if (!*more) return Status::Ok();
    const size_t at = offsets_[next_++];
    const PairHead head = HeadAt(bytes_, at);
    const size_t value_at = at + sizeof head + head.key_bytes;
    pair->key.assign(bytes_, at + sizeof head, head.key_bytes);
    pair->value.assign(bytes_, value_at, head.value_bytes);
    row_ = head.row;
    return Status::Ok();
  }

 private:
  const std::string& bytes_;
  const std::vector<size_t>& offsets_;
  size_t next_ = 0;
};

// RunCursor: stands at a pair of a run. Its value is read when its turn comes.
class RunCursor {
 public:
  RunCursor(ScratchFile* file, uint64_t begin, uint64_t end,
            size_t window_bytes)
      : file_(file), next_(begin), end_(end), window_bytes_(window_bytes) {}

  // Goes to the next pair; *more is false past the last.
  Status Advance(bool* more) {
    *more = next_ < end_;
    if (!*more) return Status::Ok();
    char bytes[sizeof head_];
    if (Status s = Read(next_, bytes, sizeof bytes); !s.ok()) return s;
    std::memcpy(&head_, bytes, sizeof bytes);
    const uint64_t key_at = next_ + sizeof bytes;
    key_.resize(head_.key_bytes);
    if (Status s = Read(key_at, key_.data(), key_.size()); !s.ok()) return s;
    value_at_ = key_at + head_.key_bytes;
    next_ = value_at_ + head_.value_bytes;
    return Status::Ok();
  }

  Status Take(KeyValue* pair) {
    pair->value.resize(head_.value_bytes);
    if (Status s = Read(value_at_, pair->value.data(), pair->value.size());
        !s.ok()) {
      return s;
    }
    pair->key = key_;
    return Status::Ok();
  }

  uint64_t row() const { return head_.row; }
  bool IsBefore(const RunCursor& other) const {
    const int order = key_.compare(other.key_);
    return order < 0 || (order == 0 && row() < other.row());
  }

 private:
  Status Read(uint64_t offset, char* bytes, size_t size) {
    // What is larger than the window is read past it.
    if (size > window_bytes_) return file_->Read(offset, bytes, size);
    if (offset < window_at_ || offset + size > window_at_ + window_.size()) {
      window_.resize(std::min<uint64_t>(window_bytes_, end_ - offset));
      window_at_ = offset;
      if (Status s = file_->Read(offset, window_.data(), window_.size());
          !s.ok()) {
        window_.clear();
        return s;
      }
    }
    std::memcpy(bytes, window_.data() + (offset - window_at_), size);
    return Status::Ok();
  }

  ScratchFile* const file_;
  uint64_t next_;
  const uint64_t end_;
  const size_t window_bytes_;
  std::string window_;  // a part of the run, from window_at_ on
  uint64_t window_at_ = 0;
  PairHead head_ = {};
  std::string key_;
  uint64_t value_at_ = 0;
};

class MergedPairSource : public SortedPairs {
 public:
  explicit MergedPairSource(std::vector<std::unique_ptr<RunCursor>> cursors)
      : cursors_(std::move(cursors)) {}

  Status Begin() {
    std::vector<std::unique_ptr<RunCursor>> filled;
    for (auto& cursor : cursors_) {
      bool more = false;
      if (Status s = cursor->Advance(&more); !s.ok()) return s;
      if (more) filled.push_back(std::move(cursor));
    }
    cursors_ = std::move(filled);
    std::make_heap(cursors_.begin(), cursors_.end(), IsAfter);
    return Status::Ok();
  }

  Status Next(KeyValue* pair, bool* more) override {
    *more = !cursors_.empty();
    if (!*more) return Status::Ok();
    std::pop_heap(cursors_.begin(), cursors_.end(), IsAfter);
    RunCursor* const first = cursors_.back().get();
    KeyValue read;
    if (Status s = first->Take(&read); !s.ok()) return s;
    row_ = first->row();
    bool goes_on = false;
    if (Status s = first->Advance(&goes_on); !s.ok()) return s;
    if (goes_on) {
      std::push_heap(cursors_.begin(), cursors_.end(), IsAfter);
    } else {
      cursors_.pop_back();
    }
    *pair = std::move(read);
    return Status::Ok();
  }

 private:
  static bool IsAfter(const std::unique_ptr<RunCursor>& a,
                      const std::unique_ptr<RunCursor>& b) {
    return b->IsBefore(*a);
  }

  std::vector<std::unique_ptr<RunCursor>> cursors_;  // a heap, first on top
};

}  // namespace

Status PairSorter::Add(std::string_view key, std::string_view value,
                       uint64_t row) {
  const PairHead head = {static_cast<uint32_t>(key.size()),
                         static_cast<uint32_t>(value.size()), row};
  const size_t bytes = sizeof head + key.size() + value.size();
  const size_t with_it =
      bytes_.size() + bytes + (offsets_.size() + 1) * sizeof(offsets_.front());
  if (!offsets_.empty() && with_it > memory_bytes_) {
    if (Status s = WriteRun(); !s.ok()) return s;
  }
  offsets_.push_back(bytes_.size());
  bytes_.append(reinterpret_cast<const char*>(&head), sizeof head);
  bytes_.append(key);
  bytes_.append(value);
  ++pair_count_;
  return Status::Ok();
}

void PairSorter::Sort() {
  // Rows only rise, so offsets say which came first.
  std::sort(offsets_.begin(), offsets_.end(), [this](size_t a, size_t b) {
    const int order = KeyAt(bytes_, a).compare(KeyAt(bytes_, b));
    return order < 0 || (order == 0 && a < b);
  });
}

Status PairSorter::WriteRun() {
  if (file_ == nullptr) {
    if (Status s = ScratchFile::Create("the pairs of a query", &file_);
        !s.ok()) {
      return s;
    }
  }
  Sort();
  std::string piece;
  uint64_t at = file_bytes_;
  const auto write = [&]() -> Status {
    if (Status s = file_->Write(at, piece.data(), piece.size()); !s.ok()) {
      return s;
    }
    at += piece.size();
    piece.clear();
    return Status::Ok();
  };
  for (const size_t offset : offsets_) {
    const PairHead head = HeadAt(bytes_, offset);
    piece.append(bytes_, offset,
                 sizeof head + size_t{head.key_bytes} + head.value_bytes);
    if (piece.size() < kMaxWindowBytes) continue;
    if (Status s = write(); !s.ok()) return s;
  }
  if (Status s = write(); !s.ok()) return s;
  runs_.push_back({file_bytes_, at});
  file_bytes_ = at;
  bytes_.clear();
  offsets_.clear();
  return Status::Ok();
}

Status PairSorter::Open(std::unique_ptr<PairSource>* pairs) {
  if (runs_.empty()) {
    Sort();
    *pairs = std::make_unique<MemoryPairSource>(bytes_, offsets_);
    return Status::Ok();
  }
  if (!offsets_.empty()) {
    if (Status s = WriteRun(); !s.ok()) return s;
  }
  bytes_.shrink_to_fit();
  const size_t window = std::clamp(memory_bytes_ / runs_.size(),
                                   kMinWindowBytes, kMaxWindowBytes);
  std::vector<std::unique_ptr<RunCursor>> cursors;
  for (const Run& run : runs_) {
    cursors.push_back(
        std::make_unique<RunCursor>(file_.get(), run.begin, run.end, window));
  }
  auto merged = std::make_unique<MergedPairSource>(std::move(cursors));
  if (Status s = merged->Begin(); !s.ok()) return s;
  *pairs = std::move(merged);
  return Status::Ok();
}

}  // namespace actorkv
