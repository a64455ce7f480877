// The parts of BARE (draft-devault-bare) that Rivet's files use:
//
//     uint           LEB128: seven bits a byte, low ones first, top bit: more
//                    follow
//     u8 ... u64     little-endian, as i64 is
//     bool           u8, 0 or 1
//     data, str      its length as uint, then the bytes
//     data[n]        n bytes
//     optional<T>    u8, 0: there is none; 1: T follows
//     list<T>        how many as uint, then each
//
// What is "versioned" has a u16 before it, its version.

#ifndef ACTORKV_KV_RIVET_BARE_H_
#define ACTORKV_KV_RIVET_BARE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace actorkv {

void AppendBareUint(std::string* out, uint64_t value);
// Appends the `width` low bytes of `value`.
void AppendBareFixed(std::string* out, uint64_t value, size_t width);
void AppendBareData(std::string* out, std::string_view bytes);

// BareReader: reads off the front of `input`. After the first error every read
// gives nothing and error() says what was wrong, so that a decoder checks once.
class BareReader {
 public:
  explicit BareReader(std::string_view input) : input_(input) {}

  // Reads a number, which has one encoding: a last byte of 0 is an error.
  uint64_t Uint();
  std::string_view Data();
  // Reads an integer of `width` bytes, at most 8.
  uint64_t Fixed(size_t width);
  int64_t Signed64() { return static_cast<int64_t>(Fixed(8)); }
  // Reads `size` bytes.
  std::string_view Bytes(size_t size);
  // Reads a bool, or whether an optional is there: any other byte is an error.
  bool Bool();
  // Reads the length of a list whose items take `item_bytes` at least: a list
  // that cannot be in what is left is an error, so that nobody makes room for
  // it.
  size_t Count(size_t item_bytes);
  // Ends with this error, which is a literal, where the decoder finds one.
  void Fail(std::string_view error) {
    if (ok()) error_ = error;
  }
  // Ends with an error when something is left.
  void End();

  bool ok() const { return error_.empty(); }
  // "a number is cut short"; empty when ok.
  std::string_view error() const { return error_; }
  // The bytes read so far; after an error, the offset at which the bad part
  // begins.
  size_t offset() const { return offset_; }

 private:
  std::string_view input_;
  size_t offset_ = 0;
  std::string_view error_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_RIVET_BARE_H_
