#include "kv/base/coding.h"

namespace actorkv {

namespace {

// A char may be negative: it must not be widened with its sign.
uint64_t Byte(const char* bytes, int index) {
  return static_cast<unsigned char>(bytes[index]);
}

template <typename Integer>
void StoreBig(char* bytes, Integer value) {
  for (size_t i = sizeof value; i-- > 0; value >>= 8) {
    bytes[i] = static_cast<char>(value);
  }
}

template <typename Integer>
void StoreLittle(char* bytes, Integer value) {
  for (size_t i = 0; i < sizeof value; ++i, value >>= 8) {
    bytes[i] = static_cast<char>(value);
  }
}

template <typename Integer>
void AppendBig(std::string* out, Integer value) {
  char bytes[sizeof value];
  StoreBig(bytes, value);
  out->append(bytes, sizeof bytes);
}

template <typename Integer>
void AppendLittle(std::string* out, Integer value) {
  char bytes[sizeof value];
  StoreLittle(bytes, value);
  out->append(bytes, sizeof bytes);
}

template <typename Integer>
Integer LoadBig(const char* bytes) {
  uint64_t value = 0;
  for (int i = 0; i < int{sizeof(Integer)}; ++i) {
    value = value << 8 | Byte(bytes, i);
  }
  return static_cast<Integer>(value);
}

template <typename Integer>
Integer LoadLittle(const char* bytes) {
  uint64_t value = 0;
  for (int i = int{sizeof(Integer)} - 1; i >= 0; --i) {
    value = value << 8 | Byte(bytes, i);
  }
  return static_cast<Integer>(value);
}

}  // namespace

void AppendBig32(std::string* out, uint32_t value) { AppendBig(out, value); }
void AppendBig64(std::string* out, uint64_t value) { AppendBig(out, value); }
uint32_t LoadBig32(const char* bytes) { return LoadBig<uint32_t>(bytes); }
uint64_t LoadBig64(const char* bytes) { return LoadBig<uint64_t>(bytes); }

void StoreBig32(char* bytes, uint32_t value) { StoreBig(bytes, value); }
void StoreBig64(char* bytes, uint64_t value) { StoreBig(bytes, value); }

void AppendLittle32(std::string* out, uint32_t value) {
  AppendLittle(out, value);
}
void AppendLittle64(std::string* out, uint64_t value) {
  AppendLittle(out, value);
}
uint32_t LoadLittle32(const char* bytes) { return LoadLittle<uint32_t>(bytes); }
uint64_t LoadLittle64(const char* bytes) { return LoadLittle<uint64_t>(bytes); }
void StoreLittle64(char* bytes, uint64_t value) { StoreLittle(bytes, value); }

void AppendVarint32(std::string* out, uint32_t value) {
  for (; value >= 0x80; value >>= 7) {
    out->push_back(static_cast<char>(value | 0x80));
  }
  out->push_back(static_cast<char>(value));
}

uint8_t FieldReader::Byte() {
  std::string_view bytes = Bytes(1);
  return bytes.empty() ? uint8_t{0} : static_cast<uint8_t>(bytes[0]);
}

uint32_t FieldReader::Little32() {
  std::string_view bytes = Bytes(4);
  return bytes.empty() ? 0 : LoadLittle32(bytes.data());
}

uint64_t FieldReader::Little64() {
  std::string_view bytes = Bytes(8);
  return bytes.empty() ? 0 : LoadLittle64(bytes.data());
}

uint32_t FieldReader::Varint32() {
  uint64_t value = 0;
  for (size_t i = 0; i < kMaxVarint32Bytes; ++i) {
    const uint8_t byte = Byte();
    value |= uint64_t{byte & 0x7fu} << (7 * i);
    if ((byte & 0x80u) != 0) continue;
    // Five bytes have room for 35 bits.
    if (value > UINT32_MAX) break;
    return static_cast<uint32_t>(value);
  }
  ok_ = false;
  rest_ = {};
  return 0;
}

std::string_view FieldReader::Bytes(size_t size) {
  if (!ok_ || rest_.size() < size) {
    ok_ = false;
    rest_ = {};
    return {};
  }
  std::string_view bytes = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return bytes;
}

}  // namespace actorkv
