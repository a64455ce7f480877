#include "kv/share/server_reads.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace actorkv {
namespace {

// Keys are read in groups of so many, so that not all values of a large request
// are in memory before anyone counts them.
constexpr size_t kKeysAtOnce = 32;
// What a value takes in most cases: that of a page.
constexpr size_t kUsualValueBytes = size_t{64} << 10;

size_t BytesOf(const std::optional<std::string>& value) {
  return value.has_value() ? value->size() : 0;
}
size_t BytesOf(const std::optional<KeyValue>& pair) {
  return pair.has_value() ? pair->key.size() + pair->value.size() : 0;
}

// Reads group by group until it is enough. `read(keys, values)` reads a group.
template <typename Value, typename Read>
Status ReadKeys(const std::vector<std::string_view>& keys, const Read& read,
                std::vector<Value>* values) {
  size_t bytes = 0;
  for (size_t done = 0; done < keys.size() && bytes < kMaxReadBytes;) {
    const size_t count = std::min(kKeysAtOnce, keys.size() - done);
    const std::vector<std::string_view> group(
        keys.begin() + static_cast<ptrdiff_t>(done),
        keys.begin() + static_cast<ptrdiff_t>(done + count));
    std::vector<Value> found;
    if (Status s = read(group, &found); !s.ok()) return s;
    for (Value& value : found) {
      // One in any case.
      if (!values->empty() && bytes + BytesOf(value) > kMaxReadBytes) {
        return Status::Ok();
      }
      bytes += BytesOf(value);
      values->push_back(std::move(value));
    }
    done += count;
  }
  return Status::Ok();
}

}  // namespace

ServerReads::ServerReads(ServerCore* core, const ServerSession* session)
    : reader_(core->parts.store->engine()->NewReader()),
      memory_(&core->answers) {
  memory_.SetUser(session);
}

void ServerReads::End() {
  reader_->Refresh();
  memory_.GiveBack();
}

Status ServerReads::TakeMemory(size_t bytes) {
  if (memory_.Take(std::min(bytes, kMaxReadBytes))) return Status::Ok();
  return Status::Busy("the owner of the store ends");
}

Status ServerReads::Check(RequestScope* scope, uint32_t pin, size_t key_count) {
  if (key_count > kMaxKeysAsked) {
    return Status::InvalidArgument(std::to_string(key_count) +
                                   " keys are asked for, at most " +
                                   std::to_string(kMaxKeysAsked) + " may be");
  }
  if (Status s = scope->session()->CheckPin(pin); !s.ok()) return s;
  return TakeMemory(key_count * kUsualValueBytes);
}

Status ServerReads::Get(RequestScope* scope, const GetRequest& request) {
  if (Status s = Check(scope, request.pin, request.keys.size()); !s.ok()) {
    return scope->ReplyError(s);
  }
  std::vector<std::optional<std::string>> values;
  const Status read = ReadKeys(
      request.keys,
      [&](const std::vector<std::string_view>& keys,
          std::vector<std::optional<std::string>>* found) {
        return reader_->Get(request.partition, keys, found);
      },
      &values);
  GetAnswer answer;
  answer.values.reserve(values.size());
  for (const std::optional<std::string>& value : values) {
    answer.values.emplace_back(value);
  }
  Status sent = read.ok() ? scope->Reply(answer) : scope->ReplyError(read);
  End();
  return sent;
}

Status ServerReads::Seek(RequestScope* scope, const SeekRequest& request) {
  if (Status s = Check(scope, request.pin, request.keys.size()); !s.ok()) {
    return scope->ReplyError(s);
  }
  std::vector<std::optional<KeyValue>> pairs;
  const Status read = ReadKeys(
      request.keys,
      [&](const std::vector<std::string_view>& keys,
          std::vector<std::optional<KeyValue>>* found) {
        return reader_->Seek(request.partition, keys, found);
      },
      &pairs);
  SeekAnswer answer;
  answer.found.reserve(pairs.size());
  for (const std::optional<KeyValue>& pair : pairs) {
    answer.found.emplace_back();
    if (pair.has_value()) answer.found.back() = {pair->key, pair->value};
  }
  Status sent = read.ok() ? scope->Reply(answer) : scope->ReplyError(read);
  End();
  return sent;
}

Status ServerReads::Scan(RequestScope* scope, const ScanRequest& request) {
  const size_t max_bytes = std::min<size_t>(request.max_bytes, kMaxReadBytes);
  Status s = scope->session()->CheckPin(request.pin);
  if (s.ok()) s = TakeMemory(max_bytes + kUsualValueBytes);
  if (!s.ok()) return scope->ReplyError(s);
  std::vector<KeyValue> pairs;
  size_t bytes = 0;
  // A list of so many takes more memory than a reader lets it.
  const size_t max_pairs = std::clamp<size_t>(
      request.max_pairs, 1, kMaxReadBytes / sizeof(StoredPair));
  bool is_end = true;
  s = reader_->Visit(request.partition, request.start,
                     [&](std::string_view key, std::string_view value) {
                       const size_t more = key.size() + value.size();
                       is_end = pairs.empty() || (pairs.size() < max_pairs &&
                                                  bytes + more <= max_bytes);
                       if (!is_end) return false;
                       bytes += more;
                       pairs.push_back({std::string(key), std::string(value)});
                       return true;
                     });
  ScanAnswer answer;
  answer.is_end = is_end;
  answer.pairs.reserve(pairs.size());
  for (const KeyValue& pair : pairs) {
    answer.pairs.push_back({pair.key, pair.value});
  }
  Status sent = s.ok() ? scope->Reply(answer) : scope->ReplyError(s);
  End();
  return sent;
}

}  // namespace actorkv
