#include "kv/files/file_system.h"

#include <sys/vfs.h>

namespace actorkv {
namespace {

struct SharedFileSystem {
  int64_t type;  // statfs(2), and linux/magic.h
  const char* name;
};

constexpr SharedFileSystem kShared[] = {
    {0x6969, "NFS"},
    {0x517B, "SMB"},
    {0xFE534D42, "SMB"},
    {0xFF534D42, "CIFS"},
    {0x01021997, "9p"},
    // Of virtiofs, sshfs and many others; statfs(2) does not tell which.
    {0x65735546, "FUSE or virtiofs"},
    {0x00C36400, "Ceph"},
    {0x0BD00BD0, "Lustre"},
    {0x01161970, "GFS2"},
    {0x7461636F, "OCFS2"},
    {0x47504653, "GPFS"},
    {0x5346414F, "AFS"},
    {0x6B414653, "AFS"},
    {0x73757245, "Coda"},
    {0x786F4256, "vboxsf"},
};

// The number is signed on some machines.
constexpr int64_t kTypeBits = 0xFFFFFFFF;

}  // namespace

const char* SharedFileSystemName(int64_t type) {
  for (const SharedFileSystem& each : kShared) {
    if (each.type == (type & kTypeBits)) return each.name;
  }
  return nullptr;
}

std::string SharedFileSystemOf(const std::string& directory) {
  struct statfs info = {};
  if (statfs(directory.c_str(), &info) != 0) return "";
  const char* const name = SharedFileSystemName(int64_t{info.f_type});
  return name == nullptr ? "" : name;
}

}  // namespace actorkv
