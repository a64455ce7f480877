#include "kv/rivet/cbor_texts.h"

#include <cstddef>
#include <cstdint>

namespace actorkv {

namespace {

// The kinds of items, as the top three bits of the first byte have them.
constexpr unsigned kText = 3;
constexpr unsigned kArray = 4;
constexpr unsigned kMap = 5;

// The low five bits are the number itself up to here; then they say in how many
// bytes it follows.
constexpr unsigned kLargestShort = 23;
constexpr unsigned kOneByte = 24;
constexpr unsigned kFourBytes = 26;

void AppendHead(std::string* out, unsigned kind, size_t count) {
  const unsigned top = kind << 5;
  size_t width = 0;
  if (count <= kLargestShort) {
    out->push_back(static_cast<char>(top | count));
    return;
  }
  if (count <= 0xff) {
    out->push_back(static_cast<char>(top | kOneByte));
    width = 1;
  } else if (count <= 0xffff) {
    out->push_back(static_cast<char>(top | (kOneByte + 1)));
    width = 2;
  } else {
    out->push_back(static_cast<char>(top | kFourBytes));
    width = 4;
  }
  while (width-- > 0) out->push_back(static_cast<char>(count >> (8 * width)));
}

void AppendText(std::string* out, std::string_view text) {
  AppendHead(out, kText, text.size());
  out->append(text);
}

bool TakeHead(std::string_view* rest, unsigned kind, size_t* count) {
  if (rest->empty()) return false;
  const auto first = static_cast<unsigned char>((*rest)[0]);
  const unsigned low = first & 0x1fU;
  // Nothing of Rivet's has more than 32 bits of anything.
  if (first >> 5 != kind || low > kFourBytes) return false;
  rest->remove_prefix(1);
  if (low <= kLargestShort) {
    *count = low;
    return true;
  }
  const size_t width = size_t{1} << (low - kOneByte);
  if (rest->size() < width) return false;
  *count = 0;
  for (size_t i = 0; i < width; ++i) {
    *count = (*count << 8) | static_cast<unsigned char>((*rest)[i]);
  }
  rest->remove_prefix(width);
  return true;
}

bool TakeText(std::string_view* rest, std::string* text) {
  size_t size = 0;
  if (!TakeHead(rest, kText, &size) || size > rest->size()) return false;
  *text = std::string(rest->substr(0, size));
  rest->remove_prefix(size);
  return true;
}

}  // namespace

std::string EncodeCborMap(const TextPairs& pairs) {
  std::string bytes;
  AppendHead(&bytes, kMap, pairs.size());
  for (const auto& [key, value] : pairs) {
    AppendText(&bytes, key);
    AppendText(&bytes, value);
  }
  return bytes;
}

std::string EncodeCborArray(const std::vector<std::string>& texts) {
  std::string bytes;
  AppendHead(&bytes, kArray, texts.size());
  for (const std::string& text : texts) AppendText(&bytes, text);
  return bytes;
}

bool DecodeCborMap(std::string_view bytes, TextPairs* pairs) {
  size_t count = 0;
  TextPairs read;
  if (!TakeHead(&bytes, kMap, &count)) return false;
  for (size_t i = 0; i < count; ++i) {
    std::pair<std::string, std::string> pair;
    if (!TakeText(&bytes, &pair.first) || !TakeText(&bytes, &pair.second)) {
      return false;
    }
    read.push_back(std::move(pair));
  }
  if (!bytes.empty()) return false;
  *pairs = std::move(read);
  return true;
}

bool DecodeCborArray(std::string_view bytes, std::vector<std::string>* texts) {
  size_t count = 0;
  std::vector<std::string> read;
  if (!TakeHead(&bytes, kArray, &count)) return false;
  for (size_t i = 0; i < count; ++i) {
    std::string text;
    if (!TakeText(&bytes, &text)) return false;
    read.push_back(std::move(text));
  }
  if (!bytes.empty()) return false;
  *texts = std::move(read);
  return true;
}

}  // namespace actorkv
