#include "kv/share/remote_reader.h"

#include <algorithm>
#include <utility>

namespace actorkv {
namespace {

constexpr uint32_t kMaxPairs = 0xFFFF'FFFF;

Status Nonsense(const char* what) {
  return Status::Corruption(
      std::string("the owner of the store answered a read with ") + what);
}

// The pairs of a piece must be in order, from its start on.
bool IsInOrder(const std::vector<StoredPair>& pairs, std::string_view start) {
  std::string_view at_least = start;
  bool may_be_equal = true;
  for (const StoredPair& pair : pairs) {
    const int order = pair.key.compare(at_least);
    if (order < 0 || (order == 0 && !may_be_equal)) return false;
    at_least = pair.key;
    may_be_equal = false;
  }
  return true;
}

}  // namespace

// --- Keys -------------------------------------------------------------------

template <typename Request, typename Answer, typename Item>
Status RemoteReader::AskForAll(Partition partition,
                               const std::vector<std::string_view>& keys,
                               std::vector<Item> Answer::*items,
                               const std::function<void(const Item&)>& add) {
  Request request;
  request.partition = partition;
  for (size_t done = 0; done < keys.size();) {
    const auto begin = keys.begin() + static_cast<ptrdiff_t>(done);
    const size_t count = std::min(keys.size() - done, kMaxKeysAsked);
    request.keys.assign(begin, begin + static_cast<ptrdiff_t>(count));
    size_t got = 0;
    Status s = session_->AskOwner(
        [&](OwnerSession*, ClientChannel* channel) -> Status {
          Answer answer;
          Status asked = channel->Ask(request, session_->patience(), &answer);
          if (!asked.ok()) return asked;
          got = (answer.*items).size();
          if (got == 0 || got > count)
            return Nonsense("another number of values");
          for (const Item& item : answer.*items) add(item);
          return asked;
        });
    if (!s.ok()) return s;
    done += got;
  }
  return Status::Ok();
}

Status RemoteReader::Get(Partition partition,
                         const std::vector<std::string_view>& keys,
                         std::vector<std::optional<std::string>>* values) {
  using Item = std::optional<std::string_view>;
  std::vector<std::optional<std::string>> read;
  read.reserve(keys.size());
  Status s = AskForAll<GetRequest, GetAnswer, Item>(
      partition, keys, &GetAnswer::values, [&](const Item& item) {
        auto& value = read.emplace_back();
        if (item.has_value()) value.emplace(*item);
      });
  if (s.ok()) *values = std::move(read);
  return s;
}

Status RemoteReader::Seek(Partition partition,
                          const std::vector<std::string_view>& keys,
                          std::vector<std::optional<KeyValue>>* found) {
  using Item = std::optional<StoredPair>;
  std::vector<std::optional<KeyValue>> read;
  read.reserve(keys.size());
  bool is_before = false;
  Status s = AskForAll<
      SeekRequest, SeekAnswer,
      Item>(partition, keys, &SeekAnswer::found, [&](const Item& item) {
    auto& pair = read.emplace_back();
    if (!item.has_value()) return;
    is_before = is_before || item->key < keys[read.size() - 1];
    pair.emplace(KeyValue{std::string(item->key), std::string(item->value)});
  });
  if (!s.ok()) return s;
  if (is_before) return Nonsense("a key before the one that was asked for");
  *found = std::move(read);
  return Status::Ok();
}

Status RemoteReader::SeekOne(Partition partition, std::string_view key,
                             bool* found, std::string_view* found_key,
                             std::string_view* value) {
  seek_.partition = partition;
  seek_.keys.assign(1, key);
  bool is_found = false;
  Status s =
      session_->AskOwner([&](OwnerSession*, ClientChannel* channel) -> Status {
        SeekAnswer answer;
        Status asked = channel->Ask(seek_, session_->patience(), &answer);
        if (!asked.ok()) return asked;
        if (answer.found.size() != 1) return Nonsense("more than one pair");
        const std::optional<StoredPair>& pair = answer.found.front();
        is_found = pair.has_value();
        if (!is_found) return asked;
        if (pair->key < key) {
          return Nonsense("a key before the one that was asked for");
        }
        found_key_.assign(pair->key);
        found_value_.assign(pair->value);
        return asked;
      });
  if (!s.ok()) return s;
  *found = is_found;
  if (is_found) {
    *found_key = found_key_;
    *value = found_value_;
  }
  return Status::Ok();
}

// --- Scans ------------------------------------------------------------------

Status RemoteReader::VisitPiece(ScanRequest* request, const Visitor& visit,
                                std::string* next, bool* is_over) {
  return session_->AskOwner(
      [&](OwnerSession*, ClientChannel* channel) -> Status {
        ScanAnswer answer;
        Status asked = channel->Ask(*request, session_->patience(), &answer);
        if (!asked.ok()) return asked;
        const std::vector<StoredPair>& pairs = answer.pairs;
        if (pairs.size() > request->max_pairs ||
            (pairs.empty() && !answer.is_end)) {
          return Nonsense("another number of pairs");
        }
        if (!IsInOrder(pairs, request->start)) {
          return Nonsense("pairs that are not in order");
        }
        *is_over = answer.is_end;
        for (const StoredPair& pair : pairs) {
          if (visit(pair.key, pair.value)) continue;
          *is_over = true;
          return asked;
        }
        // The scan goes on at the key right behind the last one.
        if (!pairs.empty()) {
          next->assign(pairs.back().key);
          next->push_back('\0');
        }
        return asked;
      });
}

Status RemoteReader::VisitUpTo(Partition partition, std::string_view start,
                               size_t limit, const Visitor& visit) {
  ScanRequest request;
  request.partition = partition;
  request.max_bytes = kFirstPieceBytes;
  std::string begin(start);
  std::string next;
  size_t left = limit;
  const Visitor counting = [&](std::string_view key, std::string_view value) {
    --left;
    return visit(key, value);
  };
  for (bool is_over = false; !is_over && left > 0;) {
    request.start = begin;
    request.max_pairs =
        static_cast<uint32_t>(std::min<size_t>(left, kMaxPairs));
    if (Status s = VisitPiece(&request, counting, &next, &is_over); !s.ok()) {
      return s;
    }
    std::swap(begin, next);
    request.max_bytes = std::min(2 * request.max_bytes, kPieceBytes);
  }
  return Status::Ok();
}

Status RemoteReader::Visit(Partition partition, std::string_view start,
                           const Visitor& visit) {
  return VisitUpTo(partition, start, SIZE_MAX, visit);
}

Status RemoteReader::Scan(Partition partition, std::string_view start,
                          size_t limit, std::vector<KeyValue>* pairs) {
  std::vector<KeyValue> read;
  Status s = VisitUpTo(partition, start, limit,
                       [&](std::string_view key, std::string_view value) {
                         read.push_back({std::string(key), std::string(value)});
                         return true;
                       });
  if (s.ok()) *pairs = std::move(read);
  return s;
}

}  // namespace actorkv
