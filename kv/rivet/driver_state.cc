#include "kv/rivet/driver_state.h"

#include <algorithm>
#include <utility>

#include "kv/files/byte_reader.h"
#include "kv/rivet/bare.h"
#include "kv/rivet/pair_limits.h"

namespace actorkv {

namespace {

constexpr uint64_t kLastVersion = 3;
constexpr size_t kVersionBytes = 2;
constexpr size_t kMaxUintBytes = 10;
// What comes behind the pairs: a time, and up to four optional ones.
constexpr size_t kMaxTailBytes = 8 + 4 * 9;

// StateReader: reads a state file from front to back: Head(), then Pair() as
// long as there is one, then Tail().
class StateReader {
 public:
  explicit StateReader(std::unique_ptr<ByteSource> source)
      : reader_(std::move(source)) {}

  Status Head(DriverState* state);
  uint64_t pairs_left() const { return pairs_left_; }
  Status Pair(KeyValue* pair);
  Status Tail(DriverState* state);

 private:
  Status Bad(uint64_t offset, std::string_view what) const {
    return Status::Corruption("at byte " + std::to_string(offset) + ": " +
                              std::string(what));
  }
  Status Uint(uint64_t* value);
  Status Text(size_t* budget, std::string* text);
  // Reads a key or a value, of a size that a pair may have.
  Status Data(bool is_key, std::string* data);

  ByteReader reader_;
  uint64_t version_ = 0;
  uint64_t pairs_left_ = 0;
};

Status StateReader::Uint(uint64_t* value) {
  std::string_view bytes;
  if (Status s = reader_.Peek(kMaxUintBytes, &bytes); !s.ok()) return s;
  BareReader bare(bytes);
  const uint64_t read = bare.Uint();
  if (!bare.ok()) return Bad(reader_.offset(), bare.error());
  std::string taken;
  if (Status s = reader_.Take(bare.offset(), &taken); !s.ok()) return s;
  *value = read;
  return Status::Ok();
}

Status StateReader::Text(size_t* budget, std::string* text) {
  const uint64_t begin = reader_.offset();
  uint64_t size = 0;
  if (Status s = Uint(&size); !s.ok()) return s;
  if (size > *budget) {
    return Bad(begin, "name and key are larger than the limit of " +
                          std::to_string(kMaxDriverNameBytes) + " bytes");
  }
  if (Status s = reader_.Take(static_cast<size_t>(size), text); !s.ok()) {
    return s;
  }
  if (text->size() < size) return Bad(begin, "a text is cut short");
  // An empty text takes a byte, so that a list of them comes to an end.
  *budget -= std::min(*budget, text->size() + 1);
  return Status::Ok();
}

Status StateReader::Data(bool is_key, std::string* data) {
  const uint64_t begin = reader_.offset();
  uint64_t size = 0;
  if (Status s = Uint(&size); !s.ok()) return s;
  Status fits = is_key ? CheckPairKeySize(size) : CheckPairValueSize(size);
  if (!fits.ok()) {
    return fits.WithContext("at byte " + std::to_string(begin));
  }
  if (Status s = reader_.Take(static_cast<size_t>(size), data); !s.ok()) {
    return s;
  }
  return data->size() < size ? Bad(begin, "a pair is cut short") : Status::Ok();
}

Status StateReader::Head(DriverState* state) {
  std::string bytes;
  if (Status s = reader_.Take(kVersionBytes, &bytes); !s.ok()) return s;
  BareReader version(bytes);
  version_ = version.Fixed(kVersionBytes);
  if (!version.ok()) return Bad(0, version.error());
  if (version_ < 1 || version_ > kLastVersion) {
    return Status::NotSupported("a state file of version " +
                                std::to_string(version_));
  }
  size_t budget = kMaxDriverNameBytes;
  uint64_t parts = 0;
  if (Status s = Text(&budget, &state->actor_id); !s.ok()) return s;
  if (Status s = Text(&budget, &state->name); !s.ok()) return s;
  if (Status s = Uint(&parts); !s.ok()) return s;
  for (; parts > 0; --parts) {
    std::string part;
    if (budget == 0) return Bad(reader_.offset(), "a key of too many parts");
    if (Status s = Text(&budget, &part); !s.ok()) return s;
    state->key.push_back(std::move(part));
  }
  if (version_ == 1) {
    pairs_left_ = 1;  // without a key
    return Status::Ok();
  }
  return Uint(&pairs_left_);
}

Status StateReader::Pair(KeyValue* pair) {
  --pairs_left_;
  if (version_ == 1) {
    pair->key = "\x01";
  } else if (Status s = Data(true, &pair->key); !s.ok()) {
    return s;
  }
  return Data(false, &pair->value);
}

Status StateReader::Tail(DriverState* state) {
  std::string bytes;
  const uint64_t begin = reader_.offset();
  if (Status s = reader_.Take(kMaxTailBytes + 1, &bytes); !s.ok()) return s;
  BareReader bare(bytes);
  state->created_at_ms = bare.Fixed(sizeof(uint64_t));
  if (version_ == kLastVersion) {
    for (int i = 0; i < 4; ++i) {
      if (bare.Bool()) bare.Fixed(sizeof(uint64_t));
    }
  }
  bare.End();
  return bare.ok() ? Status::Ok() : Bad(begin + bare.offset(), bare.error());
}

class StatePairs : public PairSource {
 public:
  explicit StatePairs(std::unique_ptr<ByteSource> source)
      : reader_(std::move(source)) {}

