#include "kv/pair_limits.h"

#include <string>
#include <utility>

#include "kv/hex.h"

namespace actorkv {

namespace {

using std::string_view_literals::operator""sv;

// Layout 0: 05 id:u64. Layout 1: 05 01 02 id:u64.
constexpr std::string_view kQueue0 = "\x05"sv;
constexpr std::string_view kQueue1 = "\x05\x01\x02"sv;
constexpr size_t kQueueIdBytes = 8;

bool IsPrefixAndId(std::string_view key, std::string_view prefix) {
  return key.size() == prefix.size() + kQueueIdBytes &&
         key.substr(0, prefix.size()) == prefix;
}

Status CheckSize(std::string_view what, uint64_t bytes, uint64_t limit) {
  if (bytes <= limit) return Status::Ok();
  return Status::InvalidArgument(
      std::string(what) + " of " + std::to_string(bytes) +
      " bytes is larger than the limit of " + std::to_string(limit));
}

class Checked : public PairSource {
 public:
  Checked(std::unique_ptr<PairSource> source, PairCounts* counts)
      : source_(std::move(source)), counts_(counts) {}

  Status Next(KeyValue* pair, bool* more) override {
    KeyValue next;
    bool has_next = false;
    if (Status s = source_->Next(&next, &has_next); !s.ok()) return s;
    if (has_next) {
      Status s = Check(next);
      if (!s.ok()) {
        return s.WithContext("pair " + std::to_string(counts_->pairs + 1));
      }
      Count(next);
      *pair = std::move(next);
    }
    *more = has_next;
    return Status::Ok();
  }

 private:
  Status Check(const KeyValue& pair) const {
    if (Status s = CheckPairKeySize(pair.key.size()); !s.ok()) return s;
    if (counts_->pairs > 0 && pair.key == last_key_) {
      return Status::InvalidArgument("the key " + ToHex(pair.key) +
                                     " comes twice");
    }
    return CheckPairValueSize(pair.value.size());
  }

  void Count(const KeyValue& pair) {
    if (counts_->pairs > 0 && pair.key < last_key_) counts_->is_sorted = false;
    last_key_ = pair.key;
    ++counts_->pairs;
    counts_->bytes += pair.key.size() + pair.value.size();
    if (IsQueueMessageKey(pair.key) &&
        pair.value.size() > kMaxQueueMessageBytes) {
      ++counts_->large_queue_messages;
    }
  }

  const std::unique_ptr<PairSource> source_;
  PairCounts* const counts_;
  std::string last_key_;
};

}  // namespace

Status CheckPairKeySize(uint64_t bytes) {
  return CheckSize("a key", bytes, kMaxPairKeyBytes);
}

Status CheckPairValueSize(uint64_t bytes) {
  return CheckSize("a value", bytes, kMaxPairValueBytes);
}

bool IsQueueMessageKey(std::string_view key) {
  return IsPrefixAndId(key, kQueue0) || IsPrefixAndId(key, kQueue1);
}

std::unique_ptr<PairSource> CheckedPairs(std::unique_ptr<PairSource> source,
                                         PairCounts* counts) {
  return std::make_unique<Checked>(std::move(source), counts);
}

}  // namespace actorkv
