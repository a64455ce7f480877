// PrivateFile: has what the journals of this VFS have in common. Only their own
// connection opens them, and a crash may lose them: there is nothing to lock
// and nothing to sync.

#ifndef ACTORKV_VFS_SQLITE_PRIVATE_FILE_H_
#define ACTORKV_VFS_SQLITE_PRIVATE_FILE_H_

#include "vfs/sqlite/file_methods.h"
#include "vfs/sqlite/sqlite_api.h"

namespace actorkv {

// FileMethods calls these on the class that derives from it.
class PrivateFile : public sqlite3_file {
 public:
  int Sync(int /*flags*/) { return SQLITE_OK; }
  int Lock(int /*level*/) { return SQLITE_OK; }
  int Unlock(int /*level*/) { return SQLITE_OK; }
  int CheckReservedLock(int* reserved) {
    *reserved = 0;
    return SQLITE_OK;
  }
  int FileControl(int /*op*/, void* /*arg*/) { return SQLITE_NOTFOUND; }

  // The size is the smallest, so that a journal's header is not padded.
  int SectorSize() const { return 512; }
  int DeviceCharacteristics() const { return 0; }
};

}  // namespace actorkv

#endif  // ACTORKV_VFS_SQLITE_PRIVATE_FILE_H_
