// Pairs in memory for tests: read at will, one after another, or out of a dump
// under tests/rivet/.

#ifndef ACTORKV_TESTS_SUPPORT_MAP_PAIRS_H_
#define ACTORKV_TESTS_SUPPORT_MAP_PAIRS_H_

#include <gtest/gtest.h>
#include <zlib.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "kv/pairs.h"

namespace actorkv {

using PairMap = std::map<std::string, std::string>;

class MapPairs : public PairReader {
 public:
  explicit MapPairs(PairMap pairs) : pairs_(std::move(pairs)) {}

  Status Get(std::string_view key, std::optional<std::string>* value) override {
    ++read_count_;
    auto it = pairs_.find(std::string(key));
    value->reset();
    if (it != pairs_.end()) *value = it->second;
    return Status::Ok();
  }
  Status Seek(std::string_view key, std::optional<KeyValue>* pair) override {
    ++read_count_;
    auto it = pairs_.lower_bound(std::string(key));
    pair->reset();
    if (it != pairs_.end()) *pair = KeyValue{it->first, it->second};
    return Status::Ok();
  }

  uint64_t read_count() const { return read_count_; }

 private:
  const PairMap pairs_;
  uint64_t read_count_ = 0;
};

class VectorSource : public PairSource {
 public:
  explicit VectorSource(std::vector<KeyValue> pairs)
      : pairs_(std::move(pairs)) {}
  explicit VectorSource(const PairMap& pairs) {
    for (const auto& [key, value] : pairs) pairs_.push_back({key, value});
  }

  // Fails instead of giving pair number `nth`, from 0.
  void FailAt(size_t nth, Status status) {
    fail_at_ = nth;
    failure_ = std::move(status);
  }

  Status Next(KeyValue* pair, bool* more) override {
    if (next_ == fail_at_) return failure_;
    *more = next_ < pairs_.size();
    if (*more) *pair = pairs_[next_++];
    return Status::Ok();
  }

 private:
  std::vector<KeyValue> pairs_;
  size_t next_ = 0;
  size_t fail_at_ = ~size_t{0};
  Status failure_;
};

// Every pair that the reader gives, by Seek() from one to the next.
inline PairMap AllPairs(PairReader* reader) {
  PairMap pairs;
  std::string at;
  for (;;) {
    std::optional<KeyValue> pair;
    const Status s = reader->Seek(at, &pair);
    EXPECT_TRUE(s.ok()) << s.ToString();
    if (!s.ok() || !pair.has_value()) return pairs;
    EXPECT_GE(pair->key, at);
    at = pair->key + std::string(1, '\0');
    pairs[std::move(pair->key)] = std::move(pair->value);
  }
}

inline std::string Unhex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(
        std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

// A dump of lines {"k": "<hex>", "v": "<hex>"}, packed or not.
inline PairMap LoadPairMap(const std::string& name) {
  std::string text;
  gzFile file = gzopen(("tests/rivet/" + name).c_str(), "rb");
  EXPECT_NE(file, nullptr) << name << ": run this from the root of the tree";
  if (file == nullptr) return {};
  std::vector<char> buffer(1 << 16);
  for (int size = 1; size > 0;) {
    size = gzread(file, buffer.data(), static_cast<unsigned>(buffer.size()));
    if (size > 0) text.append(buffer.data(), static_cast<size_t>(size));
  }
  gzclose(file);
  // The strings of a line are at odd places between quotes: k, key, v, value.
  PairMap pairs;
  std::vector<std::string> strings;
  for (size_t begin = text.find('"'); begin != std::string::npos;) {
    const size_t end = text.find('"', begin + 1);
    strings.push_back(text.substr(begin + 1, end - begin - 1));
    begin = text.find('"', end + 1);
    if (strings.size() < 4) continue;
    pairs[Unhex(strings[1])] = Unhex(strings[3]);
    strings.clear();
  }
  EXPECT_FALSE(pairs.empty()) << name;
  return pairs;
}

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_MAP_PAIRS_H_
