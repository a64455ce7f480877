#include "kv/files/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>

namespace actorkv {

namespace {

constexpr size_t kPackedBytes = size_t{64} << 10;
// Not 32, with which zlib would also take its own format: such a file is not
// what was asked for.
constexpr int kGzipOnly = 15 + 16;  // zlib.h: largest window, gzip header

class Unpacked : public ByteSource {
 public:
  explicit Unpacked(std::unique_ptr<ByteSource> packed)
      : packed_(std::move(packed)) {}
  ~Unpacked() override {
    if (is_open_) inflateEnd(&stream_);
  }
  Unpacked(const Unpacked&) = delete;
  Unpacked& operator=(const Unpacked&) = delete;

  Status Read(char* buffer, size_t size, size_t* got) override {
    // zlib counts in 32 bits. A read of less than was asked for is one that the
    // caller repeats.
    const auto wanted = static_cast<uInt>(
        std::min<size_t>(size, std::numeric_limits<uInt>::max()));
    while (true) {
      bool more = true;
      if (Status s = Fill(&more); !s.ok()) return s;
      if (!more) {
        *got = 0;
        return Status::Ok();
      }
      stream_.next_out = reinterpret_cast<Bytef*>(buffer);
      stream_.avail_out = wanted;
      if (Status s = Inflate(); !s.ok()) return s;
      if (stream_.avail_out == wanted) continue;
      *got = wanted - stream_.avail_out;
      return Status::Ok();
    }
  }

 private:
  // Reads packed bytes; *more is false when there are none any more.
  Status FillBuffer(bool* more) {
    // zlib may have output left without any input.
    if (stream_.avail_in > 0 || inside_output_) return Status::Ok();
    size_t got = 0;
    if (Status s = packed_->Read(buffer_.data(), buffer_.size(), &got);
        !s.ok()) {
      return s;
    }
    offset_ += got;
    stream_.next_in = reinterpret_cast<Bytef*>(buffer_.data());
    stream_.avail_in = static_cast<uInt>(got);
    *more = got > 0;
    return Status::Ok();
  }

  // Passes over zeros up to the end of the file, which tapes and block devices
  // add, as gzip(1) does. *more becomes false.
  Status SkipZeros(bool* more) {
    while (*more) {
      const Bytef* const end = stream_.next_in + stream_.avail_in;
      const Bytef* const other =
          std::find_if(static_cast<const Bytef*>(stream_.next_in), end,
                       [](Bytef byte) { return byte != 0; });
      stream_.avail_in = static_cast<uInt>(end - other);
      if (other != end) return Bad("something that is not gzip behind zeros");
      if (Status s = FillBuffer(more); !s.ok()) return s;
    }
    return Status::Ok();
  }

  // Has packed bytes ready, in a member. *more is false at the end, which is
  // good only between two members.
  Status Fill(bool* more) {
    if (Status s = FillBuffer(more); !s.ok()) return s;
    if (!*more) return in_member_ ? Bad("it is cut short") : Status::Ok();
    if (in_member_) return Status::Ok();
    if (is_open_ && *stream_.next_in == 0) return SkipZeros(more);
    // A file may have several members one after the other, and is what they
    // unpack to, as for gzip(1). One stream serves all: its window is 32 KiB.
    const int begun =
        is_open_ ? inflateReset(&stream_) : inflateInit2(&stream_, kGzipOnly);
    if (begun != Z_OK) return Status::IOError("zlib: no memory");
    is_open_ = true;
    in_member_ = true;
    return Status::Ok();
  }

  Status Inflate() {
    const int result = inflate(&stream_, Z_NO_FLUSH);
    // With the output full zlib may hold more that needs no more input.
    inside_output_ = stream_.avail_out == 0 && result == Z_OK;
    // zlib has compared the trailer, with CRC and length, by then.
    if (result == Z_STREAM_END) in_member_ = false;
    // Z_BUF_ERROR says only that more input or room is needed (zlib.h).
    if (result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR) {
      return Status::Ok();
    }
    if (result == Z_MEM_ERROR) return Status::IOError("zlib: no memory");
    return Bad(stream_.msg == nullptr ? "damaged" : stream_.msg);
  }

  Status Bad(std::string_view what) const {
    return Status::Corruption("gzip, at byte " +
                              std::to_string(offset_ - stream_.avail_in) +
                              ": " + std::string(what));
  }

  const std::unique_ptr<ByteSource> packed_;
  std::array<char, kPackedBytes> buffer_;
  z_stream stream_ = {};
  uint64_t offset_ = 0;         // offset behind the packed bytes
  bool is_open_ = false;        // stream_ is zlib's
  bool in_member_ = false;      // its trailer has not been seen
  bool inside_output_ = false;  // zlib has more to give
};

}  // namespace

bool IsGzip(std::string_view bytes) { return bytes.substr(0, 2) == "\x1f\x8b"; }

std::unique_ptr<ByteSource> UnpackGzip(std::unique_ptr<ByteSource> packed) {
  return std::make_unique<Unpacked>(std::move(packed));
}

}  // namespace actorkv
