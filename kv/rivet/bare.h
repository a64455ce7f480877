// The two parts of BARE (draft-devault-bare) that Rivet's files use beside
// fixed-width integers:
//
//     uint   LEB128: seven bits a byte, low ones first, top bit: more follow
//     data   its length as uint, then the bytes

#ifndef ACTORKV_KV_RIVET_BARE_H_
#define ACTORKV_KV_RIVET_BARE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace actorkv {

void AppendBareUint(std::string* out, uint64_t value);
void AppendBareData(std::string* out, std::string_view bytes);

// BareReader: reads off the front of `input`. After the first error every read
// gives nothing and error() says what was wrong, so that a decoder checks once.
class BareReader {
 public:
  explicit BareReader(std::string_view input) : input_(input) {}

  // Reads a number, which has one encoding: a last byte of 0 is an error.
  uint64_t Uint();
  std::string_view Data();
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
