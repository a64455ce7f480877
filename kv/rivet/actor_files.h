// These functions find the files of actors in a directory, one each, as
// actorkv_export_all() names them: NAME.db, NAME.jsonl, NAME.kv.bin.

#ifndef ACTORKV_KV_RIVET_ACTOR_FILES_H_
#define ACTORKV_KV_RIVET_ACTOR_FILES_H_

#include <string>
#include <vector>

#include "kv/base/status.h"

namespace actorkv {

// DirectoryEntry: a name in such a directory.
struct DirectoryEntry {
  std::string file_name;
  // The name of the actor in the file; empty: it is none, because of `why_not`.
  std::string actor;
  std::string why_not;
};

// Lists all names in `directory`, in order, but those of files that belong to a
// database beside them (NAME.db-wal, -shm, -journal). Links are followed.
// Errors: kNotFound; kInvalidArgument past kMaxListBytes
// (kv/rivet/archive_layout.h); kIOError.
Status ListActorFiles(const std::string& directory,
                      std::vector<DirectoryEntry>* entries);

}  // namespace actorkv

#endif  // ACTORKV_KV_RIVET_ACTOR_FILES_H_
