// RecoveredImage: a legacy database as SQLite left it after recovery, page by
// page. The pairs are below it, unchanged; the writes of the recovery are in an
// overlay. Its pages never change.
//
// Thread safety: may be used from any thread; reads take turns. The pairs must
// not be read by others meanwhile.

#ifndef ACTORKV_VFS_LEGACY_RECOVERED_IMAGE_H_
#define ACTORKV_VFS_LEGACY_RECOVERED_IMAGE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "kv/base/status.h"
#include "kv/base/types.h"
#include "vfs/legacy/legacy_holes.h"
#include "vfs/legacy/legacy_vfs.h"

namespace actorkv {

class RecoveredImage {
 public:
  // Made by Recover() (vfs/legacy/legacy_recovery.h). REQUIRES: the connection
  // to `session` is closed. The pairs of the session must outlive the image.
  // `holes`: where they were not looked at, see CheckHoles(); else null.
  RecoveredImage(std::unique_ptr<LegacySession> session,
                 const LegacyDatabase& database,
                 std::unique_ptr<LegacyHoles> holes,
                 std::vector<std::string> repairs)
      : session_(std::move(session)),
        page_size_(database.page_size),
        page_count_(database.page_count),
        holes_(std::move(holes)),
        repairs_(std::move(repairs)) {}

  // An empty database has no pages, and 0 as their size.
  uint32_t page_size() const { return page_size_; }
  uint32_t page_count() const { return page_count_; }
  uint64_t size_bytes() const { return uint64_t{page_count_} * page_size_; }

  // The repairs that had to be done, in words: "rolled back a hot journal: 60
  // pages". Empty: none.
  const std::vector<std::string>& repairs() const { return repairs_; }

  // Reads a whole page into `page`, which has page_size() bytes. Errors:
  // kInvalidArgument for a page that does not exist; of the pairs.
  Status ReadPage(PageNo pgno, char* page);

  // Reads bytes; *copied is smaller than `size` at the end of the database.
  Status Read(uint64_t offset, size_t size, char* buffer, size_t* copied);

  // Looks at the holes that RecoveryOptions::unchecked_bytes left to the
  // reader: to be called when all pages are read, before the copy of them
  // counts. Does nothing when the recovery has looked at the holes. Errors: of
  // LegacyHoles::Check().
  Status CheckHoles(const std::function<Status()>& keep_on);

 private:
  Status ReadInside(uint64_t offset, size_t size, char* buffer);

  std::mutex mutex_;
  const std::unique_ptr<LegacySession> session_;
  const uint32_t page_size_;
  const uint32_t page_count_;
  const std::unique_ptr<LegacyHoles> holes_;
  std::vector<std::string> repairs_;
};

}  // namespace actorkv

#endif  // ACTORKV_VFS_LEGACY_RECOVERED_IMAGE_H_
