// These encode fixed-width integers in byte strings: big-endian in keys, so
// that they sort as numbers; little-endian in values.

#ifndef ACTORKV_KV_BASE_CODING_H_
#define ACTORKV_KV_BASE_CODING_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace actorkv {

void AppendBig32(std::string* out, uint32_t value);
void AppendBig64(std::string* out, uint64_t value);
uint32_t LoadBig32(const char* bytes);
uint64_t LoadBig64(const char* bytes);
void StoreBig32(char* bytes, uint32_t value);
void StoreBig64(char* bytes, uint64_t value);

void AppendLittle32(std::string* out, uint32_t value);
void AppendLittle64(std::string* out, uint64_t value);
uint32_t LoadLittle32(const char* bytes);
uint64_t LoadLittle64(const char* bytes);
void StoreLittle64(char* bytes, uint64_t value);

// Appends seven bits a byte, the low ones first; the top bit says that more
// follow (LEB128). At most kMaxVarint32Bytes.
constexpr size_t kMaxVarint32Bytes = 5;
void AppendVarint32(std::string* out, uint32_t value);

// FieldReader: reads little-endian fields off the front of a value. After
// reading past the end every read gives zero and ok() is false, so that a
// decoder checks once.
class FieldReader {
 public:
  explicit FieldReader(std::string_view input) : rest_(input) {}

  uint8_t Byte();
  uint32_t Little32();
  uint64_t Little64();
  uint32_t Varint32();  // more than 32 bits count as past the end
  std::string_view Bytes(size_t size);

  bool ok() const { return ok_; }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_BASE_CODING_H_
