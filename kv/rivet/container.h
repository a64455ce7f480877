// ContainerForm: the form in which something on the disk holds actors. It is
// told by content alone: names and extensions do not count, but for the files
// of a directory that has nothing else.

#ifndef ACTORKV_KV_RIVET_CONTAINER_H_
#define ACTORKV_KV_RIVET_CONTAINER_H_

#include <memory>
#include <string>
#include <string_view>

#include "kv/base/status.h"
#include "kv/rivet/pairs.h"

namespace actorkv {

enum class ContainerForm {
  kEmpty,         // a file of no bytes: a new database, or a dump of no pairs
  kSqlite,        // a SQLite database file
  kJsonLines,     // one actor: kv/rivet/json_lines.h
  kKvBin,         // one actor: kv/rivet/kv_bin.h
  kSqliteBin,     // the database of an actor in an archive: kv/rivet/rivet_v2.h
  kArchive,       // a directory of actors: kv/rivet/archive_reader.h
  kRivetEngine,   // the RocksDB directory of Rivet's engine:
                  // kv/rivet/rivet_engine.h
  kActorkvStore,  // a store of ours, or a backup of one
  kDriverStore,   // the store of RivetKit's file-system driver:
                  // kv/rivet/driver_state.h
  kActorFiles,    // a directory of files, one an actor: kv/rivet/actor_files.h
  kEmptyDirectory,
  kOtherDirectory,
  kUnknown,
};

struct Container {
  ContainerForm form = ContainerForm::kUnknown;
  bool gzip = false;        // the form is what the file unpacks to
  std::string first_bytes;  // the file's, hexadecimal, for messages
};

// Names the form as messages do: "a SQLite database", "JSON lines", ...
std::string_view FormName(ContainerForm form);

// Errors: kNotFound; kInvalidArgument for what is neither file nor directory;
// kCorruption for gzip that is broken from the start; kIOError.
Status RecogniseContainer(const std::string& path, Container* container);

// Opens the pairs of the one actor in a dump (kJsonLines, kKvBin, kEmpty), with
// the file's name in errors. Errors: those above; kInvalidArgument, saying what
// it is, when it is not a dump.
Status OpenDump(const std::string& path, std::unique_ptr<PairSource>* pairs);

}  // namespace actorkv

#endif  // ACTORKV_KV_RIVET_CONTAINER_H_
