// Pairs in memory for tests: one after another, all of a reader, or out of a
// dump under tests/rivet/.

#ifndef ACTORKV_TESTS_SUPPORT_MAP_PAIRS_H_
#define ACTORKV_TESTS_SUPPORT_MAP_PAIRS_H_

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "kv/rivet/pairs.h"
#include "tests/support/dump_loader.h"

namespace actorkv {

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

// A dump under tests/rivet/.
inline PairMap LoadPairMap(const std::string& name) {
  MemoryPairs pairs;
  LoadDump("tests/rivet/" + name, &pairs);
  return *pairs.pairs();
}

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_MAP_PAIRS_H_
