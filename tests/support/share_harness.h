// What tests of kv/share/ need of a store: a directory with a marker, opened.

#ifndef ACTORKV_TESTS_SUPPORT_SHARE_HARNESS_H_
#define ACTORKV_TESTS_SUPPORT_SHARE_HARNESS_H_

#include <sys/stat.h>

#include <memory>
#include <string>

#include "kv/files/opened_directory.h"
#include "kv/files/store_marker.h"
#include "kv/share/frame.h"
#include "tests/support/testing.h"

namespace actorkv {

inline std::shared_ptr<OpenedDirectory> OpenDirectory(const std::string& path) {
  std::shared_ptr<OpenedDirectory> directory;
  EXPECT_OK(OpenedDirectory::Open(path, &directory));
  return directory;
}

// A directory that has the marker of a store.
class StoreDirectory {
 public:
  // `path` is there; empty: a new directory, which goes with the object.
  explicit StoreDirectory(const std::string& path = "")
      : path_(path.empty() ? temp_.path() : path) {
    EXPECT_OK(WriteMarker(path_));
    opened_ = OpenDirectory(path_);
  }

  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const { return path_ + "/" + name; }
  const std::shared_ptr<OpenedDirectory>& opened() const { return opened_; }

 private:
  TempDir temp_;
  const std::string path_;
  std::shared_ptr<OpenedDirectory> opened_;
};

// A frame of a SYNC with this request number and any body.
inline std::string SomeFrame(uint64_t request, const std::string& body) {
  FrameHeader header;
  header.op = Op::kSync;
  header.size_bytes = static_cast<uint32_t>(body.size());
  header.request = request;
  std::string frame(kFrameHeaderBytes, '\0');
  StoreFrameHeader(header, frame.data());
  return frame + body;
}

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_SHARE_HARNESS_H_
