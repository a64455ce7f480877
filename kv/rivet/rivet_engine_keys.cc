#include "kv/rivet/rivet_engine_keys.h"

#include <cassert>
#include <utility>

#include "kv/rivet/bare.h"

namespace actorkv {

namespace {

using std::string_view_literals::operator""sv;

// Parts of the tuples in the header.
constexpr std::string_view kActors = "\x14\x15\x03\x15\x48\x40"sv;
constexpr std::string_view kKeyBegin = "\x05\x01"sv;
constexpr std::string_view kMetadata = "\x15\x2c"sv;
constexpr std::string_view kPiece = "\x15\x04"sv;
constexpr std::string_view kDepot = "\x02\x10/"sv;
constexpr std::string_view kDepotEnd = "/cur"sv;
constexpr int kIntegerZero = 0x14;
constexpr int kMaxIntegerBytes = 8;
constexpr int kBase = 36;
constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuvwxyz";
constexpr size_t kTimestampBytes = 8;

// Takes `prefix` off the front.
bool Take(std::string_view* rest, std::string_view prefix) {
  if (rest->substr(0, prefix.size()) != prefix) return false;
  rest->remove_prefix(prefix.size());
  return true;
}

// Takes a string up to its end, 00; a 00 inside of it is written 00 ff.
bool TakeString(std::string_view* rest, std::string* text) {
  std::string read;
  for (size_t i = 0; i < rest->size(); ++i) {
    const char c = (*rest)[i];
    if (c == '\0') {
      if (i + 1 == rest->size() || (*rest)[i + 1] != '\xff') {
        rest->remove_prefix(i + 1);
        *text = std::move(read);
        return true;
      }
      ++i;
    }
    read.push_back(c);
  }
  return false;
}

bool TakeInteger(std::string_view* rest, uint64_t* value) {
  if (rest->empty()) return false;
  // The first byte of an integer says how many follow; negative ones, which are
  // below zero's, are none of ours.
  const int count = static_cast<unsigned char>((*rest)[0]) - kIntegerZero;
  if (count < 0 || count > kMaxIntegerBytes ||
      rest->size() <= static_cast<size_t>(count)) {
    return false;
  }
  uint64_t read = 0;
  for (int i = 1; i <= count; ++i) {
    const auto byte =
        static_cast<unsigned char>((*rest)[static_cast<size_t>(i)]);
    if (i == 1 && byte == 0) return false;  // written longer than it is
    read = read << 8 | byte;
  }
  rest->remove_prefix(1 + static_cast<size_t>(count));
  *value = read;
  return true;
}

}  // namespace

std::string RivetActorIdText(std::string_view id) {
  assert(id.size() == kRivetActorIdBytes);
  std::string number(id);
  std::string text;
  for (size_t digit = 0; digit < kRivetActorIdDigits; ++digit) {
    int remainder = 0;
    // Long division by 36, from the last byte, which is the most significant
    // one.
    for (size_t i = number.size(); i-- > 0;) {
      const int part = remainder * 256 + static_cast<unsigned char>(number[i]);
      number[i] = static_cast<char>(part / kBase);
      remainder = part % kBase;
    }
    text.push_back(kDigits[static_cast<size_t>(remainder)]);
  }
  return text;
}

bool ParseRivetActorIdText(std::string_view text, std::string* id) {
  if (text.size() != kRivetActorIdDigits) return false;
  std::string number(kRivetActorIdBytes, '\0');
  for (size_t digit = text.size(); digit-- > 0;) {
    const size_t value = kDigits.find(text[digit]);
    if (value == std::string_view::npos) return false;
    int carry = static_cast<int>(value);
    // Horner's rule, from the last digit, over the bytes from the least
    // significant one on.
    for (char& c : number) {
      carry += kBase * static_cast<unsigned char>(c);
      c = static_cast<char>(carry & 0xff);
      carry >>= 8;
    }
    if (carry != 0) return false;  // larger than 19 bytes hold
  }
  *id = std::move(number);
  return true;
}

std::string_view RivetActorsPrefix() { return kActors; }

bool ParseRivetEngineKey(std::string_view bytes, RivetEngineKey* key) {
  std::string_view rest = bytes;
  if (!Take(&rest, kActors) || rest.size() < kRivetActorIdBytes) return false;
  RivetEngineKey read;
  read.actor_id = rest.substr(0, kRivetActorIdBytes);
  rest.remove_prefix(kRivetActorIdBytes);
  if (!Take(&rest, kKeyBegin) || !TakeString(&rest, &read.key) ||
      !Take(&rest, "\0"sv)) {
    return false;
  }
  if (rest != kMetadata) {
    uint64_t piece = 0;
    if (!Take(&rest, kPiece) || !TakeInteger(&rest, &piece) || !rest.empty()) {
      return false;
    }
    read.piece = piece;
  }
  *key = std::move(read);
  return true;
}

std::string DepotPrefix(std::string_view bucket) {
  return std::string(kDepot).append(bucket);
}

std::string DepotKey(std::string_view bucket, std::string_view actor_id_text) {
  std::string key = DepotPrefix(bucket);
  key += '/';
  key += actor_id_text;
  key += kDepotEnd;
  return key;
}

bool ParseDepotKey(std::string_view key, std::string* bucket,
                   std::string* actor_id_text) {
  constexpr size_t kIdBegin = kDepot.size() + kDepotBucketBytes + 1;
  if (key.size() != kIdBegin + kRivetActorIdDigits + kDepotEnd.size()) {
    return false;
  }
  const std::string_view id = key.substr(kIdBegin, kRivetActorIdDigits);
  std::string bytes;
  if (key.substr(0, kDepot.size()) != kDepot || key[kIdBegin - 1] != '/' ||
      key.substr(kIdBegin + kRivetActorIdDigits) != kDepotEnd ||
      !ParseRivetActorIdText(id, &bytes)) {
    return false;
  }
  *bucket = std::string(key.substr(kDepot.size(), kDepotBucketBytes));
  *actor_id_text = std::string(id);
  return true;
}

bool IsRivetPairMetadata(std::string_view value) {
  BareReader fields(value);
  fields.Data();
  // Nothing of the value is kept, so fields that later engines may add do no
  // harm.
  return fields.ok() && value.size() - fields.offset() >= kTimestampBytes;
}

}  // namespace actorkv
