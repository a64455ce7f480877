#include "kv/rivet/bare.h"

namespace actorkv {

namespace {

constexpr size_t kMaxUintBytes = 10;  // 64 bits, seven a byte

}  // namespace

void AppendBareUint(std::string* out, uint64_t value) {
  while (value > 0x7f) {
    out->push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out->push_back(static_cast<char>(value));
}

void AppendBareFixed(std::string* out, uint64_t value, size_t width) {
  for (size_t i = 0; i < width; ++i) {
    out->push_back(static_cast<char>(value >> (8 * i)));
  }
}

void AppendBareData(std::string* out, std::string_view bytes) {
  AppendBareUint(out, bytes.size());
  out->append(bytes);
}

uint64_t BareReader::Uint() {
  if (!ok()) return 0;
  uint64_t value = 0;
  for (size_t i = 0; offset_ + i < input_.size(); ++i) {
    const auto byte = static_cast<unsigned char>(input_[offset_ + i]);
    // The tenth byte has room for the last of 64 bits alone.
    if (i == kMaxUintBytes - 1 && byte > 1) {
      error_ = "a number has more than 64 bits";
      return 0;
    }
    value |= uint64_t{byte & 0x7fU} << (7 * i);
    if ((byte & 0x80) != 0) continue;
    // BARE has one encoding for a number: what two writers make of the same
    // pair is the same.
    if (byte == 0 && i > 0) {
      error_ = "a number is written longer than it is";
      return 0;
    }
    offset_ += i + 1;
    return value;
  }
  // Reached at the end of the input, with each byte so far saying that another
  // one comes.
  error_ = "a number is cut short";
  return 0;
}

std::string_view BareReader::Data() {
  const size_t begin = offset_;
  const uint64_t size = Uint();
  if (!ok()) return {};
  // Compared before it is used: a length of nearly 2^64 must not wrap around.
  if (size > input_.size() - offset_) {
    offset_ = begin;
    error_ = "a length is larger than what is left";
    return {};
  }
  const std::string_view bytes =
      input_.substr(offset_, static_cast<size_t>(size));
  offset_ += bytes.size();
  return bytes;
}

std::string_view BareReader::Bytes(size_t size) {
  if (!ok()) return {};
  if (size > input_.size() - offset_) {
    error_ = "it is cut short";
    return {};
  }
  const std::string_view bytes = input_.substr(offset_, size);
  offset_ += size;
  return bytes;
}

uint64_t BareReader::Fixed(size_t width) {
  const std::string_view bytes = Bytes(width);
  uint64_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;) {
    value = (value << 8) | static_cast<unsigned char>(bytes[i]);
  }
  return value;
}

bool BareReader::Bool() {
  const size_t begin = offset_;
  const uint64_t value = Fixed(1);
  if (value > 1) {
    offset_ = begin;
    error_ = "neither 0 nor 1 where one of them belongs";
    return false;
  }
  return value == 1;
}

size_t BareReader::Count(size_t item_bytes) {
  const size_t begin = offset_;
  const uint64_t count = Uint();
  if (ok() && count > (input_.size() - offset_) / item_bytes) {
    offset_ = begin;
    error_ = "a list is longer than what is left";
    return 0;
  }
  return static_cast<size_t>(count);
}

void BareReader::End() {
  if (ok() && offset_ < input_.size()) error_ = "bytes are left over";
}

}  // namespace actorkv
