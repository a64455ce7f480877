#include "kv/files/open_bytes.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "kv/files/gzip.h"

namespace actorkv {

namespace {

constexpr size_t kMagicBytes = 2;

// The bytes that were read to look at them, and then the others.
class LookedAt : public ByteSource {
 public:
  LookedAt(std::string begin, std::unique_ptr<ByteSource> rest)
      : begin_(std::move(begin)), rest_(std::move(rest)) {}

  Status Read(char* buffer, size_t size, size_t* got) override {
    if (at_ == begin_.size()) return rest_->Read(buffer, size, got);
    *got = std::min(size, begin_.size() - at_);
    std::memcpy(buffer, &begin_[at_], *got);
    at_ += *got;
    return Status::Ok();
  }

 private:
  const std::string begin_;
  const std::unique_ptr<ByteSource> rest_;
  size_t at_ = 0;
};

// Fewer bytes only where there are no more.
Status ReadBegin(ByteSource* source, std::string* begin) {
  // Sources may give less than was asked for, so the loop goes on up to the
  // end.
  std::string bytes(kMagicBytes, '\0');
  size_t size = 0;
  for (size_t got = 1; size < bytes.size() && got > 0; size += got) {
    if (Status s = source->Read(&bytes[size], bytes.size() - size, &got);
        !s.ok()) {
      return s;
    }
  }
  bytes.resize(size);
  *begin = std::move(bytes);
  return Status::Ok();
}

}  // namespace

Status OpenBytes(const std::string& path, std::unique_ptr<ByteSource>* source,
                 bool* gzip) {
  std::unique_ptr<ByteSource> file;
  std::string begin;
  if (Status s = OpenFileBytes(path, &file); !s.ok()) return s;
  if (Status s = ReadBegin(file.get(), &begin); !s.ok()) return s;
  *gzip = IsGzip(begin);
  // The bytes are given again rather than the file rewound: a source cannot go
  // back.
  auto whole = std::make_unique<LookedAt>(std::move(begin), std::move(file));
  if (*gzip) {
    *source = UnpackGzip(std::move(whole));
  } else {
    *source = std::move(whole);
  }
  return Status::Ok();
}

}  // namespace actorkv