  Status Next(KeyValue* pair, bool* more) override {
    DriverState ignored;
    if (!begun_) {
      if (Status s = reader_.Head(&ignored); !s.ok()) return s;
    }
    begun_ = true;
    if (reader_.pairs_left() == 0) {
      *more = false;
      // The end is looked at as well: half a file has all its pairs, perhaps.
      if (ended_) return Status::Ok();
      ended_ = true;
      return reader_.Tail(&ignored);
    }
    KeyValue read;
    if (Status s = reader_.Pair(&read); !s.ok()) return s;
    *pair = std::move(read);
    *more = true;
    return Status::Ok();
  }

 private:
  StateReader reader_;
  bool begun_ = false;
  bool ended_ = false;
};

}  // namespace

Status ReadDriverState(std::unique_ptr<ByteSource> source, DriverState* state) {
  StateReader reader(std::move(source));
  DriverState read;
  if (Status s = reader.Head(&read); !s.ok()) return s;
  KeyValue pair;
  for (; reader.pairs_left() > 0; ++read.pair_count) {
    if (Status s = reader.Pair(&pair); !s.ok()) return s;
  }
  if (Status s = reader.Tail(&read); !s.ok()) return s;
  *state = std::move(read);
  return Status::Ok();
}

std::unique_ptr<PairSource> DriverStatePairs(
    std::unique_ptr<ByteSource> source) {
  return std::make_unique<StatePairs>(std::move(source));
}

Status DecodeDriverAlarm(std::string_view bytes, uint64_t* at_ms) {
  BareReader reader(bytes);
  const uint64_t version = reader.Fixed(kVersionBytes);
  if (reader.ok() && (version < 1 || version > kLastVersion)) {
    return Status::NotSupported("an alarm file of version " +
                                std::to_string(version));
  }
  reader.Data();
  const uint64_t read = reader.Uint();
  reader.End();
  if (!reader.ok()) {
    return Status::Corruption("at byte " + std::to_string(reader.offset()) +
                              ": " + std::string(reader.error()));
  }
  *at_ms = read;
  return Status::Ok();
}

std::string DriverKeyText(const std::vector<std::string>& key) {
  if (key.empty()) return "/";
  std::string text;
  for (size_t i = 0; i < key.size(); ++i) {
    if (i > 0) text += '/';
    if (key[i].empty()) text += "\\0";
    for (const char c : key[i]) {
      if (c == '\\' || c == '/') text += '\\';
      text += c;
    }
  }
  return text;
}

ActorMetadata DriverMetadata(const DriverState& state) {
  ActorMetadata metadata;
  metadata.source_actor_id = state.actor_id;
  metadata.name = state.name;
  const bool is_text = state.pair_count > 0 && state.key.size() == 1;
  metadata.key = is_text ? state.key[0] : DriverKeyText(state.key);
  metadata.create_ts = static_cast<int64_t>(state.created_at_ms);
  return metadata;
}

}  // namespace actorkv
