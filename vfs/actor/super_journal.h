// SuperJournalFile: the super-journal of a commit over several actors. It
// lists the journals of the databases that take part, and its deletion is the
// moment of the commit. It lives in memory: after a crash there is nothing to
// recover, because the actors' heads move together (vfs/actor/commit_group.h).

#ifndef ACTORKV_VFS_ACTOR_SUPER_JOURNAL_H_
#define ACTORKV_VFS_ACTOR_SUPER_JOURNAL_H_

#include <memory>
#include <string>

#include "vfs/actor/commit_group.h"
#include "vfs/sqlite/private_file.h"

namespace actorkv {

class Store;

class SuperJournalFile : public PrivateFile {
 public:
  // Makes the super-journal known under `name`.
  explicit SuperJournalFile(std::string name);

  int Close();
  int Read(void* buffer, int size, sqlite3_int64 offset);

  // SQLite writes the name of one journal at a time. Refuses one that is not
  // of an actor that is being written, in the same store as those before it:
  // here nothing of the transaction is in any database yet.
  int Write(const void* buffer, int size, sqlite3_int64 offset);
  int Truncate(sqlite3_int64 size);
  int FileSize(sqlite3_int64* size);

 private:
  Status AddJournal(std::string journal_name);

  const std::string name_;
  const Store* store_ = nullptr;   // of the first journal
  GroupMember* writer_ = nullptr;  // the newest; it writes until the end
  sqlite3_int64 size_bytes_ = 0;
};

// The group of the super-journal of this name; null when it is not ours.
std::shared_ptr<CommitGroup> FindSuperJournal(const std::string& name);

// Forgets the super-journal. Its group lives on as long as members hold it.
void DropSuperJournal(const std::string& name);

}  // namespace actorkv

#endif  // ACTORKV_VFS_ACTOR_SUPER_JOURNAL_H_
