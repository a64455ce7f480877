// MemoryPairs: the pairs of an actor in memory, made from SQLite files or by
// hand.

#ifndef ACTORKV_TESTS_SUPPORT_LEGACY_PAIRS_H_
#define ACTORKV_TESTS_SUPPORT_LEGACY_PAIRS_H_

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "kv/base/coding.h"
#include "kv/rivet/legacy_file.h"
#include "kv/rivet/pairs.h"
#include "tests/support/testing.h"

namespace actorkv {

inline std::string LegacyMetadata(uint64_t size_bytes) {
  std::string value("\x01\x00", 2);
  AppendLittle64(&value, size_bytes);
  return value;
}

using PairMap = std::map<std::string, std::string>;

class MemoryPairs : public PairReader {
 public:
  MemoryPairs() = default;
  explicit MemoryPairs(PairMap pairs) : pairs_(std::move(pairs)) {}

  Status Get(std::string_view key, std::optional<std::string>* value) override {
    ++read_count_;
    if (fail_at_ > 0 && --fail_at_ == 0) return Status::IOError("bad day");
    const auto found = pairs_.find(std::string(key));
    value->reset();
    if (found != pairs_.end()) *value = found->second;
    return Status::Ok();
  }

  Status Seek(std::string_view key, std::optional<KeyValue>* pair) override {
    ++read_count_;
    if (fail_at_ > 0 && --fail_at_ == 0) return Status::IOError("bad day");
    const auto found = pairs_.lower_bound(std::string(key));
    pair->reset();
    if (found != pairs_.end()) *pair = KeyValue{found->first, found->second};
    return Status::Ok();
  }

  PairMap* pairs() { return &pairs_; }

  void Put(const std::string& key, const std::string& value) {
    pairs_[key] = value;
  }

  // A whole file with its metadata.
  void AddFile(LegacyTag tag, const std::string& bytes) {
    SetSize(tag, bytes.size());
    for (size_t at = 0; at < bytes.size(); at += kLegacyChunkBytes) {
      PutChunk(tag, static_cast<uint32_t>(at / kLegacyChunkBytes),
               bytes.substr(at, kLegacyChunkBytes));
    }
  }
  void SetSize(LegacyTag tag, uint64_t size_bytes) {
    Put(LegacyMetadataKey(tag), LegacyMetadata(size_bytes));
  }
  void PutChunk(LegacyTag tag, uint32_t index, const std::string& value) {
    Put(LegacyChunkKey(tag, index), value);
  }
  void DropChunk(LegacyTag tag, uint32_t index) {
    ASSERT_EQ(pairs_.erase(LegacyChunkKey(tag, index)), 1u);
  }

  // The file PATH, and what there is of PATH-journal and PATH-wal.
  void AddDatabase(const std::string& path) {
    AddIfThere(LegacyTag::kMain, path);
    AddIfThere(LegacyTag::kJournal, path + "-journal");
    AddIfThere(LegacyTag::kWal, path + "-wal");
  }

  // The Nth call from now on fails, and no other.
  void FailAt(uint64_t call) { fail_at_ = call; }
  bool failed() const { return fail_at_ == 0; }
  uint64_t read_count() const { return read_count_; }

 private:
  void AddIfThere(LegacyTag tag, const std::string& path) {
    if (std::filesystem::exists(path)) AddFile(tag, FileContents(path));
  }

  PairMap pairs_;
  uint64_t fail_at_ = 0;
  uint64_t read_count_ = 0;
};

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_LEGACY_PAIRS_H_
