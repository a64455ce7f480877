// MemoryFile: a rollback journal. It is private to its connection and never
// reaches the store: the base version of an actor is what a rollback goes back
// to, so there is never a hot journal. Past kJournalMemoryBytes it moves to an
// unlinked temporary file of the default VFS.

#ifndef ACTORKV_VFS_ACTOR_MEMORY_FILE_H_
#define ACTORKV_VFS_ACTOR_MEMORY_FILE_H_

#include <memory>
#include <string>

#include "kv/base/status.h"
#include "vfs/sqlite/private_file.h"

namespace actorkv {

constexpr size_t kJournalMemoryBytes = size_t{4} << 20;

class MemoryFile : public PrivateFile {
 public:
  // `temporary_vfs` is used when the file grows past its memory.
  // `actor_name`: the full name of the actor that it is the journal of.
  explicit MemoryFile(sqlite3_vfs* temporary_vfs, std::string actor_name = "");
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  // Makes the record that names a super-journal, at the end of the journal,
  // unrecognisable (pager.c readSuperJournal, 3.40.1: 8 bytes of magic at the
  // end). SQLite skips the playback of a journal whose super-journal is gone,
  // which is right after a crash and wrong in a rollback of a live connection.
  int HideSuperRecord();

  // Its errors are those of the actor, while that is being written.
  ErrorOwner error_owner() const;

  int Close();
  int Read(void* buffer, int size, sqlite3_int64 offset);
  int Write(const void* buffer, int size, sqlite3_int64 offset);
  int Truncate(sqlite3_int64 size);
  int FileSize(sqlite3_int64* size);

 private:
  int MoveToDisk();
  // Reports an error of the temporary file; returns the code.
  int Report(int code) const;

  sqlite3_vfs* const temporary_vfs_;
  const std::string actor_name_;
  std::string bytes_;                  // while in memory
  std::unique_ptr<char[]> disk_file_;  // an open sqlite3_file; null: in memory
};

// The journal of `file`, which is one of the databases of `db`; null if it has
// none of ours (journal_mode MEMORY and OFF).
MemoryFile* JournalOf(sqlite3* db, sqlite3_file* file);

}  // namespace actorkv

#endif  // ACTORKV_VFS_ACTOR_MEMORY_FILE_H_
