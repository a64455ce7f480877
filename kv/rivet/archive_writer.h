// ArchiveWriter: writes an archive directory of version 1, as Rivet had it in
// its development after 2.2; no release of Rivet writes or reads one.
//
// Invariants:
//  1. An actor is there whole or not at all: it is written in a directory
//     beside actors/ (kv/files/new_directory.h), and moved in when synced.
//  2. The manifest says how many actors there are: none in a new archive, and
//     the others once they are there. So no reader takes an archive for whole
//     in which a writer died between the two, and the next writer, which counts
//     again, makes it so.
//  3. Only an archive that this writer made is added to; its manifest says so
//     in source_cluster.

#ifndef ACTORKV_KV_RIVET_ARCHIVE_WRITER_H_
#define ACTORKV_KV_RIVET_ARCHIVE_WRITER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "kv/base/status.h"
#include "kv/rivet/archive_json.h"
#include "kv/rivet/pairs.h"

namespace actorkv {

inline constexpr char kArchiveSourceCluster[] = "actorkv";

class ArchiveWriter {
 public:
  // Makes the directory `path`, not its parents, or goes on with the archive
  // that is there. Errors: kInvalidArgument when something else is there;
  // kNotFound, kNoSpace, kIOError.
  static Status Open(const std::string& path,
                     std::unique_ptr<ArchiveWriter>* writer);

  // Begins the actor metadata.source_actor_id. It is in the archive when
  // Finish() of *sink is done; without that nothing of it is left. The sink
  // may outlive the writer. Errors: kAlreadyExists when the archive has it;
  // kInvalidArgument for an id that is no file name, or text that is not
  // UTF-8.
  Status AddActor(const ActorMetadata& metadata,
                  std::unique_ptr<PairSink>* sink);

  // Writes the manifest for all actors that are there at this moment. Without
  // it an archive with new actors is not whole. `now_ms`: milliseconds since
  // 1970. May be called again after more actors.
  Status Finish(int64_t now_ms);

 private:
  explicit ArchiveWriter(std::string directory);

  const std::string directory_;
};

}  // namespace actorkv

#endif  // ACTORKV_KV_RIVET_ARCHIVE_WRITER_H_
