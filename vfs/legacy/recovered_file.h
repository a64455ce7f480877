// RecoveredFile: a RecoveredImage as a SQLite file that can only be read: an
// actor that is still in its legacy form. Nobody writes, so locks have nothing
// to do. The VFS that opens it must answer SQLITE_OPEN_READONLY in the flags,
// and that there is no journal and no WAL.

#ifndef ACTORKV_VFS_LEGACY_RECOVERED_FILE_H_
#define ACTORKV_VFS_LEGACY_RECOVERED_FILE_H_

#include <memory>
#include <string>
#include <utility>

#include "vfs/legacy/recovered_image.h"
#include "vfs/sqlite/file_methods.h"
#include "vfs/sqlite/sqlite_api.h"
#include "vfs/sqlite/uri.h"

namespace actorkv {

class Store;

struct RecoveredFileOptions {
  std::shared_ptr<Store> store;  // the actor's; null: it is in none
  std::string full_name;
  // A reason beside its form, which makes it read-only in any case.
  ReadOnly read_only = ReadOnly::kNo;
};

class RecoveredFile : public sqlite3_file {
 public:
  explicit RecoveredFile(std::shared_ptr<RecoveredImage> image,
                         RecoveredFileOptions options = {})
      : image_(std::move(image)), options_(std::move(options)) {
    pMethods = &FileMethods<RecoveredFile>::kTable;
  }

  const std::shared_ptr<RecoveredImage>& image() const { return image_; }
  const std::shared_ptr<Store>& shared_store() const { return options_.store; }
  ReadOnly read_only() const { return options_.read_only; }

  // The connection and the name that errors of this file are kept under.
  ErrorOwner error_owner() const {
    return {db_ == nullptr ? nullptr : *db_, options_.full_name};
  }

  int Close() { return SQLITE_OK; }
  int Read(void* buffer, int size, sqlite3_int64 offset);
  // These three are SQLITE_READONLY.
  int Write(const void* buffer, int size, sqlite3_int64 offset);
  int Truncate(sqlite3_int64 size);
  int Sync(int flags);
  int FileSize(sqlite3_int64* size);
  // Refuses locks above SHARED with SQLITE_READONLY.
  int Lock(int level);
  int Unlock(int level);
  int CheckReservedLock(int* reserved);
  int FileControl(int op, void* arg);
  int SectorSize() const { return 512; }
  int DeviceCharacteristics() const { return 0; }

 private:
  int ReportReadOnly() const;

  const std::shared_ptr<RecoveredImage> image_;
  const RecoveredFileOptions options_;
  sqlite3** db_ = nullptr;  // from FCNTL_PDB; read it anew each time
};

}  // namespace actorkv

#endif  // ACTORKV_VFS_LEGACY_RECOVERED_FILE_H_
